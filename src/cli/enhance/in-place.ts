import { stat } from 'node:fs/promises';
import { identifyFile } from '../../storage/user-files.ts';
import type { Journal } from '../../storage/journal.ts';
import type { FoundPhoto } from './collect-photos.ts';
import type { OrderedPhoto, OrderRecord } from './order-record.ts';
import type { Place, Recalled } from './place.ts';

/**
 * Results replace their originals; the worker does that, after preserving them. A file whose content an earlier batch wrote
 * is never given to another one: it would be enlarged again.
 */
export function inPlace(record: OrderRecord, journal: Journal): Place {
  const settle: Place['settle'] = async ({ batchId, index, photo }, result) => {
    const { bytes, width, height, sha256 } = result;
    const placed = { file: photo.path, bytes, width, height, sha256 };
    const found = await stat(photo.path).catch(() => undefined);
    const content = await identifyFile(photo.path);
    // One that somebody changed in this very moment is not remembered as ours.
    if (found === undefined || content?.sha256 !== sha256) return placed;
    const seen = { ...placed, modifiedMs: found.mtimeMs };
    await record.addFile({ batchId, index }, seen);
    return seen;
  };

  /** The file is as an earlier batch left it. */
  const recallResult = async (ordered: OrderedPhoto): Promise<Recalled> => {
    const outcome = await journal.outcome(ordered.batchId, ordered.index);
    if (outcome?.status === 'completed') ordered.placed = await settle(ordered, outcome.result);
    // Written, but its batch was interrupted before it knew: that one finishes it.
    return { ordered, done: outcome !== undefined && outcome.status !== 'failed' };
  };

  return {
    destination: { kind: 'in_place' },
    settle,
    async recall(photo) {
      const orders = record.ordersOf(photo.path);
      const untouched = orders.find(({ placed }) => isUntouched(photo, placed));
      if (untouched !== undefined) return { ordered: untouched, done: true };
      const written = await findWriter(journal, orders, photo);
      if (written !== undefined) return await recallResult(written);
      const ordered = record.find(photo);
      if (ordered === undefined) return undefined;
      // The original is there again although its batch has dealt with it: rolled back, or put back by hand.
      const outcome = await journal.outcome(ordered.batchId, ordered.index);
      const over = outcome?.status === 'completed' || outcome?.status === 'removed';
      return over ? undefined : { ordered, done: false };
    },
  };
}

const isUntouched = (photo: FoundPhoto, placed: OrderedPhoto['placed']): boolean =>
  placed !== undefined && placed.bytes === photo.bytes && placed.modifiedMs === photo.modifiedMs;

/** The order whose batch wrote what the file contains now. */
async function findWriter(
  journal: Journal,
  orders: readonly OrderedPhoto[],
  photo: FoundPhoto,
): Promise<OrderedPhoto | undefined> {
  let sha256: string | undefined;
  for (const ordered of orders) {
    const deliveries = await journal.deliveries.digests(ordered.batchId, ordered.index);
    if (deliveries.size === 0) continue;
    sha256 ??= (await identifyFile(photo.path))?.sha256;
    if (sha256 !== undefined && deliveries.has(sha256)) return ordered;
  }
  return undefined;
}
