import type { PhotoOutcome } from '../contracts/batch.ts';
import { PHOTOS_PER_PAGE } from '../contracts/ids.ts';
import type { Journal } from '../storage/journal.ts';
import type { BatchView } from './batch-service.ts';

/**
 * Photos of a closed batch that a new run would work on: those that failed or have no outcome. What was refused at the door,
 * deleted or rolled back is none of them. Reads names, and outcomes only where the counts leave it open.
 */
export async function countToDo(
  journal: Journal,
  { header, total, completed }: Pick<BatchView, 'header' | 'total' | 'completed'>,
): Promise<number> {
  const { batchId } = header;
  /** Photos that were never done and never will be. */
  let hopeless = 0;
  /** Photos that were done and then removed: `completed` may hold them, or not. */
  let removed = 0;
  for (let page = 0; page * PHOTOS_PER_PAGE < header.total; page++) {
    const [records, ranks] = await Promise.all([journal.page(batchId, page), journal.ranksOfPage(batchId, page)]);
    for (const { index, refused } of records) {
      if (!refused && ranks.get(index) !== Number.POSITIVE_INFINITY) continue;
      if (!refused && (await wasDone(journal, batchId, index))) removed += 1;
      else hopeless += 1;
    }
  }
  const open = Math.max(total - completed - hopeless, 0);
  return removed === 0 || open === 0 ? open : countOneByOne(journal, batchId, header.total);
}

/** Whether a photo that has its tombstone had a result before. */
async function wasDone(journal: Journal, batchId: string, index: number): Promise<boolean> {
  const tombstone = await journal.outcomeUpTo(batchId, index, 0);
  return (await journal.outcomeOfRound(batchId, index, tombstone?.epoch ?? 0))?.status === 'completed';
}

const isOpen = (outcome: PhotoOutcome | undefined): boolean => !outcome || outcome.status === 'failed';

async function countOneByOne(journal: Journal, batchId: string, total: number): Promise<number> {
  let open = 0;
  for (let page = 0; page * PHOTOS_PER_PAGE < total; page++) {
    const [records, outcomes] = await Promise.all([journal.page(batchId, page), journal.outcomesOfPage(batchId, page)]);
    open += records.filter(({ index, refused }) => !refused && isOpen(outcomes.get(index))).length;
  }
  return open;
}
