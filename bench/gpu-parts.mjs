/**
 * What `gpu.mjs` measures, each part in a process of its own, which a broken driver may take down. A part is told what to do as JSON
 * in its first argument and answers its parent with one message a measurement.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { graphFor } from '../dist/inference/graph-bytes.js';
import { cutTiles, spanLength, windowsOn } from '../dist/inference/tiles.js';
import { enhance, installed, openPool } from './engine-stage.mjs';
import { startHouse, timeBatch } from './house.mjs';
import { makePhotos, sizeOf } from './photos.mjs';

const sample = (name) => fileURLToPath(new URL(`../samples/${name}`, import.meta.url));
const tell = (measurement) => new Promise((sent) => process.send(measurement, sent));
const round = (number, digits = 3) => Number(number.toFixed(digits));
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const LEAST_TILES = 3;

const networkOf = (name) => {
  const found = installed.find(({ entry }) => entry.name === name);
  if (found === undefined) throw new Error(`${name} is not installed: darkroom models pull ${name}`);
  return found;
};

/** A session with the engine's options, as a function of a tile. */
async function openNetwork({ network, provider, precision }) {
  const never = () => Promise.reject(new Error('no graph has to be run to make this one'));
  const graph = await graphFor({ key: network, path: networkOf(network).graphPath, depth: 8 }, precision, never);
  const session = await ort.InferenceSession.create(graph, {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    interOpNumThreads: 1,
    intraOpNumThreads: availableParallelism(),
    enableMemPattern: false,
    logSeverityLevel: 3,
  });
  const [input] = session.inputNames;
  const [output] = session.outputNames;
  return async ({ data, width, height }) =>
    (await session.run({ [input]: new ort.Tensor('uint8', data, [1, height, width, 3]) }))[output].data;
}

async function photoOf(width, height, name = 'astronaut.jpg') {
  const data = await sharp(sample(name)).resize(width, height, { fit: 'cover' }).removeAlpha().raw().toBuffer();
  return { data: new Uint8Array(data), width, height };
}

async function timed(work) {
  const startedAt = performance.now();
  const answer = await work();
  return { ms: performance.now() - startedAt, answer };
}

/** Memory of the first NVIDIA device that is taken, by all processes, in MB; null where there is none. */
async function deviceMegabytes() {
  const asked = ['--query-gpu=memory.used', '--format=csv,noheader,nounits', '--id=0'];
  const { stdout } = await promisify(execFile)('nvidia-smi', asked).catch(() => ({ stdout: '' }));
  return stdout.trim() === '' ? null : Number(stdout);
}

/** Start, then for each tile its first run (a new shape) and the middle of several, then likeness to the processor. */
async function network(work) {
  const before = await deviceMegabytes();
  const opened = await timed(() => openNetwork(work));
  const run = opened.answer;
  const small = await photoOf(64, 48);
  const first = await timed(() => run(small));
  await tell({ what: 'start', openMs: round(opened.ms, 1), firstTileMs: round(first.ms, 1) });
  if (work.likeness > 0) await likeness(work, run);
  for (const side of work.tiles) {
    const tile = await photoOf(side, side);
    const newShape = await timed(() => run(tile));
    const times = [];
    const until = performance.now() + work.secondsATile * 1000;
    while (times.length < LEAST_TILES || performance.now() < until) times.push((await timed(() => run(tile))).ms);
    const ms = median(times);
    await tell({
      what: 'tile',
      side,
      newShapeMs: round(newShape.ms, 1),
      ms: round(ms, 2),
      fastestMs: round(Math.min(...times), 2),
      runs: times.length,
      secondsAMegapixel: round(ms / 1000 / ((side * side) / 1e6), 4),
    });
  }
  const after = await deviceMegabytes();
  if (after !== null) await tell({ what: 'device memory', megabytes: after - before });
}

async function likeness({ network: name, likeness: width }, run) {
  const crop = await photoOf(width, Math.round((width * 3) / 4), 'coffee.jpg');
  const made = await run(crop);
  const exact = await openNetwork({ network: name, provider: 'cpu', precision: 'full' });
  const expected = await exact(crop);
  const counts = [0, 0, 0];
  let most = 0;
  for (let at = 0; at < expected.length; at += 1) {
    const off = Math.abs(made[at] - expected[at]);
    most = Math.max(most, off);
    for (let levels = 0; levels < counts.length; levels += 1) if (off > levels) counts[levels] += 1;
  }
  const [beyond0, beyond1, beyond2] = counts.map((count) => round(count / expected.length, 6));
  await tell({ what: 'likeness', most, beyond0, beyond1, beyond2, samples: expected.length });
}

/** How busy the driver says that the device is, in percent, sampled until the returned function is called. */
function watchDevice() {
  const child = spawn('nvidia-smi', [
    '--query-gpu=utilization.gpu',
    '--format=csv,noheader,nounits',
    '--id=0',
    '-lms',
    '200',
  ]);
  const seen = [];
  child.on('error', () => undefined);
  child.stdout.setEncoding('utf8').on('data', (text) => seen.push(...text.trim().split('\n').map(Number)));
  return () => {
    child.kill();
    return seen.length === 0 ? null : Math.round(seen.reduce((sum, one) => sum + one, 0) / seen.length);
  };
}

