import type { PhotoRecord } from '../../contracts/batch.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { PHOTOS_PER_BATCH, type BucketSource } from '../../contracts/http-batch-requests.ts';
import { asFolder, isInFolder, keysBelow, s3Address, type S3Place } from '../../contracts/s3-place.ts';
import { sideBySide } from '../../storage/side-by-side.ts';
import type { FoundObject } from '../../storage/buckets.ts';
import type { House } from '../house.ts';
import { cleanText, fileName } from '../uploads/photo-name.ts';
import { isOurs, requirePlace } from './bucket-places.ts';
import { Skipped, type Found } from './found.ts';
import { refuse } from './roots.ts';
import type { Targets } from './targets.ts';
import { walkBucket } from './walk-bucket.ts';

export interface BucketOrder {
  readonly source: BucketSource;
  /** Where the original of a photo is to lie in the store. */
  readonly keyOf: (index: number) => string;
  readonly targets: Targets | undefined;
  /** A folder that is passed over: results must not become photos of the next batch. */
  readonly except?: S3Place | undefined;
  /** Photos at most. */
  readonly most?: number;
  readonly signal: AbortSignal;
}

/** Keys that were named, asked for side by side. */
const AT_ONCE = 16;
/** What a pixel takes in a file of a photo, about. */
const BYTES_PER_PIXEL = 0.4;

/** Thousands of pixels, about: the share of the work while no pixel was counted. */
export const guessKilopixels = (bytes: number): number => bytes / BYTES_PER_PIXEL / 1000;

/**
 * The records of photos in a bucket that workers will fetch, each with the content that it has now. What is known to be
 * wrong with one, it is refused for; the others go on.
 * @throws DarkroomError `invalid_request`, `no_files`, `too_many_files`, `bucket_refused`, `storage_unavailable`.
 */
export async function collectObjects(house: House, order: BucketOrder): Promise<Found> {
  const { bucket, prefix, keys } = order.source;
  if (keys !== undefined && prefix !== undefined) throw refuse('/source/keys', 'cannot go together with a prefix');
  const skipped = new Skipped();
  const photos: PhotoRecord[] = [];
  for await (const object of keys ? namedObjects(house, order, keys) : foundObjects(house, order, skipped)) {
    if (photos.length >= (order.most ?? PHOTOS_PER_BATCH)) throw tooMany(order);
    photos.push(recordOf({ bucket, ...object }, photos.length, order, house.config.UPLOAD_MAX_BYTES));
  }
  if (photos.length === 0) throw new DarkroomError('no_files', 'There is no object there that is named like a photo.');
  return { photos, ...skipped.told };
}

const tooMany = ({ most = PHOTOS_PER_BATCH }: BucketOrder): DarkroomError =>
  new DarkroomError('too_many_files', `There are more than ${most} photos there: name their folders one by one.`);

interface Meant {
  readonly key: string;
  /** From the folder that was named on. */
  readonly name: string;
  readonly object: FoundObject | undefined;
  readonly fault?: DarkroomError;
}

async function* foundObjects(
  { buckets, config }: House,
  { source, except, signal }: BucketOrder,
  skipped: Skipped,
): AsyncGenerator<Meant> {
  const { bucket, prefix = '', recursive = true } = source;
  const folder = requirePlace(config, 'S3_SOURCES', { bucket, key: asFolder(prefix) ?? '' }, '/source/prefix');
  const isHidden = (key: string): boolean =>
    isOurs(config, { bucket, key }) || (except !== undefined && isInFolder(except, { bucket, key }));
  const from = keysBelow(folder.key).length;
  for await (const object of walkBucket(buckets, folder, { recursive, isHidden, onPassed: skipped.add, signal })) {
    yield { key: object.key, name: object.key.slice(from), object };
  }
}

async function* namedObjects(
  { buckets, config }: House,
  { source: { bucket }, signal }: BucketOrder,
  keys: readonly string[],
): AsyncGenerator<Meant> {
  const seen = new Set<string>();
  for (const [index, key] of keys.entries()) {
    const pointer = `/source/keys/${index}`;
    requirePlace(config, 'S3_SOURCES', { bucket, key }, pointer);
    if (seen.has(key)) throw refuse(pointer, 'is named twice');
    seen.add(key);
  }
  const found: Meant[] = [];
  await sideBySide(keys, AT_ONCE, async (key, index) => {
    signal.throwIfAborted();
    try {
      found[index] = { key, name: key, object: await buckets.stat({ bucket, key }, signal) };
    } catch (fault) {
      if (!(fault instanceof DarkroomError) || fault.code !== 'bucket_refused') throw fault;
      found[index] = { key, name: key, object: undefined, fault };
    }
  });
  yield* found;
}

function recordOf(
  { bucket, key, name, object, fault }: Meant & { readonly bucket: string },
  index: number,
  { keyOf, targets }: BucketOrder,
  maxBytes: number,
): PhotoRecord {
  const original = { kind: 'upload', key: keyOf(index) } as const;
  const record = { index, name: cleanText(name), bytes: object?.bytes ?? 0 };
  const refused = fault ?? whyNot({ bucket, key }, object, maxBytes);
  if (!object || refused) {
    const { code, message } = refused ?? new DarkroomError('source_missing');
    return { ...record, original, kilopixels: 0, refused: { code, message } };
  }
  return {
    ...record,
    original: { ...original, from: s3Address({ bucket, key }), etag: object.etag },
    kilopixels: guessKilopixels(object.bytes),
    ...(targets && { target: targets.takeUnknown(fileName(name)) }),
  };
}

function whyNot(place: S3Place, object: FoundObject | undefined, maxBytes: number): DarkroomError | undefined {
  if (!object) return new DarkroomError('source_missing', `There is no ${s3Address(place)}.`);
  if (object.bytes === 0) return new DarkroomError('empty_file');
  if (object.bytes <= maxBytes) return undefined;
  return new DarkroomError('file_too_large', `The object has more than ${maxBytes} bytes.`);
}
