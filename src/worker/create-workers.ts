import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import type {
  EnhanceActivities,
  FetchActivities,
  JournalActivities,
  RollbackActivities,
} from '../contracts/activities.ts';
import type { AnnounceActivities, WebhookActivities } from '../contracts/webhooks.ts';
import type { RetentionActivities } from '../contracts/retention.ts';
import { TASK_QUEUES } from '../contracts/workflow-api.ts';
import type { PhotoSlots } from './photo-slots.ts';

export interface WorkersToCreate {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly identity: string;
  /** The workflows, bundled when the package was built. */
  readonly workflowBundlePath: string;
  readonly ioActivities: JournalActivities & RollbackActivities & RetentionActivities & AnnounceActivities;
  readonly fetchActivities: FetchActivities;
  readonly webhookActivities: WebhookActivities;
  readonly enhanceActivities: EnhanceActivities;
  /**
   * Engines, and photos that they work on at a time (the pool has the semaphore); known once they are ready. `photoSlots` say when
   * the next photo is wanted; without them there are as many as there are slots.
   */
  readonly capacity: Promise<{ readonly lanes: number; readonly slots: number; readonly photoSlots?: PhotoSlots }>;
  readonly shutdownGraceMs: number;
  /** What traces want of every worker, where there are any. */
  readonly tracing: Pick<WorkerOptions, 'interceptors' | 'sinks'>;
}

const IO_SLOTS = 16;
/** Photos that are fetched at once: each waits for somebody else's server and costs a connection. */
const FETCH_SLOTS = 32;
const WEBHOOK_SLOTS = 16;

/** One Temporal worker for each task queue, all in this process: decide, keep the books, fetch, tell, enhance. */
export async function createWorkers(wanted: WorkersToCreate): Promise<Worker[]> {
  const { connection, namespace, identity, shutdownGraceMs } = wanted;
  const common: Pick<
    WorkerOptions,
    'connection' | 'namespace' | 'identity' | 'shutdownGraceTime' | 'shutdownForceTime' | 'interceptors' | 'sinks'
  > = {
    ...wanted.tracing,
    connection,
    namespace,
    identity,
    // After the grace, photos under way are told to stop; they keep their tiles and go to another worker at once.
    shutdownGraceTime: shutdownGraceMs,
    shutdownForceTime: shutdownGraceMs + 5000,
  };
  return Promise.all([
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUES.orchestration,
      workflowBundle: { codePath: wanted.workflowBundlePath },
      // A killed orchestrator's workflows move on after this, not after the default ten seconds.
      stickyQueueScheduleToStartTimeout: '2s',
      maxCachedWorkflows: 500,
    }),
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUES.io,
      activities: { ...wanted.ioActivities },
      maxConcurrentActivityTaskExecutions: IO_SLOTS,
      // Several within each time-out: a machine that is overloaded is late with some.
      maxHeartbeatThrottleInterval: '2s',
    }),
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUES.fetch,
      activities: { ...wanted.fetchActivities },
      maxConcurrentActivityTaskExecutions: FETCH_SLOTS,
      maxHeartbeatThrottleInterval: '1s',
    }),
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUES.webhooks,
      activities: { ...wanted.webhookActivities },
      maxConcurrentActivityTaskExecutions: WEBHOOK_SLOTS,
    }),
    wanted.capacity.then(({ lanes, slots, photoSlots }) =>
      Worker.create({
        ...common,
        taskQueue: TASK_QUEUES.enhance,
        activities: { ...wanted.enhanceActivities },
        ...(photoSlots ? { tuner: photoSlots.tuner } : { maxConcurrentActivityTaskExecutions: slots }),
        maxConcurrentActivityTaskPolls: lanes + 1,
        // Progress and cancellation travel on heartbeats: a second is how stale they may be.
        maxHeartbeatThrottleInterval: '1s',
      }),
    ),
  ]);
}
