/** How far a batch is, and how long it will still take. Pure: the moment is an argument. */

/** The workflow's own account, as its `progress` query answers it. Times are epoch milliseconds. */
export interface BatchProgress {
  state: 'running' | 'paused' | 'cancelling' | 'completed' | 'partial_completed' | 'failed' | 'cancelled';
  total: number;
  completed: number;
  failed: number;
  /** (completed + failed) / total. */
  progress: number;
  /** Seconds, as of `updatedAt`; null while nothing can be said. */
  eta: number | null;
  /** Photos scheduled and not settled. */
  inFlight: number;
  /** True while photos may be added. */
  open: boolean;
  maxWorkers: number;
  priority: number;
  /** Thousands of pixels: of all photos, and of those that are settled. */
  kilopixels: { total: number; settled: number };
  /** Milliseconds spent not paused: up to `updatedAt`, and up to when the last photo settled. */
  activeMs: number;
  settledActiveMs: number;
  /** 0 for the first pass, one more for every retry of the failed photos. */
  round: number;
  startedAt: number;
  updatedAt: number;
}

/** A photo under way: its weight, and the share of it that is done (0..1), from the heartbeats. */
export interface PhotoUnderWay {
  readonly kilopixels: number;
  readonly done: number;
}

/** Share of the batch that is done by pixels, photos under way counted by their tiles: 0..1, 1 only when all is settled. */
export function shareDone(batch: BatchProgress, underWay: readonly PhotoUnderWay[]): number {
  const { total, settled } = batch.kilopixels;
  if (total === 0) return batch.progress;
  const partial = underWay.reduce((sum, photo) => sum + photo.kilopixels * clamp(photo.done), 0);
  return Math.min(1, (settled + partial) / total);
}

/**
 * Seconds until the batch ends at the pace it has kept, weighted by pixels.
 * @returns null while not even one tile is done or while the batch is paused; 0 once it has ended.
 */
export function estimateEta(batch: BatchProgress, underWay: readonly PhotoUnderWay[], nowMs: number): number | null {
  if (batch.completed + batch.failed >= batch.total) return batch.open ? null : 0;
  if (batch.state !== 'running') return null;
  const share = shareDone(batch, underWay);
  const activeMs = batch.activeMs + Math.max(0, nowMs - batch.updatedAt);
  const settledShare = shareDone(batch, []);
  if (settledShare <= 0) return share <= 0 ? null : inSeconds((activeMs / share) * (1 - share));
  // The pace is taken when a photo settles: counting the time since would make the estimate grow while a photo is at work.
  const pace = batch.settledActiveMs / settledShare;
  const left = pace * (1 - share);
  const sinceSettled = activeMs - batch.settledActiveMs;
  return inSeconds(Math.min(left, Math.max(left * LEAST_LEFT, pace * (1 - settledShare) - sinceSettled)));
}

/** However late a photo is, this share of the estimate stays until it settles. */
const LEAST_LEFT = 0.1;

const inSeconds = (ms: number): number => Math.max(0, Math.round(ms / 100) / 10);

const clamp = (share: number): number => Math.min(1, Math.max(0, share));
