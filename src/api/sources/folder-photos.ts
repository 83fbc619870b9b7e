import { stat } from 'node:fs/promises';
import type { PhotoRecord } from '../../contracts/batch.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { PHOTOS_PER_BATCH } from '../../contracts/http-batch-requests.ts';
import type { Size, SizeLimits } from '../../contracts/result-size.ts';
import { cleanText } from '../uploads/photo-name.ts';
import { examinePhoto, pictureOf } from '../uploads/photo-records.ts';
import { refuse, type Territory } from './roots.ts';
import { Skipped, type Found } from './found.ts';
import { Targets } from './targets.ts';
import { PHOTO_NAME } from './walk-bucket.ts';
import { walkFolder, type FoundFile, type Passed } from './walk-folder.ts';

export interface FolderSource {
  /** Real path, allowed already. */
  readonly folder: string;
  readonly recursive: boolean;
  readonly except: string | undefined;
  readonly territory: Territory;
  readonly limits: SizeLimits;
}

interface FolderPhotos extends Found {
  /** Pixels of each photo, upright; undefined for one that is refused. */
  readonly sizes: readonly (Size | undefined)[];
}

/** Headers read side by side: a disk has its head start, and other requests still get their turn. */
const AT_ONCE = 8;

/**
 * The photos of a folder as records of a batch, known by their content. Only headers are read.
 * @throws DarkroomError `no_files`, `too_many_files`, `invalid_request` when it is not a folder.
 */
export async function collectFolder(source: FolderSource, signal: AbortSignal): Promise<FolderPhotos> {
  const known = await stat(source.folder).catch(() => undefined);
  if (!known?.isDirectory()) throw refuse('/source/path', 'is not a folder');
  const skipped = new Skipped();
  const files = walkFolder(source.folder, { ...source, onPassed: skipped.add, signal });
  const found = await examineAll(files, (file) => examine(file, source, skipped.add));
  if (found.length === 0) throw new DarkroomError('no_files', 'There is no photo in that folder.');
  const targets = new Targets();
  return {
    photos: found.map((one, index) => recordOf(one, index, targets)),
    sizes: found.map(({ look }) => look.photo),
    ...skipped.told,
  };
}

interface Examined {
  readonly file: FoundFile;
  readonly look: Awaited<ReturnType<typeof examinePhoto>>;
}

/** Several readers share one walk; what they find keeps the order of the walk. */
async function examineAll(
  files: AsyncGenerator<FoundFile>,
  examine: (file: FoundFile) => Promise<Examined | undefined>,
): Promise<Examined[]> {
  const found: (Examined | undefined)[] = [];
  let asked = 0;
  let photos = 0;
  const stop = new AbortController();
  const read = async (): Promise<void> => {
    try {
      while (!stop.signal.aborted) {
        const position = asked++;
        const next = await files.next();
        if (next.done === true) return;
        const one = await examine(next.value);
        if (one && ++photos > PHOTOS_PER_BATCH) throw tooMany();
        found[position] = one;
      }
    } finally {
      stop.abort(); // at the end of the walk, and when one of them fails
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, read));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return found.filter((one) => one !== undefined);
}

const tooMany = (): DarkroomError =>
  new DarkroomError(
    'too_many_files',
    `The folder has more than ${PHOTOS_PER_BATCH} photos: name its folders one by one.`,
  );

async function examine(
  file: FoundFile,
  { limits }: FolderSource,
  onPassed: (passed: Passed) => void,
): Promise<Examined | undefined> {
  try {
    const look = await examinePhoto(file.path, limits);
    const foreign = look.refused?.code === 'unsupported_format' || look.refused?.code === 'empty_file';
    // Another file is no photo that is damaged but no photo at all.
    return foreign && !PHOTO_NAME.test(file.name) ? undefined : { file, look };
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    onPassed({ path: file.name, reason: 'It cannot be read.' });
    return undefined;
  }
}

function recordOf({ file, look }: Examined, index: number, targets: Targets): PhotoRecord {
  const { path, bytes, modifiedMs } = file;
  const record = {
    index,
    name: cleanText(file.name),
    bytes,
    original: { kind: 'path', path, bytes, modifiedMs } as const,
  };
  if (look.refused) return { ...record, kilopixels: 0, refused: look.refused };
  return { ...record, ...pictureOf(look.photo), target: targets.take(file.name, look.photo.format) };
}
