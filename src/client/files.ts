import { createWriteStream, openAsBlob } from 'node:fs';
import { readdir, rename, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Calls } from './calls.ts';

/** Folders and files of the machine that the client runs on; only Node has them. */

const PHOTOS = /\.(jpe?g|png|webp|avif|tiff?|gif|bmp)$/i;

/** Photos below a folder by their names, in order; the API looks at their content. */
export async function photosBelow(folder: string): Promise<{ name: string; open: () => Promise<Blob> }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && PHOTOS.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ name: relative(folder, path), open: () => openAsBlob(path) }));
}

/** Cuts of one download, one after the other, that brought nothing. */
const TRIES = 6;
const WAIT_MS = 500;

/**
 * Downloads into a file. What has come lies beside it as `….part`; a download that is cut goes on from there, and begins
 * again when the server has another file by now.
 */
export async function downloadTo(calls: Calls, path: string, file: string): Promise<void> {
  const part = `${file}.part`;
  let etag: string | undefined;
  for (let tries = 0; tries < TRIES;) {
    const have = etag === undefined ? 0 : await sizeOf(part);
    const headers = etag === undefined || have === 0 ? {} : { Range: `bytes=${have}-`, 'If-Range': etag };
    const answer = await calls.ask(path, { headers });
    etag = answer.headers.get('etag') ?? undefined;
    const from = answer.status === 206 ? have : 0;
    const whole = from + Number(answer.headers.get('content-length'));
    const cut = await pipeline(
      Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0]),
      createWriteStream(part, { flags: from > 0 ? 'a' : 'w' }),
    ).catch((error: unknown) => error);
    calls.signal?.throwIfAborted();
    const now = await sizeOf(part);
    if (cut === undefined && now === whole) return rename(part, file);
    tries = now > from ? 0 : tries + 1;
    await calls.pause(WAIT_MS);
  }
  throw new Error(`The download of ${path} was cut ${TRIES} times and brought nothing any more.`);
}

const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => ({ size: 0 }))).size;
