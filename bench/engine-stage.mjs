/** What the benches of the engine share: a pool on this machine's CPU, a stand-in network, and what the engine's process takes. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { optionsFrom } from '../dist/contracts/option-fields.js';
import { createEnginePool } from '../dist/inference/engine-pool.js';
import { readCatalogue } from '../dist/models/catalogue.js';
import { GraphBuilder } from '../dist/models/graph-builder.js';
import { enlarge, photoIn, photoOut } from '../dist/models/graph-parts.js';
import { readInstalledModels } from '../dist/models/installed-models.js';

const silent = { info() {}, warn: console.warn, error: console.error };

export const cacheDir =
  process.env.CACHE_DIR || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'darkroom');
export const installed = await readInstalledModels(cacheDir);

/** What an engine needs for a network: it, and for a form in 8 bits the same in full precision, which it is compared with. */
export function modelsFor(name) {
  const wanted = installed.find(({ entry }) => entry.name === name);
  if (wanted === undefined) throw new Error(`${name} is not installed: darkroom models pull ${name}`);
  const full = installed.filter(({ entry }) => entry.name === wanted.entry.int8?.sameAs);
  return [wanted, ...full];
}

/** A graph that repeats every pixel, with the tiles of a real network: all of an engine's work but the network's. */
export async function standIn(directory, like) {
  const graph = new GraphBuilder();
  photoOut(graph, enlarge(graph, photoIn(graph), graph.floats('scales', [1, 1, 4, 4], [4])));
  const graphPath = join(directory, 'stand-in.onnx');
  await writeFile(graphPath, graph.build('stand-in', '1', {}));
  const entry = (await readCatalogue()).find(({ name }) => name === like);
  return { entry: { ...entry, name: 'stand-in' }, graphPath, weights: 'none' };
}

export async function openPool(models, changes = {}) {
  const pool = createEnginePool({
    models,
    warm: models.slice(0, 1).map(({ entry }) => entry.name),
    providers: ['cpu'],
    threads: 0,
    recycleAfterPhotos: 1_000_000,
    memoryLimitBytes: 0,
    stallTimeoutMs: 600_000,
    checkpointMinMs: 0,
    photoMaxPixels: 200_000_000,
    resultMaxPixels: 4_000_000_000,
    logger: silent,
    ...changes,
  });
  await pool.ready();
  return pool;
}

/** Enhances one photo; `onTile` hears of every tile. */
export function enhance(pool, { inputPath, scratchDir, model, fields = {}, tileSize = 400, onTile = () => {} }) {
  const options = optionsFrom(fields, { quality: 'fast', tileSize });
  const job = { inputPath, scratchDir, model, options, checkpoint: false };
  return pool.enhance(job, { signal: new AbortController().signal, onProgress: onTile });
}

/** Memory of a process in MB: resident now and at most, and the part that is not files. */
export function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name) => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)[1]) / 1000);
  return { resident: field('VmRSS'), most: field('VmHWM'), anonymous: field('RssAnon') };
}

/** Processor time that a process has taken so far, of all its threads, in seconds: what others do at the same time hardly counts. */
export function processorSecondsOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const TICKS_A_SECOND = 100;
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}
