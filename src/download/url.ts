import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { DarkroomError } from '../contracts/errors.ts';
import {
  asDownloadError,
  isPinned,
  requirePinned,
  syncFile,
  type DownloadProgress,
  type PinnedFile,
} from './pinned-file.ts';

export interface AddressToFetch {
  readonly url: string;
  readonly file: PinnedFile;
  /** Where the file is put; made when it is missing. A `.part` file there is continued. */
  readonly directory: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

const ATTEMPTS = 3;
const STALL_MS = 30_000;

/**
 * Fetches a file from an address, going on where an earlier attempt ended, and checks it.
 * @returns the path of the file.
 * @throws DarkroomError `download_failed`, `download_corrupt`, `storage_full`.
 */
export async function downloadUrl(fetch: AddressToFetch): Promise<string> {
  const path = join(fetch.directory, fetch.file.name);
  const part = `${path}.part`;
  try {
    await mkdir(fetch.directory, { recursive: true });
    if (await isPinned(path, fetch.file, fetch.signal)) return path;
    await fetchWithPatience(part, fetch);
    await requirePinned(part, fetch.file, fetch.signal);
    await syncFile(part);
    await rename(part, path);
    return path;
  } catch (error) {
    fetch.signal?.throwIfAborted();
    // A wrong part can never become the right file by being continued.
    if (error instanceof DarkroomError && error.code === 'download_corrupt') await rm(part, { force: true });
    throw asDownloadError(error, `${fetch.file.name} could not be fetched from ${new URL(fetch.url).host}.`);
  }
}

async function fetchWithPatience(part: string, fetch: AddressToFetch): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await fetchRest(part, fetch);
      return;
    } catch (error) {
      fetch.signal?.throwIfAborted();
      const mayHelp = !(error instanceof DarkroomError) || error.definition.retryable;
      if (!mayHelp || attempt === ATTEMPTS) throw error;
      await sleep(500 * 2 ** attempt, undefined, fetch.signal ? { signal: fetch.signal } : {});
    }
  }
}

async function fetchRest(part: string, { url, file, signal, onProgress }: AddressToFetch): Promise<void> {
  const have = (await stat(part).catch(() => undefined))?.size ?? 0;
  if (have === file.bytes) return;
  const from = have < file.bytes ? have : 0;
  const stall = new AbortController();
  const ended = AbortSignal.any([stall.signal, ...(signal ? [signal] : [])]);
  const clock = setTimeout(() => stall.abort(new Error('the connection stood still')), STALL_MS);
  try {
    const response = await globalThis.fetch(url, {
      headers: from > 0 ? { range: `bytes=${from}-` } : {},
      signal: ended,
    });
    if (!response.ok || response.body === null) {
      throw new DarkroomError('download_failed', `${new URL(url).host} answered ${response.status} for ${file.name}.`);
    }
    const resumed = response.status === 206;
    let done = resumed ? from : 0;
    await pipeline(
      Readable.fromWeb(response.body),
      async function* measure(chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          clock.refresh();
          done += chunk.byteLength;
          if (done > file.bytes) throw new DarkroomError('download_corrupt', `${file.name} is longer than expected.`);
          onProgress?.({ done, total: file.bytes });
          yield chunk;
        }
      },
      createWriteStream(part, { flags: resumed ? 'a' : 'w' }),
      { signal: ended },
    );
  } finally {
    clearTimeout(clock);
  }
}
