import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Environment } from '../contracts/config.ts';
import { OLDEST_TEMPORAL } from './temporal-release.ts';

/** The `temporal` program of PATH, when there is one and it is new enough; `undefined` otherwise. */
export async function findTemporalOnPath(environment: Environment): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('temporal', ['--version'], { env: environment, timeout: 10_000 });
    return isRecent(stdout) ? 'temporal' : undefined;
  } catch {
    return undefined; // not there, or not the program we know by that name
  }
}

/** Reads `temporal version 1.9.1 (Server 1.32.0, …)`. */
export function isRecent(versionLine: string): boolean {
  const [, major, minor] = /^temporal version (\d+)\.(\d+)/.exec(versionLine) ?? [];
  if (major === undefined || minor === undefined) return false;
  const [oldestMajor, oldestMinor] = OLDEST_TEMPORAL;
  return Number(major) > oldestMajor || (Number(major) === oldestMajor && Number(minor) >= oldestMinor);
}
