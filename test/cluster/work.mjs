import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';

/** Batches through the cluster, and what became of their photos, in the answers and in the bucket. */

const END_WITHIN_MS = 900_000;
const PHOTOS_A_BATCH = 20;

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** @returns the IDs of the batches; under the same name they are the same batches, however often they are sent */
export async function send(client, photos, runName) {
  const ids = [];
  for (let from = 0; from < photos.length; from += PHOTOS_A_BATCH)
    ids.push(await client.enhance(photos.slice(from, from + PHOTOS_A_BATCH), `${runName}-${from}`));
  return ids;
}

/** Waits for the ends of batches and fetches every result through whichever API process answers. */
export async function collect(client, ids) {
  const photos = [];
  for (const id of ids) photos.push(...(await client.ended(id, END_WITHIN_MS)).sub_tasks);
  const results = [];
  for (const { task_id: task } of photos) {
    const { status, bytes } = await client.ask(`/api/v1/download/${task}`);
    results.push(status === 200 ? sha256(bytes) : undefined);
  }
  return { ids, photos, results };
}

/** Outcomes of a batch as they lie in the bucket: more than one of a photo would be a second publication. */
export function readBooks(bucketFolder, batchId) {
  const names = readdirSync(bucketFolder, { recursive: true }).filter((name) => name.includes(`${batchId}/outcomes/`));
  const files = names.filter((name) => name.endsWith('.json'));
  const photos = new Set(files.map((name) => /outcomes\/(\d+\/\d+)\./.exec(name)?.[1]));
  return { outcomes: files.length, photos: photos.size };
}

/** Photos of batches that the books say are done. */
export const countDone = (bucketFolder, ids) => ids.reduce((sum, id) => sum + readBooks(bucketFolder, id).photos, 0);

/** How one run compares with an undisturbed one of the same photos. */
export function judge(bucketFolder, before, after) {
  const sent = before.photos.length;
  const books = after.ids.map((id) => readBooks(bucketFolder, id));
  const photos = books.reduce((sum, book) => sum + book.photos, 0);
  const outcomes = books.reduce((sum, book) => sum + book.outcomes, 0);
  return {
    sent,
    completed: after.photos.filter(({ status }) => status === 'completed').length,
    failed: after.photos.filter(({ status }) => status === 'failed').length,
    lost: sent - photos + after.results.filter((result) => result === undefined).length,
    doubled: outcomes - photos + new Set(after.ids).size - before.ids.length,
    different: after.results.filter((result, index) => result !== before.results[index]).length,
  };
}

export const isClean = ({ failed, lost, doubled, different }) => failed + lost + doubled + different === 0;
