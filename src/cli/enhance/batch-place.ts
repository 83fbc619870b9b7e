import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { isBatchId } from '../../contracts/ids.ts';
import { readJson, writeJson } from '../supervisor/json-file.ts';

/** What the command line knows of a batch that it made itself: it alone knows of the copies it puts into folders. */
const batchPlaceSchema = z.object({
  /** Name of the order record that the batch is in. */
  record: z.string(),
  /** Where copies of the results go, absolute; null when photos are replaced in place. */
  folder: z.string().nullable(),
});
export type BatchPlace = z.infer<typeof batchPlaceSchema>;

const pathOf = (dataDir: string, batchId: string): string => join(dataDir, 'cli', 'batches', `${batchId}.json`);

export async function notePlace(dataDir: string, batchId: string, place: BatchPlace): Promise<void> {
  const path = pathOf(dataDir, batchId);
  await mkdir(dirname(path), { recursive: true });
  await writeJson(path, place);
}

/** `undefined` for batches that came by another way. */
export async function placeOf(dataDir: string, batchId: string): Promise<BatchPlace | undefined> {
  return isBatchId(batchId) ? await readJson(pathOf(dataDir, batchId), batchPlaceSchema) : undefined;
}
