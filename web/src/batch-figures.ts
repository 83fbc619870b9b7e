import type { Batch } from './api-shapes.ts';
import type { PhotoBook } from './photo-book.ts';

/** A batch with the photos that are being worked on just now. */
export interface BatchFigures extends Batch {
  readonly underWay: number;
}

/** States in which what the events of single photos say is newer than what was said of the whole. */
const MOVING = new Set(['queued', 'processing']);

/**
 * The batch as it is shown. The server tells of photos one by one and of the batch about once a second: a result that can be
 * seen already is counted, and a batch with photos under way does not say that it waits for a place.
 */
export function figuresOf(batch: Batch, book: PhotoBook): BatchFigures {
  if (!MOVING.has(batch.state)) return { ...batch, underWay: 0 };
  const most = (told: number, status: string): number => Math.min(batch.total, Math.max(told, book.count(status)));
  const completed = most(batch.completed, 'completed');
  const failed = most(batch.failed, 'failed');
  const underWay = Math.min(book.count('processing'), Math.max(0, batch.total - completed - failed));
  const begun = completed + failed + underWay > 0;
  return { ...batch, completed, failed, underWay, state: begun ? 'processing' : batch.state };
}