/** Photos through engines, from file to file. */
async function engine({ network: name, provider, engines, photos: count, megapixels, tileSize }) {
  const directory = await mkdtemp(join(tmpdir(), 'darkroom-gpu-'));
  const notes = [];
  const logger = { info: ({ notes: said = [] }) => notes.push(...said), warn: console.warn, error: console.error };
  const deviceIds = Array.from({ length: engines }, () => 0);
  const opened = await timed(() => openPool([networkOf(name)], { providers: [provider, 'cpu'], deviceIds, logger }));
  const pool = opened.answer;
  try {
    const photos = await makePhotos(count, sizeOf(megapixels));
    const paths = await Promise.all(
      photos.map(async (photo, at) => {
        const path = join(directory, `${at}.jpg`);
        await writeFile(path, photo);
        return path;
      }),
    );
    const one = (at, mark = '') =>
      enhance(pool, { inputPath: paths[at], scratchDir: join(directory, `${at}${mark}`), model: name, tileSize });
    await Promise.all(deviceIds.flatMap((_, at) => [one(at % count, `w${at}`), one(at % count, `x${at}`)])); // new shapes
    const [networkBefore, watched] = [pool.status().networkMsTotal, watchDevice()];
    const { ms, answer } = await timed(() => Promise.all(paths.map((_, at) => one(at))));
    const utilisation = watched();
    // The pool hears of the network's time five times a second.
    await new Promise((resolve) => setTimeout(resolve, 400));
    const networkMs = pool.status().networkMsTotal - networkBefore;
    const middle = (field) => round(median(answer.map(({ timings }) => timings[field])), 1);
    await tell({
      what: 'engine',
      device: pool.status().device,
      precision: answer[0].making.precision ?? 'full',
      startMs: round(opened.ms, 0),
      photosASecond: round(count / (ms / 1000)),
      busy: round(networkMs / ms / engines),
      driverSaysBusyPercent: utilisation,
      middleMs: {
        decode: middle('decodeMs'),
        network: middle('networkMs'),
        encode: middle('encodeMs'),
        total: middle('totalMs'),
      },
      networkMsAPhoto: round(networkMs / count, 1),
      deviceMegabytes: await deviceMegabytes(),
      ...(notes.length > 0 && { notes }),
    });
  } finally {
    await pool.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Windows of the shapes that the engine cuts a photo of this size into there, as many as it cuts. */
async function windowsFor({ width, height }, provider, tileSize, overlap) {
  const grid = cutTiles(width, height, tileSize, overlap, windowsOn(provider));
  const windows = grid.rows.flatMap((row) =>
    grid.columns.map((column) => photoOf(spanLength(column.window), spanLength(row.window))),
  );
  return await Promise.all(windows);
}

/** The same photos over HTTP and through Temporal, against nothing but the network over windows of the same shapes. */
async function house({ network: name, quality, provider, engines, photos: count, megapixels, tileSize, atOnce }) {
  const size = sizeOf(megapixels);
  const photos = await makePhotos(count, size);
  const { overlap } = networkOf(name).entry;
  const run = await openNetwork({ network: name, provider, precision: provider === 'cpu' ? 'full' : 'half' });
  const windows = await windowsFor(size, provider, tileSize, overlap);
  for (const window of [...windows, ...windows]) await run(window); // each shape is met first
  const bare = await timed(async () => {
    for (let photo = 0; photo < count; photo += 1) for (const window of windows) await run(window);
  });
  await tell({ what: 'bare loop', photosASecond: round(count / (bare.ms / 1000)) });
  const env = { EXECUTION_PROVIDERS: `${provider},cpu` };
  const opened = await startHouse({ engines, env });
  try {
    const fields = { quality_level: quality, tile_size: tileSize, max_workers: atOnce };
    await timeBatch(opened, photos.slice(0, 2 * engines), fields);
    const watched = watchDevice();
    const { seconds, first, cpuSeconds, photos: done } = await timeBatch(opened, photos, fields);
    const utilisation = watched();
    const network = done.reduce((sum, { timings }) => sum + timings.network, 0);
    const [{ recipe }] = done;
    await tell({
      what: 'house',
      network: recipe.model,
      device: recipe.device,
      precision: recipe.precision ?? 'full',
      startMs: round(opened.startMs, 0),
      photosASecond: round(count / seconds),
      firstS: round(first),
      cpuSecondsAPhoto: round(cpuSeconds / count),
      ofBareLoop: round(bare.ms / 1000 / seconds),
      busy: round(network / engines / seconds),
      driverSaysBusyPercent: utilisation,
      deviceMegabytes: await deviceMegabytes(),
    });
  } finally {
    await opened.stop();
  }
}

const PARTS = { network, engine, house };

process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
const { part, ...work } = JSON.parse(process.argv[2]);
try {
  await PARTS[part](work);
} catch (error) {
  await tell({ what: 'failed', error: error instanceof Error ? error.message : String(error) });
}
// Drivers have been seen to crash on the way out, which is no part of the measurement.
process.kill(process.pid, 'SIGKILL');
