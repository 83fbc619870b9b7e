import { stat } from 'node:fs/promises';
import type { PhotoTask } from '../contracts/activities.ts';
import type { Destination, Original } from '../contracts/batch.ts';
import { asSourceFault, DarkroomError } from '../contracts/errors.ts';
import type { Journal } from '../storage/journal.ts';
import type { Store } from '../storage/store.ts';

interface Lent {
  readonly path: string;
  release(): Promise<void>;
}

/**
 * A local path of a photo's original, valid until `release`. Originals are only ever read. One that was replaced in place
 * by an attempt whose outcome never was recorded is taken from where it was preserved.
 * @throws DarkroomError `source_missing`, `storage_unavailable`, or `source_changed` when a file is not the one that was submitted.
 */
export async function fetchOriginal(
  { store, journal }: { store: Store; journal: Journal },
  { batchId, index }: PhotoTask,
  original: Original,
  destination: Destination,
): Promise<Lent> {
  if (original.kind === 'upload') return store.localCopy(original.key);
  const compensation = destination.kind !== 'store' ? await journal.deliveries.compensation(batchId, index) : undefined;
  if (compensation?.kind === 'restore' && compensation.path === original.path) {
    return store.localCopy(compensation.preservedKey);
  }
  const { path, modifiedMs, bytes } = original;
  let found;
  try {
    found = await stat(path);
  } catch (error) {
    throw asSourceFault(error);
  }
  if (found.size !== bytes || Math.abs(found.mtimeMs - modifiedMs) > 1) throw new DarkroomError('source_changed');
  return { path, release: () => Promise.resolve() };
}
