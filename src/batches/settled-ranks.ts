import type { Journal } from '../storage/journal.ts';

/** Rank of a photo that was deleted or rolled back: nothing comes after it. */
const REMOVED = 255;

/**
 * How far each photo of a manifest page has settled: 1 after the first round, one more for each later round, 255 once it is
 * removed; photos that are not settled are absent. A rank never falls, and to tell it no outcome is read.
 */
export async function settledRanks(
  journal: Pick<Journal, 'ranksOfPage'>,
  batchId: string,
  page: number,
): Promise<Map<number, number>> {
  const rounds = await journal.ranksOfPage(batchId, page);
  return new Map(
    Array.from(rounds, ([index, round]) => [
      index,
      Number.isFinite(round) ? Math.min(round + 1, REMOVED - 1) : REMOVED,
    ]),
  );
}
