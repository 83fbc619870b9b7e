import { createWriteStream } from 'node:fs';
import { access, link, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { PhotoResult } from '../../contracts/batch.ts';
import { asDarkroomError } from '../../contracts/errors.ts';
import { syncDirectory } from '../../storage/durable-files.ts';
import type { Journal } from '../../storage/journal.ts';
import type { Store } from '../../storage/store.ts';
import { isAlive } from '../../storage/temporary-names.ts';
import { freeName } from './collect-photos.ts';
import type { OrderedPhoto, OrderRecord, PlacedFile } from './order-record.ts';

export interface ResultsFolder {
  readonly outDir: string;
  readonly store: Store;
  readonly journal: Journal;
  readonly record: OrderRecord;
  readonly signal: AbortSignal;
}

/**
 * Copies a result out of the store into the results' folder, under the photo's own name with the result's true extension.
 * A file that somebody else put there is never replaced: then the name gets a number. How to take the copy back is in the
 * journal before there is one, so that a rollback by any door removes it.
 * @throws DarkroomError `storage_full` when the disk of the folder is full.
 */
export async function placeResult(
  folder: ResultsFolder,
  ordered: OrderedPhoto,
  result: PhotoResult,
): Promise<PlacedFile> {
  const { outDir, store, record, signal } = folder;
  const stem = ordered.photo.name.slice(0, ordered.photo.name.length - extname(ordered.photo.name).length);
  const within = dirname(join(outDir, stem));
  const temporary = join(within, `.darkroom-${process.pid}-${ordered.batchId}.${ordered.index}.tmp`);
  try {
    await mkdir(within, { recursive: true });
    await sweepOnce(within, ordered.batchId);
    await pipeline(await store.open(result.key), createWriteStream(temporary, { flush: true }), { signal });
    const { bytes, width, height, extension, sha256 } = result;
    const refused = new Set<string>();
    const taken = { has: (name: string) => refused.has(name) || record.names.has(name) };
    // A name that an earlier run gave and somebody emptied since is used again.
    let file = ordered.placed?.file ?? freeName(stem, extension, taken);
    for (;;) {
      const placed = { file, bytes, width, height, sha256 };
      if (!(await exists(join(outDir, file)))) {
        await record.addFile(ordered, placed);
        await registerCopy(folder.journal, ordered, { path: join(outDir, file), sha256 });
        if (await giveName(temporary, join(outDir, file))) break;
      }
      refused.add(file.toLowerCase());
      file = freeName(stem, extension, taken);
    }
    await syncDirectory(within);
    return { file, bytes, width, height, sha256 };
  } catch (error) {
    signal.throwIfAborted();
    throw asDarkroomError(error);
  } finally {
    await rm(temporary, { force: true });
  }
}

const swept = new Set<string>();

/** Removes what a run of this order that was killed left unfinished in a directory; looked at once, however many photos go there. */
async function sweepOnce(directory: string, batchId: string): Promise<void> {
  const place = `${batchId} ${directory}`;
  if (swept.has(place)) return;
  swept.add(place);
  for (const name of await readdir(directory)) {
    const [, pid, batch] = /^\.darkroom-(\d+)-(b-[^.]+)\.\d+\.tmp$/.exec(name) ?? [];
    if (batch === batchId && !isAlive(Number(pid))) await rm(join(directory, name), { force: true });
  }
}

async function registerCopy(
  journal: Journal,
  { batchId, index }: OrderedPhoto,
  { path, sha256 }: { path: string; sha256: string },
): Promise<void> {
  await journal.deliveries.registerCompensation(batchId, { kind: 'remove', index, path });
  await journal.deliveries.note(batchId, index, sha256);
}

export const exists = async (path: string): Promise<boolean> =>
  await access(path).then(
    () => true,
    () => false,
  );

/** @returns false when the name was taken in the meantime. */
async function giveName(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
    await rename(temporary, path); // a disk without hard links
    return true;
  }
}
