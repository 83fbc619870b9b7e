import type { NewBatch } from '../../batches/batch-service.ts';
import { hasTargets, type BatchHeader, type Destination } from '../../contracts/batch.ts';
import type { NewBatchRequest } from '../../contracts/http-batch-requests.ts';
import { BATCH_EVENTS, type Webhook } from '../../contracts/webhooks.ts';
import { makeBatchId, pageOf } from '../../contracts/ids.ts';
import { batchPrefix, uploadKey } from '../../storage/keys.ts';
import type { House } from '../house.ts';
import type { Call } from '../route.ts';
import { nameUploads } from '../uploads/add-photos.ts';
import { limitsOf, requireOneGood } from '../uploads/photo-records.ts';
import { requireDisk, requireTemporal, requireTenantRoom } from '../uploads/requirements.ts';
import { settingsOf } from '../uploads/settings.ts';
import { collectObjects } from './bucket-photos.ts';
import { chooseDestination } from './choose-destination.ts';
import { collectFolder } from './folder-photos.ts';
import type { Found } from './found.ts';
import { locate, openTerritory, refuse, type Territory } from './roots.ts';
import { Targets } from './targets.ts';
import { inspectUrls } from './url-photos.ts';
import { useUploads } from './upload-photos.ts';

export interface Ordered {
  readonly header: BatchHeader;
  readonly skipped: Found['skipped'];
  readonly skippedTotal: number;
}

/** A batch in all but its photos. */
type Order = Omit<NewBatch, 'photos'> & { readonly destination: Destination };

/** Makes a batch out of a JSON order: photos of a folder, of uploads, of URLs or of a bucket, or an open batch that they are sent to later. */
export async function orderBatch(call: Call<unknown, unknown, NewBatchRequest>, house: House): Promise<Ordered> {
  const { body, tenant, signal, made } = call;
  if (made) {
    // Written down by an earlier try; what that one passed over is not known any more.
    await house.service.start(made.batchId);
    return { header: made, skipped: [], skippedTotal: 0 };
  }
  const { source } = body;
  checkCombination(body);
  await requireTemporal(house);
  await requireDisk(call, house);
  const webhook = await checkWebhook(call, house);
  const territory = await openTerritory(house.sourceRoots, house.config);
  const folder = source?.kind === 'folder' ? await locate(territory, source.path, '/source/path') : undefined;
  const order: Order = {
    batchId: call.once.batchId ?? makeBatchId(new Date(house.clock()), house.random(10)),
    kind: 'batch',
    tenant,
    ...settingsOf(flatten(body), house.config),
    destination: await chooseDestination({ ...house, territory }, body, folder, signal),
    open: body.open ?? false,
    ...(body.priority === undefined ? {} : { priority: body.priority }),
    ...(body.tags === undefined ? {} : { tags: body.tags }),
    ...(webhook === undefined ? {} : { webhook }),
  };
  const named = source?.kind === 'uploads' ? source.ids : source?.kind === 'urls' ? source.urls : [];
  await requireTenantRoom(call, house, Math.max(1, named.length));
  if (source?.kind === 'uploads') return submitUploads(call, house, order, source.ids);
  const found = await collect(call, house, order, { territory, folder });
  requireOneGood(found.photos);
  await requireTenantRoom(call, house, found.photos.length);
  signal.throwIfAborted();
  const header = await house.service.submit({ ...order, photos: found.photos });
  return { header, skipped: found.skipped, skippedTotal: found.skippedTotal };
}

/** The photos of whatever source the order names; an open batch may have none yet. */
async function collect(
  { body: { source }, signal }: Call<unknown, unknown, NewBatchRequest>,
  house: House,
  { batchId, destination, options }: Order,
  { territory, folder }: { territory: Territory; folder: string | undefined },
): Promise<Found> {
  const targets = hasTargets(destination) ? new Targets() : undefined;
  if (source?.kind === 'urls') {
    const photos = await inspectUrls(house, {
      keyOf: (index) => uploadKey(batchId, index),
      targets,
      urls: source.urls,
      signal,
    });
    return { ...NO_PHOTOS, photos };
  }
  if (source?.kind === 's3') {
    const except = destination.kind === 's3' ? { bucket: destination.bucket, key: destination.prefix } : undefined;
    return collectObjects(house, { source, keyOf: (index) => uploadKey(batchId, index), targets, except, signal });
  }
  if (source?.kind !== 'folder' || folder === undefined) return NO_PHOTOS;
  const { recursive = true } = source;
  const except = destination.kind === 'folder' ? destination.path : undefined;
  return collectFolder({ folder, territory, recursive, except, limits: limitsOf(house, options) }, signal);
}

const NO_PHOTOS: Found = { photos: [], skipped: [], skippedTotal: 0 };

async function submitUploads(
  { once, signal }: Call<unknown, unknown, unknown>,
  house: House,
  order: Order,
  ids: readonly string[],
): Promise<Ordered> {
  const { batchId, tenant, destination, options } = order;
  // Tries under one key make one batch: none may touch the photos of another.
  const own = once.batchId === undefined ? undefined : nameUploads(batchId, house);
  // A batch with a header was submitted, even when nobody can tell whether it was started: it may be resumed.
  const isTaken = async (): Promise<boolean> => (await house.journal.header(batchId)) !== undefined;
  const source = {
    ids,
    pointer: '/source/ids',
    tenant,
    claim: { batchId },
    limits: limitsOf(house, options),
    keyOf: (index: number) => (own === undefined ? uploadKey(batchId, index) : `${own}/${pageOf(index)}/${index}`),
    targets: hasTargets(destination) ? new Targets() : undefined,
    isTaken,
    signal,
  };
  try {
    const header = await useUploads(house, source, (photos) => house.service.submit({ ...order, photos }));
    return { header, skipped: [], skippedTotal: 0 };
  } catch (error) {
    if (!(await isTaken())) await house.store.removeAll(own ?? batchPrefix(batchId));
    throw error;
  }
}

/** Whom the batch tells: an address that may be asked, and a secret to sign with. */
async function checkWebhook(
  { body: { webhook }, signal }: Call<unknown, unknown, NewBatchRequest>,
  { outgoing, config }: House,
): Promise<Webhook | undefined> {
  if (!webhook) return undefined;
  if (webhook.secret === undefined && config.WEBHOOK_SECRETS.length === 0) {
    throw refuse('/webhook/secret', 'is missing, and this server has none of its own (WEBHOOK_SECRETS)');
  }
  const { events = [...BATCH_EVENTS], ...rest } = webhook;
  return { ...rest, url: (await outgoing.inspect(webhook.url, signal)).href, events };
}

/** What cannot go together, in sentences, before anything is looked at. */
function checkCombination({ source, destination, open }: NewBatchRequest): void {
  if (!source && open !== true) {
    throw refuse(
      '/source',
      'is missing: name a folder, uploads, URLs or a bucket, or say "open": true and send the photos afterwards',
    );
  }
  if (destination?.kind === 'in_place' && source?.kind !== 'folder')
    throw refuse('/destination', 'is "in_place", but there is no source folder');
  if (open === true && destination && destination.kind !== 'store') {
    throw refuse('/destination', 'must be "store" for an open batch: photos that are sent have no place in a folder');
  }
}

const flatten = ({ options, max_workers, enable_checkpoint, enable_rollback }: NewBatchRequest) => ({
  ...options,
  max_workers,
  enable_checkpoint,
  enable_rollback,
});
