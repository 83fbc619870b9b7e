import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { basename, dirname, join, relative } from 'node:path';
import { photoOutcomeSchema, type PhotoOutcome } from '../../src/contracts/batch.ts';
import { PHOTOS_PER_PAGE } from '../../src/contracts/ids.ts';
import { batchPrefix } from '../../src/storage/keys.ts';
import { sha256Of } from './visitor.ts';

/** What really lies in a data directory, read without the house's help. */

/** Every file below a directory, relative to it; a directory that is not there has none. */
export async function filesBelow(directory: string): Promise<string[]> {
  if (!existsSync(directory)) return [];
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}

/** Photos and books, without the reports that workers write all the time and what is just being written. */
export const storedFiles = async (dataDir: string): Promise<string[]> =>
  (await filesBelow(join(dataDir, 'store'))).filter((name) => !/^(?:workers|\.incoming)\//.test(name));

/**
 * What nobody should find when nothing is under way: half-written objects and working directories. Workers write their reports
 * all the time: left over is only what is still there after a while, under the same name.
 */
export async function leftOvers(dataDir: string): Promise<string[]> {
  const first = await halfWritten(dataDir);
  if (first.length === 0) return [];
  await sleep(LOOK_AGAIN_MS);
  const again = await halfWritten(dataDir);
  return first.filter((name) => again.includes(name));
}

const LOOK_AGAIN_MS = 1500;

async function halfWritten(dataDir: string): Promise<string[]> {
  const incoming = await filesBelow(join(dataDir, 'store/.incoming'));
  const desks = await readdir(join(dataDir, 'scratch')).catch(() => []);
  return [...incoming.map((name) => `.incoming/${name}`), ...desks.map((name) => `scratch/${name}`)];
}

export interface OutcomeFile {
  readonly file: string;
  readonly modifiedMs: number;
  readonly outcome: PhotoOutcome;
}

/** All outcome files of a batch; more than one for a photo would be a second publication. */
export async function outcomesOf(dataDir: string, batchId: string): Promise<OutcomeFile[]> {
  const directory = join(dataDir, 'store', batchPrefix(batchId), 'outcomes');
  const files = await filesBelow(directory);
  return await Promise.all(
    files.map(async (file) => ({
      file,
      modifiedMs: (await stat(join(directory, file))).mtimeMs,
      outcome: photoOutcomeSchema.parse(JSON.parse(await readFile(join(directory, file), 'utf8'))),
    })),
  );
}

/** SHA-256 of every result file of a batch, by its key in the store. */
export async function resultFilesOf(dataDir: string, batchId: string): Promise<Map<string, string>> {
  const prefix = `${batchPrefix(batchId)}/results`;
  const files = await filesBelow(join(dataDir, 'store', prefix));
  const read = files.map(
    async (file) => [`${prefix}/${file}`, sha256Of(await readFile(join(dataDir, 'store', prefix, file)))] as const,
  );
  return new Map(await Promise.all(read));
}

/** `00000/017.0.abc.jpg` → 17. */
export const photoOf = (resultKey: string): number =>
  Number(basename(dirname(resultKey))) * PHOTOS_PER_PAGE + Number(basename(resultKey).slice(0, 3));
