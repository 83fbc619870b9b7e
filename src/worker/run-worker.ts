import { fileURLToPath } from 'node:url';
import { Client, type Connection } from '@temporalio/client';
import { NativeConnection, type Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
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
import type { ChildMessage } from '../contracts/child-messages.ts';
import type { BatchHeader } from '../contracts/batch.ts';
import type { Config, Environment } from '../contracts/config.ts';
import type { DeliverWebhookInput, PageInRound } from '../contracts/webhooks.ts';
import { faceNotices } from '../contracts/faces.ts';
import { openGuard } from '../outgoing/guard.ts';
import { WebhookLog } from '../storage/webhook-log.ts';
import { connectTo, temporalTarget } from '../temporal/connection.ts';
import { ensureSearchAttributes } from '../temporal/prepare-namespace.ts';
import { NO_SINKS, openTracing, type Tracing } from '../tracing/open-tracing.ts';
import { createWorkers } from './create-workers.ts';
import { startReporting, type WorkPhase, WorkTally } from './report.ts';
import { installTemporalRuntime } from './temporal-log.ts';
import { openWorkerHouse, type WorkerHouse } from './worker-house.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const HOUR_MS = 3_600_000;
const WORKFLOW_BUNDLE = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));

interface WorkerProcess {
  readonly config: Config;
  readonly environment: Environment;
  readonly logger: Logger;
  /** Aborted when the process is told to stop. */
  readonly stop: AbortSignal;
  readonly tellSupervisor: (message: ChildMessage) => void;
}

/** A worker from its first line to its last; resolves when it has drained. It polls only once its engines are warm. */
export async function runWorker(worker: WorkerProcess): Promise<void> {
  const { config, logger, stop, tellSupervisor } = worker;
  const house = await openWorkerHouse(config, logger);
  const tally = new WorkTally();
  const phase: { current: WorkPhase } = { current: 'starting' };
  const reports = startReporting({ ...house, pid: process.pid, startedAt: house.now(), tally, logger, phase });
  const tracing = await openTracing(config, 'worker', logger);
  // While the engines open their networks; whether it could be reached is asked for when they have.
  const connecting = connectTemporal(worker);
  connecting.catch(() => undefined);
  try {
    await house.engines.ready();
    const links = await connecting;
    const client = new Client({
      connection: links.client,
      namespace: config.TEMPORAL_NAMESPACE,
      ...(tracing ? { interceptors: tracing.clientInterceptors } : {}),
    });
    const workers = await hireWorkers(worker, house, tally, { native: links.native, client, tracing });
    await ensureRetentionSchedule(client);
    const shutDown = (): void => {
      phase.current = 'draining';
      for (const each of workers) each.shutdown();
    };
    phase.current = 'ready';
    await reports.write(); // before anyone is told: whoever asks now finds a worker
    const { device } = house.engines.status();
    logger.info({ device, models: [...house.models.keys()] }, 'ready');
    tellSupervisor({
      type: 'ready',
      device,
      notices: [...house.levels.notices, ...faceNotices(house.faces.map(({ entry }) => entry.role))],
    });
    const running = Promise.all(workers.map((each) => each.run()));
    if (stop.aborted) shutDown();
    else stop.addEventListener('abort', shutDown, { once: true });
    await running;
  } finally {
    await Promise.all([house.engines.close(), reports.end()]);
    const links = await connecting.catch(() => undefined);
    await links?.native.close();
    await links?.client.close();
    await tracing?.close();
  }
}

interface Links {
  readonly native: NativeConnection;
  readonly client: Connection;
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
  const enhance = createEnhanceActivities(house);
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
    lanes: house.engines.status().lanes,
    slots: house.engines.status().slots,
    shutdownGraceMs: config.SHUTDOWN_GRACE_MS,
    tracing: tracing ? { interceptors: tracing.interceptors, sinks: tracing.sinks } : { sinks: NO_SINKS },
  });
}
