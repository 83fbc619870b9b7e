import type { BatchService } from '../../batches/batch-service.ts';
import { PHOTOS_PER_PAGE } from '../../contracts/ids.ts';
import type { Store } from '../../storage/store.ts';
import type { FoundPhoto } from './collect-photos.ts';
import type { OrderedPhoto } from './order-record.ts';
import type { Place } from './place.ts';

/** What has to happen to the photos of a command line, given what earlier runs of it left behind. */
export interface SortedOrder {
  /** Their results are where they belong. */
  readonly kept: readonly OrderedPhoto[];
  /** In batches that go on: watched until their results are there. */
  readonly continued: ReadonlyMap<string, readonly OrderedPhoto[]>;
  readonly fresh: readonly FoundPhoto[];
}

export interface SortingDesk {
  readonly service: BatchService;
  readonly store: Store;
  readonly place: Place;
}

export async function sortOrder(desk: SortingDesk, photos: readonly FoundPhoto[]): Promise<SortedOrder> {
  const kept: OrderedPhoto[] = [];
  const fresh: FoundPhoto[] = [];
  const open = new Map<string, OrderedPhoto[]>();
  for (const photo of photos) {
    const recalled = await desk.place.recall(photo);
    if (recalled === undefined) fresh.push(photo);
    else if (recalled.done) kept.push(recalled.ordered);
    else listIn(open, recalled.ordered.batchId).push(recalled.ordered);
  }
  const continued = new Map<string, readonly OrderedPhoto[]>();
  for (const [batchId, ordered] of open) {
    const useful = await continueBatch(desk, batchId, ordered);
    if (useful.size > 0) continued.set(batchId, [...useful]);
    for (const one of ordered) if (!useful.has(one)) fresh.push(one.photo);
  }
  return { kept, continued, fresh };
}

/**
 * Gets an earlier batch going again where it stopped. @returns the photos that will come out of it; the others were removed
 * since, by retention or by hand, and have to be done anew.
 */
async function continueBatch(
  { service, store }: SortingDesk,
  batchId: string,
  ordered: readonly OrderedPhoto[],
): Promise<Set<OrderedPhoto>> {
  const useful = new Set<OrderedPhoto>();
  if ((await service.view(batchId)) === undefined) return useful;
  let work = false;
  for (const [page, wanted] of byPage(ordered)) {
    const states = await service.photos(batchId, page * PHOTOS_PER_PAGE, PHOTOS_PER_PAGE);
    for (const one of wanted) {
      const state = states.find(({ index }) => index === one.index);
      const { outcome } = state ?? {};
      if (state === undefined || outcome?.status === 'removed') continue;
      if (outcome?.status === 'completed' && (await store.stat(outcome.result.key)) === undefined) continue;
      useful.add(one);
      work ||= state.status !== 'completed';
    }
  }
  // A closed batch does its failed and missing photos again; a paused one goes on.
  if (work) await service.resume(batchId);
  return useful;
}

/** Photos by the page of the manifest they are on. */
export function byPage(photos: Iterable<OrderedPhoto>): Map<number, OrderedPhoto[]> {
  const pages = new Map<number, OrderedPhoto[]>();
  for (const photo of photos) {
    const page = Math.floor(photo.index / PHOTOS_PER_PAGE);
    listIn(pages, page).push(photo);
  }
  return pages;
}

function listIn<Key>(lists: Map<Key, OrderedPhoto[]>, key: Key): OrderedPhoto[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}
