import { stat } from 'node:fs/promises';
import type { BatchHeader, Destination } from '../../contracts/batch.ts';
import type { NewBatchRequest } from '../../contracts/http-batch-requests.ts';
import { makeBatchId } from '../../contracts/ids.ts';
import type { House } from '../house.ts';
import type { Call } from '../route.ts';
import { limitsOf, requireOneGood } from '../uploads/photo-records.ts';
import { requireDisk, requireTemporal } from '../uploads/requirements.ts';
import { settingsOf } from '../uploads/settings.ts';
import { collectFolder, type FolderPhotos } from './folder-photos.ts';
import { isWithin, locate, locateNew, openTerritory, refuse, type Territory } from './roots.ts';

export interface Ordered {
  readonly header: BatchHeader;
  readonly skipped: FolderPhotos['skipped'];
  readonly skippedTotal: number;
}

const NO_PHOTOS: FolderPhotos = { photos: [], skipped: [], skippedTotal: 0 };

/** Makes a batch out of a JSON order: photos of a folder of this host, or an open batch that they are sent to later. */
export async function orderBatch(call: Call<unknown, unknown, NewBatchRequest>, house: House): Promise<Ordered> {
  const { body, tenant, signal } = call;
  checkCombination(body);
  await requireTemporal(house);
  await requireDisk(call, house);
  const territory = await openTerritory(house.sourceRoots, house.config);
  const settings = settingsOf(flatten(body), house.config);
  const folder = body.source && (await locate(territory, body.source.path, '/source/path'));
  const destination = await chooseDestination(territory, body, folder);
  const found =
    folder === undefined
      ? NO_PHOTOS
      : await collectFolder(
          {
            folder,
            territory,
            recursive: body.source?.recursive ?? true,
            except: destination.kind === 'folder' ? destination.path : undefined,
            limits: limitsOf(house, settings.options.scale),
          },
          signal,
        );
  requireOneGood(found.photos);
  signal.throwIfAborted();
  const header = await house.service.submit({
    batchId: makeBatchId(new Date(house.clock()), house.random(10)),
    kind: 'batch',
    tenant,
    ...settings,
    destination,
    open: body.open ?? false,
    ...(body.priority === undefined ? {} : { priority: body.priority }),
    ...(body.tags === undefined ? {} : { tags: body.tags }),
    photos: found.photos,
  });
  return { header, skipped: found.skipped, skippedTotal: found.skippedTotal };
}

/** What cannot go together, in sentences, before anything is looked at. */
function checkCombination({ source, destination, open }: NewBatchRequest): void {
  if (!source && open !== true) {
    throw refuse('/source', 'is missing: name a folder, or say "open": true and send the photos afterwards');
  }
  if (destination?.kind === 'in_place' && !source)
    throw refuse('/destination', 'is "in_place", but there is no source folder');
  if (open === true && destination && destination.kind !== 'store') {
    throw refuse('/destination', 'must be "store" for an open batch: photos that are sent have no place in a folder');
  }
}

async function chooseDestination(
  territory: Territory,
  { destination }: NewBatchRequest,
  source: string | undefined,
): Promise<Destination> {
  if (destination?.kind !== 'folder') return destination ?? { kind: 'store' };
  const pointer = '/destination/path';
  const path = await locateNew(territory, destination.path, pointer);
  const known = await stat(path).catch(() => undefined);
  if (known && !known.isDirectory()) throw refuse(pointer, 'is not a folder');
  if (source !== undefined && isWithin(path, source)) {
    throw refuse(pointer, 'holds the source folder; say "in_place" to replace the photos themselves');
  }
  return { kind: 'folder', path };
}

const flatten = ({ options, max_workers, enable_checkpoint, enable_rollback }: NewBatchRequest) => ({
  ...options,
  max_workers,
  enable_checkpoint,
  enable_rollback,
});
