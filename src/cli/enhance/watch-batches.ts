import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchService, BatchView, PhotoView } from '../../batches/batch-service.ts';
import { PHOTOS_PER_PAGE } from '../../contracts/ids.ts';
import type { OrderedPhoto } from './order-record.ts';
import { byPage } from './sort-order.ts';

/** One batch, and the photos of it that are still waited for. */
export interface WatchedBatch {
  readonly batchId: string;
  readonly waiting: Set<OrderedPhoto>;
  /** When it was ordered or taken up again (epoch milliseconds): failures from before are about to be tried again. */
  readonly since: number;
}

export interface Watch {
  readonly service: BatchService;
  readonly batches: readonly WatchedBatch[];
  readonly signal: AbortSignal;
  /** Called once for every photo that settled; the batch is not watched further until it resolves. */
  readonly onSettled: (ordered: OrderedPhoto, view: PhotoView) => Promise<void>;
  /** Called at every look with the state of all batches. */
  readonly onLook: (views: readonly BatchView[]) => Promise<void>;
}

const LOOK_MS = 500;

/** Follows batches until each has ended and every photo waited for has settled. */
export async function watchBatches(watch: Watch): Promise<void> {
  const counted = new Map<string, number>();
  for (;;) {
    const views: BatchView[] = [];
    for (const batch of watch.batches) {
      const view = await watch.service.view(batch.batchId);
      if (view === undefined) throw new Error(`Batch ${batch.batchId} is gone: its data was removed while it ran.`);
      views.push(view);
      const settled = view.completed + view.failed;
      if (settled !== counted.get(batch.batchId) || !view.open) await settlePhotos(watch, batch, view.open);
      counted.set(batch.batchId, settled);
    }
    await watch.onLook(views);
    if (watch.batches.every(({ waiting }) => waiting.size === 0)) return;
    await sleep(LOOK_MS, undefined, { signal: watch.signal });
  }
}

/** Pages are looked at in the order in which they are worked on: past two without news, none has any. */
async function settlePhotos(
  { service, onSettled }: Watch,
  { batchId, waiting, since }: WatchedBatch,
  open: boolean,
): Promise<void> {
  let quiet = 0;
  for (const [page, photos] of byPage(waiting)) {
    const views = await service.photos(batchId, page * PHOTOS_PER_PAGE, PHOTOS_PER_PAGE);
    const byIndex = new Map(views.map((view) => [view.index, view]));
    const before = waiting.size;
    for (const ordered of photos) {
      const view = byIndex.get(ordered.index);
      if (view?.status !== 'completed' && view?.status !== 'failed') continue;
      if (view.status === 'failed' && open && view.updatedAt < since) continue;
      await onSettled(ordered, view);
      waiting.delete(ordered);
    }
    quiet = waiting.size === before ? quiet + 1 : 0;
    if (quiet === 2) return;
  }
}
