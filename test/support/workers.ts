import { randomUUID } from 'node:crypto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { createAnnounceActivities } from '../../src/activities/announce-photos.ts';
import { createAnnouncer } from '../../src/activities/announcer.ts';
import { createFetchActivities } from '../../src/activities/fetch-photo.ts';
import { createJournalActivities } from '../../src/activities/journal-activities.ts';
import { createRetentionActivities } from '../../src/activities/retention-activities.ts';
import { createRollbackActivities } from '../../src/activities/rollback-activities.ts';
import { createWebhookActivities } from '../../src/activities/webhook-activities.ts';
import { startDelivery, watchPhotos } from '../../src/batches/deliver-webhook.ts';
import { isOpen, readExecution, stopWork } from '../../src/batches/stop-work.ts';
import type { EnhanceActivities, JournalActivities } from '../../src/contracts/activities.ts';
import type { BatchHeader } from '../../src/contracts/batch.ts';
import { parseConfig } from '../../src/contracts/config.ts';
import type { DeliverWebhookInput, PageInRound } from '../../src/contracts/webhooks.ts';
import { TASK_QUEUES } from '../../src/contracts/workflow-api.ts';
import { openGuard } from '../../src/outgoing/guard.ts';
import { openBuckets } from '../../src/storage/buckets.ts';
import { WebhookLog } from '../../src/storage/webhook-log.ts';
import { RollbackJournal } from '../../src/storage/rollback-journal.ts';
import type { PhotoSlots } from '../../src/worker/photo-slots.ts';
import type { openHouse } from './journal-fixtures.ts';
import { workflowBundle } from './temporal.ts';

export interface RunningWorkers {
  stop(): Promise<void>;
}

/** Real workers for all queues, with the real books and undoing; what enhances is the test's choice. */
export async function startWorkers(
  env: TestWorkflowEnvironment,
  house: Awaited<ReturnType<typeof openHouse>>,
  enhance: EnhanceActivities,
  options: {
    retentionMs?: number;
    workflowBundle?: WorkflowBundleWithSourceMap;
    /** What becomes of the books' activities before a worker has them. */
    journal?: (activities: JournalActivities) => JournalActivities;
    /** How many photos the worker asks for; else eight. */
    photoSlots?: PhotoSlots;
    /** Settings of what goes out. */
    settings?: Record<string, string>;
  } = {},
): Promise<RunningWorkers> {
  const { nativeConnection: connection, namespace } = env;
  const common = { connection, ...(namespace ? { namespace } : {}) };
  const config = parseConfig(options.settings ?? {});
  const deps = {
    ...house,
    now: Date.now,
    makeNonce: randomUUID,
    rollbacks: new RollbackJournal(house.store),
    buckets: openBuckets(config),
  };
  const guard = openGuard(config);
  const outgoing = { ...deps, config, guard, webhooks: new WebhookLog(house.store) };
  const telling = {
    ...outgoing,
    startDelivery: async (input: DeliverWebhookInput) =>
      void (await startDelivery(env.client, input, { again: false })),
    watchPhotos: (...look: [BatchHeader, PageInRound | null]) => watchPhotos(env.client, ...look),
    isOpen: (batchId: string) => isOpen(env.client, batchId),
  };
  const announcer = createAnnouncer(telling);
  const workers = await Promise.all([
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUES.orchestration,
      workflowBundle: options.workflowBundle ?? (await workflowBundle()),
      stickyQueueScheduleToStartTimeout: '1s',
    }),
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUES.io,
      activities: {
        ...(options.journal ?? ((activities) => activities))(createJournalActivities({ ...deps, announcer })),
        ...createRetentionActivities({
          ...deps,
          retentionMs: options.retentionMs ?? 3_600_000,
          readExecution: (batchId) => readExecution(env.client, batchId),
        }),
        ...createRollbackActivities({ ...deps, announcer, stopWork: (...work) => stopWork(env.client, ...work) }),
        ...createAnnounceActivities(telling),
      },
    }),
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUES.fetch,
      activities: { ...createFetchActivities(outgoing) },
      maxHeartbeatThrottleInterval: '100ms',
    }),
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUES.webhooks,
      activities: { ...createWebhookActivities(outgoing) },
    }),
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUES.enhance,
      activities: { ...enhance },
      ...(options.photoSlots ? { tuner: options.photoSlots.tuner } : { maxConcurrentActivityTaskExecutions: 8 }),
      maxHeartbeatThrottleInterval: '100ms',
    }),
  ]);
  const runs = workers.map((worker) => worker.run());
  return {
    async stop() {
      for (const worker of workers) worker.shutdown();
      await Promise.all(runs);
    },
  };
}

/** Asks again and again, for twenty seconds at most. */
export async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain for: ${what}`);
}
