import type { Config } from '../contracts/config.ts';
import { TASK_QUEUES } from '../contracts/workflow-api.ts';
import type { Store } from '../storage/store.ts';
import type { TemporalProbe } from '../temporal/probe.ts';
import type { Check, Seen } from './finding.ts';
import { probeStore, probeWorkerClocks } from './store-probe.ts';
import { areBusy, storeTrouble, temporalTrouble, workerTrouble, type Vitals } from './vitals.ts';

/** The one list of what a Darkroom that runs is looked at for: `/readyz` answers by it, `darkroom doctor` tells it. */

export interface Surroundings {
  readonly config: Config;
  readonly store: Store;
  readonly temporal: TemporalProbe;
  readonly vitals: () => Promise<Vitals>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Reports of workers are believed for ten seconds, so a clock that is off by as much hides a worker. */
const CLOCK_WARNING_MS = 4_000;
/** S3 servers refuse signed calls of clocks that are wrong by a quarter of an hour; long before that, times make no sense. */
const CLOCK_FAULT_MS = 60_000;
const SLOW_STORE_MS = 2_000;

export const LIVE_CHECKS: readonly Check<Surroundings>[] = [
  { name: 'store', look: checkStore },
  { name: 'space', look: checkSpace, needs: 'store' },
  { name: 'clock', look: checkClocks, needs: 'store' },
  { name: 'temporal', look: checkTemporal },
  { name: 'namespace', look: checkNamespace, needs: 'temporal' },
  { name: 'search-attributes', look: checkSearchAttributes, needs: 'temporal' },
  { name: 'workers', look: checkWorkers, needs: 'temporal' },
  { name: 'task-queues', look: checkQueues, needs: 'temporal' },
];

const ok = (message: string): Seen => ({ state: 'ok', message });

async function checkStore({ store, vitals, now }: Surroundings): Promise<Seen> {
  const trouble = storeTrouble(await vitals());
  const remedy = 'See that the store runs and that its credentials allow to read, write, list and delete.';
  if (trouble !== undefined) return { state: 'fault', message: trouble, remedy, code: 'storage_unavailable' };
  const { ms } = await probeStore(store, now);
  const message = `An object was written, read and removed in ${Math.round(ms)} ms.`;
  if (ms <= SLOW_STORE_MS) return ok(message);
  const look = 'Look at the load of the disk or of the S3 server, and at the network between.';
  return { state: 'warning', message, remedy: look, code: 'storage_unavailable' };
}

async function checkSpace({ config, store }: Surroundings): Promise<Seen> {
  const free = await store.freeBytes();
  if (free === undefined) return ok('The store tells no limit.');
  const message = `The store has ${Math.floor(free / 2 ** 20)} MiB left.`;
  if (free >= config.DISK_RESERVE_BYTES) return ok(message);
  const remedy = 'Make room, or lower RETENTION_HOURS: below DISK_RESERVE_BYTES new photos are refused.';
  return { state: 'fault', message, remedy, code: 'storage_full' };
}

async function checkClocks({ store, now }: Surroundings): Promise<Seen> {
  const [own, workers] = await Promise.all([probeStore(store, now), probeWorkerClocks(store)]);
  const readings = [
    { whose: 'This host’s clock', offMs: -own.aheadMs },
    ...workers.map(({ workerId, aheadMs }) => ({ whose: `The clock of worker ${workerId}`, offMs: aheadMs })),
  ].sort((left, right) => Math.abs(right.offMs) - Math.abs(left.offMs));
  const [worst] = readings;
  if (worst === undefined || Math.abs(worst.offMs) < CLOCK_WARNING_MS) return ok('Clocks agree with the store’s.');
  const seconds = Math.round(Math.abs(worst.offMs) / 1000);
  return {
    state: Math.abs(worst.offMs) < CLOCK_FAULT_MS ? 'warning' : 'fault',
    message: `${worst.whose} is ${seconds} s ${worst.offMs > 0 ? 'ahead of' : 'behind'} the store’s.`,
    remedy: 'Keep the time of all hosts by NTP: workers whose clock is wrong are taken for gone.',
    code: 'not_ready',
  };
}

async function checkTemporal({ vitals }: Surroundings): Promise<Seen> {
  const trouble = temporalTrouble(await vitals());
  if (trouble === undefined) return ok('It answers.');
  const remedy = 'See that the Temporal server runs and that TEMPORAL_ADDRESS and its credentials are right.';
  return { state: 'fault', message: trouble, remedy, code: 'temporal_unavailable' };
}

async function checkNamespace({ config, temporal }: Surroundings): Promise<Seen> {
  const { version, retentionHours } = await temporal.describe();
  const message = `Server ${version} keeps closed workflows of "${config.TEMPORAL_NAMESPACE}" for ${Math.round(retentionHours)} h.`;
  if (retentionHours >= 24) return ok(message);
  const remedy = 'Lengthen it: `temporal operator namespace update --retention 720h`; our own journal keeps the rest.';
  return { state: 'warning', message, remedy, code: 'not_ready' };
}

async function checkSearchAttributes({ temporal, config }: Surroundings): Promise<Seen> {
  const missing = await temporal.missingSearchAttributes();
  const namespace = config.TEMPORAL_NAMESPACE;
  const create = (names: readonly string[]): string =>
    `temporal operator search-attribute create --namespace ${namespace} ${names.map((name) => `--name ${name} --type Keyword`).join(' ')}`;
  if (missing === undefined) {
    const remedy = `Have its owner see that they exist, or create them: \`${create(['BatchId', 'BatchState', 'Tenant'])}\`.`;
    return { state: 'warning', message: 'The server does not let us look.', remedy, code: 'not_ready' };
  }
  if (missing.length === 0) return ok('All are registered.');
  const message = `Not registered: ${missing.join(', ')}; no batch can be started.`;
  return {
    state: 'fault',
    message,
    remedy: `Start a worker, which registers them, or: \`${create(missing)}\`.`,
    code: 'not_ready',
  };
}

async function checkWorkers({ vitals }: Surroundings): Promise<Seen> {
  const seen = await vitals();
  const trouble = workerTrouble(seen);
  if (trouble !== undefined) {
    const remedy = 'Start a worker (`darkroom worker`), or read the log of the one that is there.';
    return { state: 'fault', message: trouble, remedy, code: 'not_ready' };
  }
  const ready = seen.workers.filter(({ state }) => state === 'ready');
  const devices = [...new Set(ready.map(({ device }) => device))].join(', ');
  const waiting = seen.queue?.backlog ?? 0;
  return ok(`Ready: ${ready.length}, on ${devices}. Photos waiting: ${waiting}.`);
}

async function checkQueues({ temporal, vitals }: Surroundings): Promise<Seen> {
  const busy = areBusy(await vitals());
  const idle = (await temporal.idleQueues()).filter((name) => !(busy && name === TASK_QUEUES.enhance));
  if (idle.length === 0) return ok('Workers ask every task queue for work.');
  const message = `Nobody asks for the work of ${idle.join(', ')}.`;
  const remedy =
    'Start a worker with the same TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE; it asks once its models are warm.';
  return { state: 'fault', message, remedy, code: 'not_ready' };
}
