import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { EnhanceActivities, PhotoHeartbeat, PhotoSettled, PhotoTask } from '../contracts/activities.ts';
import { DarkroomError } from '../contracts/errors.ts';
import { photoId } from '../contracts/ids.ts';
import { chooseModel } from '../contracts/recipe.ts';
import type { EnginePool, InstalledModel, Stay } from '../inference/engine.ts';
import type { Buckets } from '../storage/buckets.ts';
import type { Journal } from '../storage/journal.ts';
import type { Store } from '../storage/store.ts';
import { asFailure, isEngineFault } from './failures.ts';
import { fetchOriginal } from './fetch-original.ts';
import { publishResult, removeLeftOvers } from './publish-result.ts';
import { openStageSpans, type StageSpans } from './stage-spans.ts';
import type { Desk, ScratchShelf } from './scratch-shelf.ts';

/** Temporal answers a cancellation on a heartbeat: one a second keeps cancelling prompt. */
const HEARTBEAT_INTERVAL_MS = 1000;
/** A photo under way when a worker dies is seldom to blame; one that was under way so often is. */
const DEATHS_UNTIL_GIVING_UP = 25;
/** Of the SDK's reasons for ending an activity, the one by which the workflow wants no more of it. */
const CANCELLED = 'CANCELLED';

export interface EnhanceDependencies {
  readonly store: Store;
  readonly journal: Journal;
  readonly buckets: Buckets;
  readonly engines: EnginePool;
  /** Hears of every attempt at a photo. */
  readonly openStay?: () => Stay;
  readonly models: ReadonlyMap<string, InstalledModel>;
  readonly scratch: ScratchShelf;
  readonly now: () => number;
  readonly makeNonce: () => string;
}

/** Activities that need a device: task queue `enhance`. */
export function createEnhanceActivities(deps: EnhanceDependencies): EnhanceActivities {
  /** Attempts under way in this process. A newer attempt at the same photo ends the older one first. */
  const underWay = new Map<string, { superseded: AbortController; ended: Promise<unknown> }>();

  return {
    async enhancePhoto(task) {
      const id = photoId(task.batchId, task.index);
      const older = underWay.get(id);
      older?.superseded.abort(new DarkroomError('interrupted'));
      await older?.ended;
      const superseded = new AbortController();
      const attempt = runAttempt(deps, task, superseded.signal);
      const entry = { superseded, ended: attempt.catch(() => undefined) };
      underWay.set(id, entry);
      try {
        return await attempt;
      } finally {
        if (underWay.get(id) === entry) underWay.delete(id);
      }
    },
  };
}

async function runAttempt(deps: EnhanceDependencies, task: PhotoTask, superseded: AbortSignal): Promise<PhotoSettled> {
  const context = Context.current();
  const signal = AbortSignal.any([context.cancellationSignal, superseded]);
  const earlier: Partial<PhotoHeartbeat> | undefined = context.info.heartbeatDetails;
  let beat: PhotoHeartbeat = {
    index: task.index,
    stage: 'fetching',
    tilesDone: 0,
    tilesTotal: 0,
    faults: earlier?.faults ?? 0,
    begun: (earlier?.begun ?? 0) + 1,
    ended: earlier?.ended ?? 0,
  };
  const { batchId, index } = task;
  const { attempt } = context.info;
  const spans = openStageSpans({ batchId, photoId: photoId(batchId, index), attempt });
  const report = (change: Partial<PhotoHeartbeat>): void => {
    beat = { ...beat, ...change };
    if (change.stage !== undefined) spans.enter(change.stage);
  };
  spans.enter(beat.stage);
  const timer = setInterval(() => context.heartbeat(beat), HEARTBEAT_INTERVAL_MS);
  // Most photos of a first attempt that end within a second need none; a later one may follow a death, which is counted.
  if (attempt > 1) context.heartbeat(beat);
  const stay = deps.openStay?.();
  try {
    if (beat.begun - beat.ended > DEATHS_UNTIL_GIVING_UP) throw new DarkroomError('worker_lost');
    return await enhance(deps, task, { signal, report, spans, attempt, stay });
  } catch (error) {
    spans.end(error);
    // Cancelled by the batch or by a worker that is stopping: Temporal knows which, and reschedules the latter.
    if (context.cancellationSignal.aborted)
      throw error instanceof CancelledFailure ? error : new CancelledFailure(CANCELLED, [], asError(error));
    report({ ended: beat.ended + 1, faults: beat.faults + (isEngineFault(error) ? 1 : 0) });
    context.heartbeat(beat);
    throw asFailure(error, { attempt, faults: beat.faults });
  } finally {
    spans.end();
    stay?.end();
    clearInterval(timer);
  }
}

interface Attempt {
  readonly signal: AbortSignal;
  readonly report: (change: Partial<PhotoHeartbeat>) => void;
  readonly spans: StageSpans;
  readonly attempt: number;
  readonly stay: Stay | undefined;
}

async function enhance(
  deps: EnhanceDependencies,
  task: PhotoTask,
  { signal, report, spans, attempt, stay }: Attempt,
): Promise<PhotoSettled> {
  const { journal, engines } = deps;
  const known = await journal.outcomeUpTo(task.batchId, task.index, task.epoch);
  // Done by an attempt whose answer never arrived, or deleted meanwhile: nothing is done twice.
  if (known?.status === 'completed' || known?.status === 'removed') {
    await deps.scratch.clear(photoId(task.batchId, task.index));
    await removeLeftOvers(deps.store, task, known.status === 'completed' ? known.result.key : undefined);
    return { status: known.status };
  }

  const [header, record] = await Promise.all([journal.header(task.batchId), journal.photo(task.batchId, task.index)]);
  if (!header || !record) throw new DarkroomError('source_missing', 'The batch is no longer in the journal.');
  const { quality, denoise } = header.options;
  const { model } = chooseModel(quality, new Set(deps.models.keys()), denoise !== null);
  const startedAt = deps.now();
  const original = await fetchOriginal(deps, task, record.original, header.destination);
  let desk: Desk | undefined;
  let keepTiles = false;
  try {
    desk = await deps.scratch.claim(photoId(task.batchId, task.index));
    stay?.arrive();
    const enhanced = await engines.enhance(
      {
        inputPath: original.path,
        scratchDir: desk.path,
        model,
        options: header.options,
        checkpoint: header.checkpointEnabled,
      },
      { signal, onProgress: report },
    );
    report({ stage: 'publishing' });
    const { device, tiles, tilesReused, tileSize, timings } = enhanced;
    spans.note({ model: enhanced.model, device, tiles, tilesReused, tileSize, ...timings });
    signal.throwIfAborted();
    return await publishResult(deps, { task, attempt, startedAt, header, record, enhanced, signal });
  } catch (error) {
    keepTiles = header.checkpointEnabled && worthKeeping(error, signal);
    throw error;
  } finally {
    await original.release();
    if (!keepTiles) await desk?.discard();
  }
}

/**
 * Tiles help the next attempt; a photo that is cancelled or to blame itself has none. Whatever else ends an attempt (its worker
 * stops or was silent for too long, Temporal was away, somebody paused it) is followed by another, or may be once the batch is resumed.
 */
function worthKeeping(error: unknown, signal: AbortSignal): boolean {
  const reason: unknown = signal.reason;
  if (signal.aborted) return !(reason instanceof CancelledFailure && reason.message === CANCELLED);
  return !(error instanceof DarkroomError) || error.definition.retryable;
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
