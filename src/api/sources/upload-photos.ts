import type { PhotoToPlan } from '../../batches/plan-photos.ts';
import type { PhotoRecord } from '../../contracts/batch.ts';
import { DarkroomError, type ErrorCode } from '../../contracts/errors.ts';
import type { UploadRecord } from '../../contracts/http-uploads.ts';
import { sideBySide } from '../../storage/side-by-side.ts';
import type { Claim } from '../../storage/upload-paths.ts';
import type { House } from '../house.ts';
import { finishUpload } from '../uploads/finish-upload.ts';
import { checkSize, type SizeLimits } from '../../contracts/result-size.ts';
import { isRefusal, pictureOf, requireOneGood } from '../uploads/photo-records.ts';
import { ownUpload } from '../uploads/tus-store.ts';
import type { Targets } from './targets.ts';

const AT_ONCE = 16;

interface NamedUploads {
  readonly ids: readonly string[];
  /** Where the request names them: `/source/ids`. */
  readonly pointer: string;
  readonly tenant: string;
  readonly signal: AbortSignal;
}

interface UploadSource extends NamedUploads {
  readonly claim: Claim;
  readonly limits: SizeLimits;
  /** Where each is to lie as the original of a photo. */
  readonly keyOf: (index: number) => string;
  /** Gives them names below the folder that results go to. */
  readonly targets?: Targets | undefined;
  /** Whether what they were claimed for exists, after an attempt that failed. */
  readonly isTaken: () => Promise<boolean>;
}

/**
 * Gives uploads to a batch, each of them once: they are claimed, linked into the batch, and let go when it exists; when it
 * does not come about they can be used again.
 * @throws DarkroomError `upload_missing`, `upload_expired`, `upload_incomplete`, `upload_used`, naming the upload, and what `use` throws.
 */
export async function useUploads<T>(
  house: House,
  source: UploadSource,
  use: (photos: readonly PhotoRecord[]) => Promise<T>,
): Promise<T> {
  const { shelf } = house.uploads;
  const { ids, claim, keyOf } = source;
  const uploads = await readUploads(house, source);
  const photos = uploads.map((upload, index) => recordOf(upload, index, source));
  requireOneGood(photos);
  const lost = await shelf.claim(ids, claim);
  if (lost !== undefined) throw fault(source, ids.indexOf(lost), 'upload_used', 'was used by another request just now');
  try {
    const good = photos.filter(({ refused }) => !refused);
    await house.store.share(good.map(({ index }) => ({ path: shelf.bytesPath(ids[index] ?? ''), key: keyOf(index) })));
    source.signal.throwIfAborted();
    const used = await use(photos);
    await shelf.settle(ids);
    return used;
  } catch (error) {
    if (await source.isTaken()) await shelf.settle(ids);
    else await shelf.release(ids, claim);
    throw error;
  }
}

/**
 * What uploads would be as photos of a batch; none of them is used.
 * @throws DarkroomError as {@link useUploads}.
 */
export async function lookAtUploads(house: House, source: NamedUploads): Promise<PhotoToPlan[]> {
  return (await readUploads(house, source)).map(({ name, photo }) => ({ name, size: photo }));
}

type Finished = UploadRecord & { readonly photo: NonNullable<UploadRecord['photo']> };

/** All of them, each the caller's, complete, a photo, and named once. */
async function readUploads(house: House, source: NamedUploads): Promise<Finished[]> {
  const seen = new Set<string>();
  for (const [index, id] of source.ids.entries()) {
    if (seen.has(id)) throw fault(source, index, 'invalid_request', 'is named twice');
    seen.add(id);
  }
  const found: Finished[] = [];
  await sideBySide(source.ids, AT_ONCE, async (id, index) => {
    source.signal.throwIfAborted();
    found[index] = await readUpload(house, source, id, index);
  });
  return found;
}

async function readUpload(house: House, source: NamedUploads, id: string, index: number): Promise<Finished> {
  try {
    const known = await ownUpload(house.uploads, source.tenant, id);
    const record = known.photo ? known : await finishUpload(house, id, source.signal);
    if (record?.photo) return { ...record, photo: record.photo };
  } catch (error) {
    if (!(error instanceof DarkroomError)) throw error;
    if (error.code === 'not_found') throw fault(source, index, 'upload_missing', 'does not exist');
    if (error.code === 'upload_expired') throw fault(source, index, 'upload_expired', 'was removed: its time was over');
    if (error.code === 'upload_used') throw fault(source, index, 'upload_used', 'was used already', error.message);
    if (isRefusal(error)) throw fault(source, index, error.code, 'is refused', error.message);
    throw error;
  }
  throw fault(source, index, 'upload_incomplete', 'is not complete');
}

function fault({ ids, pointer }: NamedUploads, index: number, code: ErrorCode, what: string, why = ''): DarkroomError {
  const id = (ids[index] ?? '').slice(0, 64);
  const detail = `Upload ${JSON.stringify(id)} ${what}.${why === '' ? '' : ` ${why}`}`;
  return new DarkroomError(code, detail, { fields: [{ pointer: `${pointer}/${index}`, detail }] });
}

/** What cannot be made with the options of this batch is part of it, refused. */
function recordOf(upload: Finished, index: number, { keyOf, limits, targets }: UploadSource): PhotoRecord {
  const { name, length, photo } = upload;
  const record = { index, name, bytes: length, original: { kind: 'upload', key: keyOf(index) } as const };
  try {
    checkSize(photo, limits);
    const target = targets && { target: targets.take(name, photo.format) };
    return { ...record, ...pictureOf(photo), ...target };
  } catch (error) {
    if (!(error instanceof DarkroomError) || !isRefusal(error)) throw error;
    return { ...record, kilopixels: 0, refused: { code: error.code, message: error.message } };
  }
}
