import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, copyFile, mkdir, open, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
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

/**
 * Puts a copy of `source` at `path`, replacing what is there in one step. `mode` and `modifiedUs` are set before the file
 * becomes visible.
 */
export async function putFile(
  path: string,
  source: string,
  options: { nonce: string; mode?: number; modifiedUs?: number },
): Promise<void> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true });
  const temporary = join(directory, `.${basename(path)}.${options.nonce}.tmp`);
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
