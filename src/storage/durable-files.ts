import { createHash } from 'node:crypto';
import { copyFile, link, open, rename, rm, unlink } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { isAbsent } from '../contracts/errors.ts';
import type { Written } from './store.ts';

/** Files that are still there after the power went: flush the file, then the directory that names it. */

const READ_BYTES = 256 * 1024;

/** Makes the names in a directory durable. Some file systems cannot; what they promise by themselves must do then. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'EINVAL' || error.code === 'EPERM')))
      throw error;
  } finally {
    await directory.close();
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Writes a new file and flushes it; nothing is left of one that could not be written to its end. */
export async function writeFlushed(
  path: string,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Written> {
  const hash = createHash('sha256');
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    // Nobody will read it any more, and it holds a file open.
    if (content instanceof Readable) content.destroy();
    throw error;
  });
  let bytes = 0;
  try {
    for await (const chunk of content instanceof Uint8Array ? [content] : content) {
      signal?.throwIfAborted();
      hash.update(chunk);
      await file.writeFile(chunk);
      bytes += chunk.byteLength;
    }
    signal?.throwIfAborted();
    await file.sync();
  } catch (error) {
    await dropFile(path);
    throw error;
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Reads a finished file once, for its size and checksums, and flushes it while it is open. */
export async function flushAndChecksum(path: string): Promise<Written & { crc32: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  let crc = 0;
  const file = await open(path, 'r+');
  try {
    const { size } = await file.stat();
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, size + 1));
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, bytes);
      if (bytesRead === 0) break;
      const chunk = buffer.subarray(0, bytesRead);
      hash.update(chunk);
      crc = crc32(chunk, crc);
      bytes += bytesRead;
      if (bytes === size && bytesRead < buffer.length) break; // the end: no further look is needed
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest('hex'), crc32: crc };
}

/** Gives a flushed file another name; across file systems it is copied by way of `temporary`, which is on the target's. */
export async function moveFlushed(from: string, to: string, temporary: string): Promise<void> {
  try {
    await rename(from, to);
    return;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EXDEV')) throw error;
  }
  try {
    await copyFile(from, temporary);
    await syncFile(temporary);
    await rename(temporary, to);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await rm(from, { force: true });
}

/** The kernel decides between two writers: `link` fails where `rename` would replace. */
export async function linkIfAbsent(source: string, target: string): Promise<boolean> {
  try {
    await link(source, target);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** `rm` would look before it removes. */
export async function dropFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}
