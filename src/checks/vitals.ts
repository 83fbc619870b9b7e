import type { BatchService } from '../batches/batch-service.ts';
import type { WorkerReport } from '../contracts/worker-report.ts';

type WorkSource = Pick<BatchService, 'workers' | 'queue'>;

/** Who works, and what waits for them. */
export interface Vitals {
  readonly workers: readonly WorkerReport[];
  /** `undefined` when Temporal does not answer. */
  readonly queue: { readonly backlog: number; readonly pollers: number } | undefined;
  /** False when the store did not hand out the workers' reports. */
  readonly storeAnswers: boolean;
}

const FRESH_MS = 1_000;
/** The sampler asks every two seconds: with it running, nobody else ever waits for an answer. */
const USABLE_MS = 3_500;
/** Health is asked for by people and by load balancers: an answer now is worth more than a better one later. */
const PATIENCE_MS = 1_500;

/**
 * Asks at most once a second, once for all callers; what is a little older is handed out while the next is fetched.
 * @param patienceMs - for an answer of the store or of Temporal.
 */
export function watchVitals(service: WorkSource, clock: () => number, patienceMs = PATIENCE_MS): () => Promise<Vitals> {
  let last: { readonly at: number; readonly vitals: Vitals } | undefined;
  let asking: Promise<Vitals> | undefined;
  const ask = async (): Promise<Vitals> => {
    const vitals = await askVitals(service, patienceMs);
    last = { at: clock(), vitals };
    asking = undefined;
    return vitals;
  };
  return async () => {
    const age = last ? Math.abs(clock() - last.at) : Number.POSITIVE_INFINITY;
    if (last && age < FRESH_MS) return last.vitals;
    asking ??= ask();
    return last && age < USABLE_MS ? last.vitals : asking;
  };
}

async function askVitals(service: WorkSource, patienceMs: number): Promise<Vitals> {
  const [workers, queue] = await Promise.all([
    patiently(service.workers(), patienceMs),
    patiently(service.queue(), patienceMs),
  ]);
  return { workers: workers ?? [], queue, storeAnswers: workers !== undefined };
}

/** `undefined` when the answer fails or takes too long. */
async function patiently<T>(answer: Promise<T>, patienceMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patienceMs);
  });
  try {
    return await Promise.race([answer, late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

export const activePhotos = ({ workers }: Vitals): number =>
  workers.reduce((sum, worker) => sum + worker.activePhotos, 0);

/** What keeps photos from being worked on; `undefined`: nothing of this kind. */
export type Trouble = string | undefined;

export const storeTrouble = ({ storeAnswers }: Vitals): Trouble =>
  storeAnswers ? undefined : 'The store does not answer.';

export const temporalTrouble = ({ queue }: Vitals): Trouble =>
  queue ? undefined : 'The workflow service does not answer; running work is not lost.';

/** Whether some worker has a photo under way: one that has need not ask for another, for minutes where a network takes that long. */
export const areBusy = ({ workers }: Pick<Vitals, 'workers'>): boolean =>
  workers.some(({ activePhotos }) => activePhotos > 0);

export function workerTrouble({ workers, queue }: Vitals): Trouble {
  if (workers.some(({ state }) => state === 'ready')) {
    return queue && (queue.pollers > 0 || areBusy({ workers }))
      ? undefined
      : 'A worker is there but does not ask for work yet.';
  }
  if (workers.some(({ state }) => state === 'starting')) return 'A worker is loading its models.';
  const failed = workers.find(({ state }) => state === 'failed');
  return failed?.notices[0] ?? 'No worker is running; photos wait for one.';
}

/** Whether photos are really being worked on, and if not, why in a sentence. */
export function diagnose(vitals: Vitals): { state: 'healthy' | 'degraded' | 'unhealthy'; message: string } {
  const unhealthy = storeTrouble(vitals) ?? temporalTrouble(vitals);
  if (unhealthy !== undefined) return { state: 'unhealthy', message: unhealthy };
  const degraded = workerTrouble(vitals);
  if (degraded !== undefined) return { state: 'degraded', message: degraded };
  return { state: 'healthy', message: 'Photos are being worked on as they come.' };
}
