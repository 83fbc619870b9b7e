import type { PhotoView } from '../../batches/batch-service.ts';
import { REMOVED } from '../../batches/read-photos.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import type { House } from '../house.ts';
import { locate, openTerritory } from '../sources/roots.ts';

/** A picture in full: what it is called by, and a path to read it from until it is given back. */
export interface FullPicture {
  /** Changes when the bytes do. */
  readonly version: string;
  borrow(): Promise<{ path: string; release(): Promise<void> }>;
}

/** @throws DarkroomError `not_completed` while there is no result, `removed` when it is gone. */
export async function findResult(photo: PhotoView, { store, journal }: House): Promise<FullPicture> {
  const { outcome } = photo;
  if (outcome?.status === 'removed') throw new DarkroomError('removed', REMOVED[outcome.reason]);
  if (outcome?.status !== 'completed') throw new DarkroomError('not_completed');
  if (await journal.expired(photo.batchId)) throw new DarkroomError('removed', REMOVED.expired);
  const { key, sha256 } = outcome.result;
  return { version: sha256, borrow: () => store.localCopy(key) };
}

/**
 * @throws DarkroomError `removed` when the original is not kept here any more, `not_found` when it never was,
 * `image_unreadable` for what was refused: it is no photo, and nobody is shown what else it may be.
 */
export async function findOriginal(photo: PhotoView, house: House): Promise<FullPicture> {
  const { store, journal } = house;
  const { batchId, index } = photo;
  const record = await journal.photo(batchId, index);
  if (!record) throw new DarkroomError('not_found');
  if (record.refused) throw new DarkroomError('image_unreadable', record.refused.message);
  const { original } = record;
  if (original.kind === 'upload') {
    if (!(await store.stat(original.key))) throw new DarkroomError('removed', 'The original is not kept any more.');
    return { version: `${batchId}.${index}`, borrow: () => store.localCopy(original.key) };
  }
  // Where the result took the place of the original, that lies in the store.
  const { path: named, bytes, modifiedMs } = original;
  const replaced = await journal.deliveries.compensation(batchId, index);
  if (replaced?.kind === 'restore' && replaced.path === named) {
    return { version: `${batchId}.${index}.preserved`, borrow: () => store.localCopy(replaced.preservedKey) };
  }
  const path = await stillAllowed(named, house);
  return {
    version: `${batchId}.${index}.${bytes}.${Math.round(modifiedMs)}`,
    borrow: () => Promise.resolve({ path, release: () => Promise.resolve() }),
  };
}

/** Roots may have changed since the batch was made, and links may lead elsewhere now. */
async function stillAllowed(path: string, { sourceRoots, config }: House): Promise<string> {
  try {
    return await locate(await openTerritory(sourceRoots, config), path, '/source/path');
  } catch (cause) {
    throw new DarkroomError('removed', 'The original cannot be read any more.', { cause });
  }
}
