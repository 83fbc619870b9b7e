import type { BatchHeader } from '../../contracts/batch.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import type { AddPhotosRequest } from '../../contracts/http-batch-requests.ts';
import { PHOTOS_PER_ADDITION } from '../../contracts/http-uploads.ts';
import { pageOf } from '../../contracts/ids.ts';
import type { House } from '../house.ts';
import type { Call } from '../route.ts';
import { nameAddition, nameUploads, requireRoom, type Added } from '../uploads/add-photos.ts';
import { requireOneGood } from '../uploads/photo-records.ts';
import { collectObjects } from './bucket-photos.ts';
import type { Found } from './found.ts';
import { inspectUrls } from './url-photos.ts';

type Source = NonNullable<AddPhotosRequest['source']>;

/**
 * Adds photos that lie elsewhere to an open batch; workers fetch each when its turn comes. With an `Idempotency-Key` the
 * same request again adds nothing, also where the source has other photos by now.
 */
export async function addElsewhere(
  call: Call<unknown, unknown, unknown>,
  house: House,
  header: BatchHeader,
  source: Source,
): Promise<Added & Pick<Found, 'skipped' | 'skippedTotal'>> {
  const { batchId } = header;
  const additionId = nameAddition(call.request.get('idempotency-key'), house);
  const room = (most: number): Promise<void> => requireRoom(call, house, batchId, additionId, most, most);
  await room(source.kind === 'urls' ? source.urls.length : 1);
  if (await house.service.hasAddition(batchId, additionId)) {
    const added = await house.service.addPhotos(batchId, { additionId, photos: [] });
    return { added, ...NOTHING };
  }
  const found = await collect(call, house, source, nameUploads(batchId, house));
  requireOneGood(found.photos);
  await room(found.photos.length);
  call.signal.throwIfAborted();
  return { ...found, added: await house.service.addPhotos(batchId, { additionId, photos: found.photos }) };
}

const NOTHING: Found = { photos: [], skipped: [], skippedTotal: 0 };

async function collect(
  { signal }: Call<unknown, unknown, unknown>,
  house: House,
  source: Source,
  uploads: string,
): Promise<Found> {
  const order = {
    keyOf: (index: number) => `${uploads}/${pageOf(index)}/${index}`,
    // Results of an open batch go to the store alone.
    targets: undefined,
    signal,
  };
  if (source.kind === 's3') return collectObjects(house, { ...order, source, most: PHOTOS_PER_ADDITION });
  if (source.urls.length > PHOTOS_PER_ADDITION) {
    throw new DarkroomError('too_many_files', `One call adds ${PHOTOS_PER_ADDITION} photos at most: use several.`);
  }
  return { ...NOTHING, photos: await inspectUrls(house, { ...order, urls: source.urls }) };
}
