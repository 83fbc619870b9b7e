import { fileURLToPath } from 'node:url';
import { Client, type Connection } from '@temporalio/client';
import { NativeConnection, type Worker } from '@temporalio/worker';
import { createAnnounceActivities } from '../activities/announce-photos.ts';
import { createAnnouncer } from '../activities/announcer.ts';
import { createEnhanceActivities } from '../activities/enhance-photo.ts';
import { createFetchActivities } from '../activities/fetch-photo.ts';
import { createJournalActivities } from '../activities/journal-activities.ts';
import { createRetentionActivities } from '../activities/retention-activities.ts';
import { createRollbackActivities } from '../activities/rollback-activities.ts';
import { createWebhookActivities } from '../activities/webhook-activities.ts';
import { startDelivery, watchPhotos } from '../batches/deliver-webhook.ts';
import { ensureRetentionSchedule } from '../batches/retention-schedule.ts';
import { isOpen, readExecution, stopWork } from '../batches/stop-work.ts';
import type { BatchHeader } from '../contracts/batch.ts';
import type { DeliverWebhookInput, PageInRound } from '../contracts/webhooks.ts';
import { openGuard } from '../outgoing/guard.ts';
import { WebhookLog } from '../storage/webhook-log.ts';
import { connectTo, temporalTarget } from '../temporal/connection.ts';
import { ensureSearchAttributes } from '../temporal/prepare-namespace.ts';
import { NO_SINKS, type Tracing } from '../tracing/open-tracing.ts';
import { createWorkers } from './create-workers.ts';
import { PhotoSlots } from './photo-slots.ts';
import type { WorkTally } from './report.ts';
import type { WorkerProcess } from './run-worker.ts';
import { installTemporalRuntime } from './temporal-log.ts';
import type { WorkerHouse } from './worker-house.ts';

/** The half of a worker process that speaks with Temporal: its connections, and a Temporal worker for each task queue. */

const CONNECT_TIMEOUT_MS = 10_000;
const HOUR_MS = 3_600_000;
const WORKFLOW_BUNDLE = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));

interface Links {
  readonly native: NativeConnection;
  readonly client: Connection;
}

export interface Membership {
  /** None polls before it is run. */
  readonly workers: readonly Worker[];
  /** Closes the connections, once no worker uses them. */
  leave(): Promise<void>;
}

/**
 * Connects and creates the workers, the one that enhances as soon as the engines are ready.
 * @throws DarkroomError `temporal_unavailable`, and whatever the engines could not start for.
 */
export async function joinTemporal(
  worker: WorkerProcess,
  house: WorkerHouse,
  tally: WorkTally,
  tracing: Tracing | undefined,
): Promise<Membership> {
  const links = await connectTemporal(worker);
  const leave = async (): Promise<void> => {
    await links.native.close();
    await links.client.close();
  };
  try {
    const client = new Client({
      connection: links.client,
      namespace: worker.config.TEMPORAL_NAMESPACE,
      ...(tracing ? { interceptors: tracing.clientInterceptors } : {}),
    });
    const [workers] = await Promise.all([
      hireWorkers(worker, house, tally, { native: links.native, client, tracing }),
      ensureRetentionSchedule(client),
    ]);
    return { workers, leave };
  } catch (error) {
    // Workers that were never run hold the connection: then it ends with the process.
    await leave().catch(() => undefined);
    throw error;
  }
}

async function connectTemporal({ config, environment, logger }: WorkerProcess): Promise<Links> {
  const target = temporalTarget(config, environment);
  const client = await connectTo(target, CONNECT_TIMEOUT_MS);
  try {
    await ensureSearchAttributes(client, config.TEMPORAL_NAMESPACE);
  } catch (error) {
    // Servers of others may keep the right to add them to themselves.
    logger.warn({ err: error }, 'search attributes not checked: register BatchId, BatchState and Tenant as Keyword');
  }
  installTemporalRuntime(logger, config.WORKER_METRICS_ADDRESS);
  return { native: await NativeConnection.connect(target), client };
}

function hireWorkers(
  { config }: WorkerProcess,
  house: WorkerHouse,
  tally: WorkTally,
  { native, client, tracing }: { native: NativeConnection; client: Client; tracing: Tracing | undefined },
): Promise<Worker[]> {
  const { demand } = house.engines;
  const photoSlots = demand && new PhotoSlots(demand);
  const openStay = photoSlots && (() => photoSlots.openStay());
  const enhance = createEnhanceActivities({ ...house, ...(openStay && { openStay }) });
  const outgoing = {
    ...house,
    config,
    guard: openGuard(config),
    webhooks: new WebhookLog(house.store),
  };
  const telling = {
    ...outgoing,
    startDelivery: async (input: DeliverWebhookInput) => void (await startDelivery(client, input, { again: false })),
    watchPhotos: (...look: [BatchHeader, PageInRound | null]) => watchPhotos(client, ...look),
    isOpen: (batchId: string) => isOpen(client, batchId),
  };
  const announcer = createAnnouncer(telling);
  return createWorkers({
    connection: native,
    namespace: config.TEMPORAL_NAMESPACE,
    identity: house.workerId,
    workflowBundlePath: WORKFLOW_BUNDLE,
    ioActivities: {
      ...createJournalActivities({ ...house, announcer }),
      ...createRetentionActivities({
        ...house,
        retentionMs: config.RETENTION_HOURS * HOUR_MS,
        readExecution: (batchId) => readExecution(client, batchId),
      }),
      ...createRollbackActivities({ ...house, announcer, stopWork: (...work) => stopWork(client, ...work) }),
      ...createAnnounceActivities(telling),
    },
    fetchActivities: createFetchActivities(outgoing),
    webhookActivities: createWebhookActivities(outgoing),
    enhanceActivities: { enhancePhoto: (task) => tally.count(() => enhance.enhancePhoto(task), house.now) },
    capacity: house.engines.ready().then(() => ({ ...house.engines.status(), ...(photoSlots && { photoSlots }) })),
    shutdownGraceMs: config.SHUTDOWN_GRACE_MS,
    tracing: tracing ? { interceptors: tracing.interceptors, sinks: tracing.sinks } : { sinks: NO_SINKS },
  });
}
