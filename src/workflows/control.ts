import {
  ApplicationFailure,
  type CancellationScope,
  condition,
  setHandler,
  TemporalFailure,
} from '@temporalio/workflow';
import { isAdditionId } from '../contracts/ids.ts';
import {
  addPhotosSignal,
  addPhotosUpdate,
  cancelPhotosSignal,
  cancelPhotosUpdate,
  type ControlAnswer,
  pauseSignal,
  pauseUpdate,
  photosQuery,
  progressQuery,
  resumeSignal,
  resumeUpdate,
  retryFailedSignal,
  retryFailedUpdate,
  sealSignal,
  sealUpdate,
  setMaxWorkersSignal,
  setMaxWorkersUpdate,
  setPrioritySignal,
  setPriorityUpdate,
} from '../contracts/workflow-api.ts';
import type { BatchLedger } from './batch-ledger.ts';

const LARGEST_WINDOW = 200;

interface Controlled {
  readonly batch: BatchLedger;
  /** Photos under way, by index. */
  readonly scopes: ReadonlyMap<number, CancellationScope>;
  readonly append: (additionId: string) => Promise<{ from: number; count: number }>;
  /** Called after every change. */
  readonly announce: () => void;
}

/**
 * Connects queries, and every control twice: as an update for callers who want an answer, as a signal of the same name for
 * those who do not. All are idempotent. A bad argument rejects an update; a signal that carries one changes nothing,
 * because failing there would take the batch down.
 */
export function listenToControl({ batch, scopes, append, announce }: Controlled): void {
  const answer = (changed: boolean): ControlAnswer => {
    if (changed) announce();
    return { changed, progress: batch.progress(Date.now()) };
  };
  const pause = () => answer(batch.pause(Date.now()));
  const resume = () => answer(batch.resume(Date.now()));
  const retryFailed = () => answer(batch.requestRetry());
  const setMaxWorkers = (maxWorkers: number) => answer(batch.setMaxWorkers(maxWorkers));
  const setPriority = (priority: number) => answer(batch.setPriority(priority));
  const seal = () => answer(batch.seal());
  const cancelPhotos = async (indexes: number[]) => {
    const changed = batch.drop(indexes, Date.now());
    for (const index of indexes) scopes.get(index)?.cancel();
    await condition(() => !indexes.some((index) => batch.isUnderWay(index)));
    return answer(changed);
  };

  setHandler(progressQuery, () => batch.progress(Date.now()), {
    description: 'Counts, share done, ETA and state of the batch',
  });
  setHandler(photosQuery, () => batch.photos(), {
    description: 'Photos of the manifest pages that this run has opened',
  });

  setHandler(pauseUpdate, pause, { description: 'Start no further photo; those under way finish' });
  setHandler(resumeUpdate, resume, { description: 'Go on after a pause' });
  setHandler(retryFailedUpdate, retryFailed, { description: 'Do the failed photos again once the others are done' });
  setHandler(setMaxWorkersUpdate, setMaxWorkers, { validator: requireMaxWorkers });
  setHandler(setPriorityUpdate, setPriority, { validator: requirePriority });
  setHandler(addPhotosUpdate, append, { validator: (additionId) => requireOpen(batch, additionId) });
  setHandler(sealUpdate, seal, { description: 'Add no photo any more: end when those there are done' });
  setHandler(cancelPhotosUpdate, cancelPhotos, { validator: requireIndexes });

  setHandler(pauseSignal, () => void pause());
  setHandler(resumeSignal, () => void resume());
  setHandler(retryFailedSignal, () => void retryFailed());
  setHandler(setMaxWorkersSignal, (maxWorkers) => void (isMaxWorkers(maxWorkers) && setMaxWorkers(maxWorkers)));
  setHandler(setPrioritySignal, (priority) => void (isPriority(priority) && setPriority(priority)));
  setHandler(addPhotosSignal, async (additionId) => {
    if (batch.open && typeof additionId === 'string') await forNobody(() => append(additionId));
  });
  setHandler(sealSignal, () => void seal());
  setHandler(cancelPhotosSignal, async (indexes) => {
    if (areIndexes(indexes)) await forNobody(() => cancelPhotos(indexes));
  });
}

/**
 * Work that a signal asked for, with nobody to tell that it failed. Temporal would end the batch for it, at once and over
 * photos under way: for an addition that is not there, and for a cancellation, which the batch itself carries out once
 * they have stopped. A mistake in this code is let through: that fails the workflow task and not the batch.
 */
async function forNobody(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof TemporalFailure)) throw error;
  }
}

const isWhole = (value: unknown, min: number, max: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
const isMaxWorkers = (value: unknown): boolean => isWhole(value, 1, LARGEST_WINDOW);
const isPriority = (value: unknown): boolean => isWhole(value, 1, 5);
const areIndexes = (value: unknown): boolean =>
  Array.isArray(value) && value.every((index) => isWhole(index, 0, Number.MAX_SAFE_INTEGER));

function requireMaxWorkers(value: number): void {
  if (!isMaxWorkers(value))
    throw refuse(`Expected 1 to ${LARGEST_WINDOW} for max_workers but received ${JSON.stringify(value)}.`);
}

function requirePriority(value: number): void {
  if (!isPriority(value)) throw refuse(`Expected 1 to 5 for priority but received ${JSON.stringify(value)}.`);
}

function requireOpen(batch: BatchLedger, additionId: string): void {
  if (typeof additionId !== 'string' || !isAdditionId(additionId)) throw refuse('Expected the name of an addition.');
  if (!batch.open && !batch.addition(additionId)) {
    throw ApplicationFailure.nonRetryable('The batch is sealed: no photo can be added.', 'wrong_state');
  }
}

function requireIndexes(value: number[]): void {
  if (!areIndexes(value)) throw refuse('Expected a list of photo indexes.');
}

const refuse = (message: string): ApplicationFailure => ApplicationFailure.nonRetryable(message, 'invalid_request');
