import { DarkroomError } from '../contracts/errors.ts';
import { photoId } from '../contracts/ids.ts';
import type { UndoOutcome } from '../contracts/operations.ts';
import { siblingResults } from '../storage/keys.ts';
import type { Store } from '../storage/store.ts';
import { identifyFile, putFile, removeFile, removeUnfinished } from '../storage/user-files.ts';
import { undoObject, type ObjectDependencies } from './deliver-object.ts';

export interface UndoDependencies extends ObjectDependencies {
  readonly store: Store;
  readonly now: () => number;
}

type Undone = Omit<UndoOutcome, 'index'>;

/**
 * Undoes one photo: its tombstone first, so that nothing can be published any more, then the file outside the store, then
 * the result. A file that is not ours any more is left alone, with what was preserved of it. Idempotent.
 */
export async function undoPhoto(
  deps: UndoDependencies,
  { batchId, index }: { batchId: string; index: number },
  signal: AbortSignal,
): Promise<UndoOutcome> {
  const { journal, store, now } = deps;
  const known = await journal.outcome(batchId, index);
  const epoch = known?.epoch ?? 0;
  await journal.record(batchId, {
    status: 'removed',
    reason: 'rolled_back',
    index,
    epoch,
    attempts: 0,
    finishedAt: now(),
  });
  const outside = await undoDelivery(deps, { batchId, index, again: known?.status === 'removed' }, signal);
  const removed = await removeResults(store, batchId, index);
  if (outside) return { index, ...outside };
  // An attempt that was interrupted left the tombstone: what the photo had been is in the round before it.
  const made = known?.status === 'removed' ? await journal.outcomeOfRound(batchId, index, known.epoch) : known;
  return removed > 0 || made?.status === 'completed'
    ? { index, result: 'undone', message: 'The result was removed.' }
    : { index, result: 'nothing_to_undo', message: 'The photo had no result.' };
}

/**
 * What is outside the store. Idempotent.
 * @param again - something may be left of an undoing that was killed.
 * @returns `undefined` when nothing was to be written there.
 */
export async function undoDelivery(
  deps: Omit<UndoDependencies, 'now'>,
  { batchId, index, again }: { batchId: string; index: number; again: boolean },
  signal: AbortSignal,
): Promise<Undone | undefined> {
  const { journal, store } = deps;
  const compensation = await journal.deliveries.compensation(batchId, index);
  if (!compensation) return undefined;
  if (compensation.kind === 'remove_object') return undoObject(deps, { batchId, index, signal }, compensation);
  const { path } = compensation;
  const current = await identifyFile(path);
  const before = compensation.kind === 'restore' ? compensation.originalSha256 : undefined;
  const ours = await journal.deliveries.digests(batchId, index);
  const photo = photoId(batchId, index);
  // Nothing of ours is there although something was written, or this is not the first look: a writer may have been killed.
  if (ours.size > 0 && (again || !current || !ours.has(current.sha256))) await removeUnfinished(path, photo);
  if (current?.sha256 === before) {
    return { result: 'undone', message: before ? 'The original is in its place.' : 'The file is gone.' };
  }
  if (!current || !ours.has(current.sha256)) {
    const what = current ? 'was changed' : 'was removed';
    return { result: 'left_changed', message: `The file ${what} by someone since; it was left alone.` };
  }
  if (compensation.kind === 'remove') {
    await removeFile(path);
    return { result: 'undone', message: 'The file that was created was removed.' };
  }
  const preserved = await store.localCopy(compensation.preservedKey);
  try {
    await putFile(path, preserved.path, {
      photo,
      nonce: deps.makeNonce(),
      mode: compensation.mode,
      modifiedUs: compensation.modifiedUs,
    });
  } finally {
    await preserved.release();
  }
  if ((await identifyFile(path))?.sha256 !== before) {
    throw new DarkroomError('storage_unavailable', 'The original could not be put back as it was.');
  }
  return { result: 'undone', message: 'The original was put back, byte for byte.' };
}

async function removeResults(store: Store, batchId: string, index: number): Promise<number> {
  const siblings = siblingResults(batchId, index);
  const names = (await store.list(siblings.prefix)).filter((name) => siblings.includes(name));
  for (const name of names) await store.remove(`${siblings.prefix}/${name}`);
  return names.length;
}
