import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { redactConfig, SETTING_NAMES } from '../contracts/config.ts';
import { chooseLevels } from '../contracts/recipe.ts';
import { readCatalogue, readFaceCatalogue } from '../models/catalogue.ts';
import { inspectFaceModel } from '../models/face-models.ts';
import { inspectModels } from '../models/installed-models.ts';
import { loadProfile } from '../temporal/profile.ts';
import { findTemporalOnPath } from '../temporal/temporal-on-path.ts';
import type { Invocation } from './invocation.ts';
import { readRunFile } from './supervisor/run-file.ts';
import { megabytes } from './terminal.ts';

/** `darkroom doctor`: what a start would find, without fetching or starting anything. @returns 0, or 1 when work is impossible yet. */
export async function doctor({ loaded }: Invocation): Promise<number> {
  const { config, environment, isSet } = loaded;

  print('Node.js', `${process.versions.node} on ${process.platform} ${process.arch}`);
  const shown = redactConfig(config);
  for (const name of SETTING_NAMES.filter(isSet)) print('set', `${name}=${String(shown[name])}`);

  const running = await readRunFile(config.DATA_DIR);
  print(
    'running',
    running === undefined ? 'no' : `process ${running.pid} at ${running.apiUrl ?? running.temporalAddress}`,
  );
  print('data', `${config.DATA_DIR} (${await freeSpace(config.DATA_DIR)} free)`);

  const address = config.TEMPORAL_ADDRESS || loadProfile(environment).address;
  const onPath = await findTemporalOnPath(environment);
  print(
    'Temporal',
    address ?? (onPath === undefined ? 'a server of our own' : 'a server of our own, with `temporal` of PATH'),
  );

  const states = await inspectModels(config.CACHE_DIR, await readCatalogue());
  for (const { entry, state } of states) print('model', `${entry.name}: ${state}`);
  for (const entry of await readFaceCatalogue()) {
    print('model', `${entry.name}: ${(await inspectFaceModel(config.CACHE_DIR, entry)).state}`);
  }
  const installed = states.flatMap(({ entry, state }) => (state === 'installed' ? [entry.name] : []));
  const levels = chooseLevels(new Set(installed));
  if (levels === undefined)
    print('levels', 'no model for photos is installed: `darkroom models pull`, or a start, fetches them');
  for (const { quality, model } of Object.values(levels?.choices ?? {})) print('level', `${quality}: ${model}`);
  return levels === undefined ? 1 : 0;
}

const print = (subject: string, text: string): void => void process.stdout.write(`${subject.padEnd(10)} ${text}\n`);

/** Of the disk that a folder is on, or will be on. */
async function freeSpace(folder: string): Promise<string> {
  for (let place = folder; ; place = dirname(place)) {
    const disk = await statfs(place).catch(() => undefined);
    if (disk !== undefined) return megabytes(disk.bavail * disk.bsize);
    if (place === dirname(place)) return 'unknown space';
  }
}
