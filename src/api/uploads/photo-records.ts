import type { PhotoRecord } from '../../contracts/batch.ts';
import type { EnhanceOptions } from '../../contracts/options.ts';
import { DarkroomError, type ErrorCode } from '../../contracts/errors.ts';
import type { SizeLimits } from '../../contracts/result-size.ts';
import { quote } from '../check-input.ts';
import type { House } from '../house.ts';
import { inspectPhoto, type InspectedPhoto } from './inspect-photo.ts';
import type { ReceivedFile } from './receive-form.ts';

/** Codes with which a photo is refused; anything else is our own trouble and ends the request. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'empty_file',
  'unsupported_format',
  'image_unreadable',
  'too_many_pixels',
  'result_too_large',
  'enlargement_too_large',
]);

type Refused = NonNullable<PhotoRecord['refused']>;

/** Whether the photo is at fault, and not this server. */
export const isRefusal = ({ code }: DarkroomError): boolean => REFUSALS.has(code);

/** What a look at the header says: the photo, or why it is refused. Throws what is no fault of the photo. */
export async function examinePhoto(
  photo: string | Buffer,
  limits: SizeLimits,
): Promise<{ photo: InspectedPhoto; refused?: never } | { photo?: never; refused: Refused }> {
  try {
    return { photo: await inspectPhoto(photo, limits) };
  } catch (error) {
    if (!(error instanceof DarkroomError) || !isRefusal(error)) throw error;
    return { refused: { code: error.code, message: error.message } };
  }
}

export const limitsOf = ({ config }: House, options: EnhanceOptions): SizeLimits => ({
  maxPixels: config.PHOTO_MAX_PIXELS,
  maxResultPixels: config.RESULT_MAX_PIXELS,
  options,
});

/** The records of a form's photos. One that cannot be read is part of the batch, refused; its bytes are not kept. */
export async function recordUploads(
  files: readonly ReceivedFile[],
  { store }: House,
  limits: SizeLimits,
): Promise<PhotoRecord[]> {
  const records: PhotoRecord[] = [];
  for (const { index, name, bytes, key } of files) {
    const record = { index, name, bytes, original: { kind: 'upload', key } as const };
    const copy = await store.localCopy(key);
    try {
      const { photo, refused } = await examinePhoto(copy.path, limits);
      if (refused) await store.remove(key);
      records.push(refused ? { ...record, kilopixels: 0, refused } : { ...record, ...pictureOf(photo) });
    } finally {
      await copy.release();
    }
  }
  return records;
}

export const pictureOf = ({ width, height, format }: InspectedPhoto): Pick<PhotoRecord, 'kilopixels' | 'picture'> => ({
  kilopixels: (width * height) / 1000,
  picture: { width, height, format },
});

/** Without a single good photo the request itself is wrong: with the photos' own code when they all have the same. */
export function requireOneGood(photos: readonly PhotoRecord[]): void {
  const refusals = photos.flatMap(({ name, refused }) => (refused ? [{ name, ...refused }] : []));
  const [first] = refusals;
  if (!first || refusals.length < photos.length) return;
  if (photos.length === 1) throw new DarkroomError(first.code, first.message);
  const fields = refusals.slice(0, FAULTS_LISTED).map(({ name, message }, index) => ({
    pointer: `files/${index}`,
    detail: `${quote(name)}: ${message}`,
  }));
  const same = refusals.every(({ code }) => code === first.code);
  throw new DarkroomError(same ? first.code : 'invalid_request', 'None of the files is a photo Darkroom can work on.', {
    fields,
  });
}

const FAULTS_LISTED = 1000;
