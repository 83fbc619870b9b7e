import { access, constants, open, realpath } from 'node:fs/promises';
import { dirname, extname, sep } from 'node:path';
import type { PhotoError } from '../../contracts/batch.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { HEAD_BYTES, recogniseFormat, type PhotoFormat } from '../../contracts/photo-format.ts';
import { resultFormatOf } from '../../contracts/result-format.ts';
import type { FoundPhoto } from './collect-photos.ts';

export interface Replaceable {
  /** By their real paths: a link to a photo stays a link. */
  readonly photos: readonly FoundPhoto[];
  readonly refused: readonly RefusedPhoto[];
  /** Sentences about files that must not be touched at all. */
  readonly faults: readonly string[];
}

export interface RefusedPhoto {
  readonly photo: FoundPhoto;
  readonly error: PhotoError;
}

/** Tells before any work which photos can be replaced where they are: the worker would find out after it. */
export async function sortReplaceable(found: readonly FoundPhoto[], dataDir: string): Promise<Replaceable> {
  const photos: FoundPhoto[] = [];
  const refused: RefusedPhoto[] = [];
  const faults: string[] = [];
  const forbidden = `${await realpath(dataDir).catch(() => dataDir)}${sep}`;
  const writable = new Map<string, Promise<boolean>>();
  for (const { path: named, ...rest } of found) {
    const photo = { ...rest, path: await realpath(named) };
    const folder = dirname(photo.path);
    const canWrite = writable.get(folder) ?? isWritable(folder);
    writable.set(folder, canWrite);
    const reason = (await canWrite) ? await whyNot(photo.path) : 'the folder it lies in cannot be written';
    if (photo.path.startsWith(forbidden)) faults.push(`${named} belongs to Darkroom's own data and is not touched.`);
    else if (reason === undefined) photos.push(photo);
    else refused.push({ photo, error: refusal(reason) });
  }
  return { photos, refused, faults };
}

const isWritable = async (folder: string): Promise<boolean> =>
  await access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );

/** Why the result cannot bear the photo's name, in half a sentence. */
async function whyNot(path: string): Promise<string | undefined> {
  const format = await formatOf(path);
  if (format === undefined) return undefined;
  const written = resultFormatOf(format, 'same');
  if (written.name !== format) return `${format.toUpperCase()} cannot be written, only read`;
  const extension = extname(path).toLowerCase();
  if ((SPELLINGS[extension] ?? extension) === written.extension) return undefined;
  return `it is a ${format.toUpperCase()} file, but its name does not end in ${written.extension}`;
}

/** `undefined` for what no photo begins like: why it fails is for the worker to say. */
async function formatOf(path: string): Promise<PhotoFormat | undefined> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return recogniseFormat(buffer.subarray(0, bytesRead));
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

/** Extensions that a result in place keeps as they are. */
const SPELLINGS: Readonly<Record<string, string>> = { '.jpeg': '.jpg', '.tif': '.tiff' };

function refusal(reason: string): PhotoError {
  const { code, message, definition } = new DarkroomError('not_in_place', `It cannot be replaced in place: ${reason}.`);
  return { code, message, hint: definition.hint };
}
