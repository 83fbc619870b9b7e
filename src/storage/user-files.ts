import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, copyFile, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory } from './durable-files.ts';

/** Files that belong to people, outside the store: they change whole or not at all, and never without being looked at. */

export interface FileIdentity {
  readonly sha256: string;
  readonly bytes: number;
  readonly mode: number;
  /** Microseconds since the epoch: as fine as Node can set it. */
  readonly modifiedUs: number;
}

/** Content and attributes of a file; `undefined` when there is none. */
export async function identifyFile(path: string): Promise<FileIdentity | undefined> {
  try {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(path)) hash.update(chunk);
    const { size, mode, mtimeNs } = await stat(path, { bigint: true });
    return {
      sha256: hash.digest('hex'),
      bytes: Number(size),
      mode: Number(mode) & 0o7777,
      modifiedUs: Number(mtimeNs / 1000n),
    };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

interface NewFile {
  /** The photo it is for, by which what a kill leaves is found again. */
  readonly photo: string;
  readonly nonce: string;
  readonly mode?: number;
  readonly modifiedUs?: number;
}

/** Short, whatever the photo is called: a name has room for 255 bytes, and people's own may take all of them. */
const temporaryStart = (photo: string): string =>
  `.darkroom-${createHash('sha256').update(photo).digest('hex').slice(0, 16)}-`;

/**
 * Puts a copy of `source` at `path`, replacing what is there in one step. `mode` and `modifiedUs` are set before the file
 * becomes visible.
 */
export async function putFile(path: string, source: string, options: NewFile): Promise<void> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true });
  const temporary = join(directory, `${temporaryStart(options.photo)}${options.nonce}.tmp`);
  try {
    await copyFile(source, temporary);
    await chmod(temporary, options.mode ?? 0o644);
    await sync(temporary);
    if (options.modifiedUs !== undefined) {
      const seconds = (options.modifiedUs + 0.5) / 1e6; // half a step up, because it is cut off below

      await utimes(temporary, seconds, seconds);
    }
    await rename(temporary, path);
    await syncDirectory(directory);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Removes copies beside `path` that {@link putFile} was killed over. Reads the directory: not for every photo. */
export async function removeUnfinished(path: string, photo: string): Promise<void> {
  const directory = dirname(path);
  const names = await readdir(directory).catch(() => []);
  const start = temporaryStart(photo);
  for (const name of names) if (name.startsWith(start)) await rm(join(directory, name), { force: true });
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncDirectory(dirname(path)).catch(() => undefined);
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
