/** How many workers there should be: pure, so that every rule can be read and tested without a process. */

export interface ScalingPolicy {
  readonly minWorkers: number;
  readonly maxWorkers: number;
  /** Waiting photos a worker above which another is wanted. */
  readonly queuePerWorker: number;
  /** Share of the time, 0..1, that devices are busy: above the first with photos waiting another worker is wanted, below the second one too many. */
  readonly busyHigh: number;
  readonly busyLow: number;
  /** Seconds a photo takes above which photos that wait are reason enough. */
  readonly slowSeconds: number;
  /** After a change nothing is changed for this long, so that its effect can be seen. */
  readonly cooldownMs: number;
  /** Looks in a row that must agree before anything is done. */
  readonly agreement: number;
}

/** One look at the load. */
export interface LoadLook {
  readonly at: number;
  /** Worker processes there are, and those of them that take photos. */
  readonly workers: number;
  readonly ready: number;
  /** Photos that wait for a device; `undefined` when Temporal does not answer. */
  readonly queue: number | undefined;
  /** Photos under way, and those that could be at once. */
  readonly active: number;
  readonly slots: number;
  /** Devices of all workers: each has a photo of its own before any has a second. */
  readonly devices: number;
  /** Mean share of the time that the devices ran a network, 0..1. */
  readonly busy: number;
  /** Mean time of a photo; null before the first. */
  readonly photoSeconds: number | null;
  /** What a worker with its engine takes, and what the machine has free, bytes; null where unknown. */
  readonly workerBytes: number | null;
  readonly freeBytes: number | null;
}

export interface ScalingMind {
  readonly wish: -1 | 0 | 1;
  /** Looks in a row that had this wish. */
  readonly held: number;
  /** Time of the last change. */
  readonly changedAt: number;
}

export const OPEN_MIND: ScalingMind = { wish: 0, held: 0, changedAt: Number.NEGATIVE_INFINITY };

export interface ScalingDecision {
  readonly change: -1 | 0 | 1;
  /** A sentence for the log. */
  readonly reason: string;
  readonly mind: ScalingMind;
}

/** One worker at a time: ten that load their models at once are how the reference ran out of memory. */
export function decideScaling(policy: ScalingPolicy, mind: ScalingMind, look: LoadLook): ScalingDecision {
  const { wish, reason } = wishFor(policy, look);
  const held = wish === mind.wish ? mind.held + 1 : 1;
  const wait = (why: string): ScalingDecision => ({ change: 0, reason: why, mind: { ...mind, wish, held } });
  if (wish === 0) return wait(reason);
  const obstacle = wish > 0 ? whyNotHire(policy, look) : whyNotDismiss(policy, look);
  if (obstacle !== undefined) return wait(`${reason}, but ${obstacle}`);
  const isBelowMinimum = look.workers < policy.minWorkers;
  if (!isBelowMinimum && held < policy.agreement) return wait(`${reason}: seen ${held} of ${policy.agreement} times`);
  const since = look.at - mind.changedAt;
  if (!isBelowMinimum && since < policy.cooldownMs) {
    return wait(`${reason}, but the last change was ${Math.round(since / 1000)} s ago`);
  }
  return { change: wish, reason, mind: { wish: 0, held: 0, changedAt: look.at } };
}

function wishFor(policy: ScalingPolicy, look: LoadLook): { wish: -1 | 0 | 1; reason: string } {
  const { workers, queue, active, slots, devices, busy, photoSeconds } = look;
  if (workers < policy.minWorkers) return { wish: 1, reason: `fewer than ${policy.minWorkers} workers` };
  if (workers > policy.maxWorkers) return { wish: -1, reason: `more than ${policy.maxWorkers} workers` };
  if (queue === undefined) return { wish: 0, reason: 'Temporal does not say how many photos wait' };
  if (queue > policy.queuePerWorker * workers) {
    return { wish: 1, reason: `${queue} photos wait for ${workers} ${workers === 1 ? 'worker' : 'workers'}` };
  }
  if (queue > 0 && devices > 0 && active >= devices) {
    if (busy >= policy.busyHigh) return { wish: 1, reason: `photos wait and devices are ${percent(busy)} busy` };
    if (photoSeconds !== null && photoSeconds > policy.slowSeconds) {
      return { wish: 1, reason: `photos wait and one takes ${photoSeconds.toFixed(1)} s` };
    }
  }
  const slotsOfOneFewer = workers > 0 ? slots * (1 - 1 / workers) : 0;
  if (queue === 0 && busy <= policy.busyLow && active <= slotsOfOneFewer && workers > policy.minWorkers) {
    return { wish: -1, reason: `nothing waits and devices are ${percent(busy)} busy` };
  }
  return { wish: 0, reason: 'the load fits the workers' };
}

function whyNotHire(policy: ScalingPolicy, look: LoadLook): string | undefined {
  if (look.workers >= policy.maxWorkers) return `${policy.maxWorkers} are as many as there may be`;
  if (look.ready < look.workers) return 'a worker is still loading its models';
  const { workerBytes, freeBytes } = look;
  if (workerBytes !== null && freeBytes !== null && workerBytes > freeBytes) {
    return `another takes ${megabytes(workerBytes)} and ${megabytes(freeBytes)} are free`;
  }
  return undefined;
}

const whyNotDismiss = (policy: ScalingPolicy, { workers }: LoadLook): string | undefined =>
  workers <= policy.minWorkers ? `${policy.minWorkers} are as few as there may be` : undefined;

const percent = (share: number): string => `${Math.round(share * 100)} %`;
const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
