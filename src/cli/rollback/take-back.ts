import { join } from 'node:path';
import { asDarkroomError } from '../../contracts/errors.ts';
import { isS3Address } from '../../contracts/s3-place.ts';
import type { UndoOutcome } from '../../contracts/operations.ts';
import { identifyFile, removeFile } from '../../storage/user-files.ts';
import { placeOf } from '../enhance/batch-place.ts';
import { OrderRecord } from '../enhance/order-record.ts';

/** A result that `enhance` put into a folder. */
export interface Copy {
  readonly path: string;
  readonly sha256: string;
}

/** Copies of the results of a batch, by the photos' indexes; the rollback workflow knows nothing of them. */
export async function findCopies(dataDir: string, batchId: string): Promise<ReadonlyMap<number, Copy>> {
  const copies = new Map<number, Copy>();
  const place = await placeOf(dataDir, batchId);
  // What is in a bucket was put there by a worker, and is known to the workflow.
  if (place === undefined || place.folder === null || isS3Address(place.folder)) return copies;
  const record = await OrderRecord.openNamed({ dataDir, name: place.record, folder: place.folder });
  try {
    for (const { index, placed } of record.photosOf(batchId)) {
      if (placed !== undefined) copies.set(index, { path: join(place.folder, placed.file), sha256: placed.sha256 });
    }
  } finally {
    await record.close();
  }
  return copies;
}

/** Removes a copy unless somebody has changed it since. */
export async function takeBackCopy({ path, sha256 }: Copy): Promise<Pick<UndoOutcome, 'result' | 'message'>> {
  try {
    const found = await identifyFile(path);
    if (found !== undefined && found.sha256 !== sha256) {
      return { result: 'left_changed', message: `${path} was changed by someone since; it was left alone.` };
    }
    if (found !== undefined) await removeFile(path);
    return { result: 'undone', message: 'The result was removed.' };
  } catch (error) {
    const { definition } = asDarkroomError(error);
    return { result: 'failed', message: `${path} could not be removed: ${definition.title}.` };
  }
}
