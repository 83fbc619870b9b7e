import { randomBytes } from 'node:crypto';
import type { BatchView, PhotoView } from '../../batches/batch-service.ts';
import type { PhotoRecord } from '../../contracts/batch.ts';
import { makeBatchId } from '../../contracts/ids.ts';
import type { AskedOptions } from '../../contracts/option-fields.ts';
import type { EnhanceOptions } from '../../contracts/options.ts';
import { isS3Address } from '../../contracts/s3-place.ts';
import { openBuckets } from '../../storage/buckets.ts';
import { uploadKey } from '../../storage/keys.ts';
import { DeskClosed, TENANT, type Desk } from '../desk.ts';
import type { Invocation } from '../invocation.ts';
import { bucketPlace } from './bucket-place.ts';
import { chooseOptions } from './choose-options.ts';
import type { FoundPhoto } from './collect-photos.ts';
import { inPlace } from './in-place.ts';
import { measurePhotos } from './measure-photos.ts';
import { OrderRecord, type OrderedPhoto } from './order-record.ts';
import { folderPlace, type Place } from './place.ts';
import type { EnhanceReport } from './report.ts';
import { sortOrder, type SortedOrder } from './sort-order.ts';
import { watchBatches, type WatchedBatch } from './watch-batches.ts';

export interface Order {
  readonly invocation: Invocation;
  readonly photos: readonly FoundPhoto[];
  /** Where copies of the results go, absolute or in a bucket; null: in place. */
  readonly folder: string | null;
  readonly asked: AskedOptions;
  readonly report: EnhanceReport;
}

/** Gets the photos of an order enhanced, those of earlier runs that are done excepted. Begun again it goes on. */
export async function carryOut(order: Order, desk: Desk, signal: AbortSignal): Promise<void> {
  const { invocation, folder, report } = order;
  const options = chooseOptions(order.asked, invocation, desk);
  const record = await OrderRecord.open(invocation.loaded.config.DATA_DIR, folder, options);
  try {
    const place = placeOf(order, desk, record, signal);
    const sorted = await sortOrder({ ...desk, place }, order.photos);
    const batches = await begin({ order, desk, place, record, options, signal }, sorted);
    const onSettled = async (ordered: OrderedPhoto, view: PhotoView): Promise<void> => {
      if (view.outcome?.status !== 'completed') report.photoFailed(ordered, view);
      else report.photoDone(ordered, await place.settle(ordered, view.outcome.result));
    };
    const onLook = async (views: readonly BatchView[]): Promise<void> => {
      report.look(views);
      if (views.some(({ stale }) => stale) && !(await desk.isOpen())) throw new DeskClosed();
    };
    await watchBatches({ service: desk.service, batches, signal, onSettled, onLook });
  } finally {
    await record.close();
  }
}

function placeOf(
  { folder, invocation }: Order,
  { store, journal }: Desk,
  record: OrderRecord,
  signal: AbortSignal,
): Place {
  if (folder === null) return inPlace(record, journal);
  if (!isS3Address(folder)) return folderPlace({ outDir: folder, store, journal, record, signal });
  return bucketPlace({ address: folder, buckets: openBuckets(invocation.loaded.config), record, signal });
}

interface Beginning {
  readonly order: Order;
  readonly desk: Desk;
  readonly place: Place;
  readonly record: OrderRecord;
  readonly options: EnhanceOptions;
  readonly signal: AbortSignal;
}

/** Takes up earlier batches and makes one of the new photos, saying so first. */
async function begin(beginning: Beginning, { kept, continued, fresh }: SortedOrder): Promise<WatchedBatch[]> {
  const { report, folder, invocation } = beginning.order;
  for (const ordered of kept) report.kept(ordered);
  const batchId = makeBatchId(new Date(), randomBytes(10));
  const operations = [...continued.keys(), ...(fresh.length > 0 ? [batchId] : [])];
  report.began(continued.size > 0);
  const toDo = [...continued.values()].reduce((sum, { length }) => sum + length, fresh.length);
  if (folder === null && toDo > 0) report.willReplace(toDo, operations, invocation.command);
  const batches = [...continued].map(([id, ordered]) => watched(id, ordered));
  if (fresh.length > 0) batches.push(await submit(beginning, batchId, fresh));
  report.ordered(operations);
  return batches;
}

const watched = (batchId: string, photos: readonly OrderedPhoto[]): WatchedBatch => ({
  batchId,
  since: Date.now(),
  waiting: new Set(photos),
});

/** Makes a batch of photos that no earlier run knows. Written down first: a batch must never be forgotten. */
async function submit(
  { order, desk, place, record, options, signal }: Beginning,
  batchId: string,
  found: readonly FoundPhoto[],
): Promise<WatchedBatch> {
  const fresh = place.target ? found.map((photo) => ({ ...photo, target: place.target?.(photo) })) : found;
  const { config } = order.invocation.loaded;
  const kilopixels = await measurePhotos(fresh, signal);
  await record.addBatch(batchId, fresh);
  const photos = fresh.map((photo, index) => ({
    ...recordOf(photo, index, uploadKey(batchId, index)),
    kilopixels: kilopixels[index] ?? 0,
  }));
  await desk.service.submit({
    batchId,
    kind: fresh.length === 1 ? 'single' : 'batch',
    tenant: TENANT,
    options,
    destination: place.destination,
    maxWorkers: config.MAX_WORKERS,
    checkpointEnabled: config.ENABLE_CHECKPOINT,
    rollbackEnabled: config.ENABLE_ROLLBACK,
    photos,
  });
  return watched(batchId, record.photosOf(batchId));
}

/** A photo as a batch knows it; `key` is where an object is brought to before it is worked on. Its pixels are not counted yet. */
export function recordOf(photo: FoundPhoto, index: number, key: string): PhotoRecord {
  const { path, bytes, modifiedMs, name, etag, target } = photo;
  const original =
    etag === undefined
      ? ({ kind: 'path', path, bytes, modifiedMs } as const)
      : ({ kind: 'upload', key, from: path, etag } as const);
  return { index, name, bytes, original, kilopixels: 0, ...(target === undefined ? {} : { target }) };
}
