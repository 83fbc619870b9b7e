/**
 * What the house costs: a batch over HTTP against a bare onnxruntime loop over the same tiles, in one run, bare before and
 * after so that a drifting machine shows. While the batch runs, 200 status calls are timed.
 *
 *     npm run bench:throughput -- [--photos 30] [--width 512] [--height 384] [--quality fast]
 */
import { fork, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { chooseModel } from '../dist/contracts/recipe.js';
import { cutOut, cutTiles } from '../dist/inference/tiles.js';
import { readInstalledModels } from '../dist/models/installed-models.js';

const { values: wanted } = parseArgs({
  options: {
    photos: { type: 'string', default: '30' },
    width: { type: 'string', default: '512' },
    height: { type: 'string', default: '384' },
    quality: { type: 'string', default: 'fast' },
    tile: { type: 'string', default: '400' },
  },
});
const count = Number(wanted.photos);
const [width, height, tile] = [Number(wanted.width), Number(wanted.height), Number(wanted.tile)];
const STATUS_CALLS = 200;

const cacheDir = process.env.CACHE_DIR || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'darkroom');
const installed = await readInstalledModels(cacheDir);
const { model: name } = chooseModel(wanted.quality, new Set(installed.map(({ entry }) => entry.name)));
const model = installed.find(({ entry }) => entry.name === name);

/** Different photos of one size: what differs between them does not matter to a network's time. */
async function makePhotos() {
  const sample = fileURLToPath(new URL('../samples/astronaut.jpg', import.meta.url));
  return Promise.all(
    Array.from({ length: count }, (_, index) =>
      sharp(sample)
        .resize(width, height, { fit: 'cover' })
        .modulate({ hue: (index * 360) / count })
        .jpeg({ quality: 90 })
        .toBuffer(),
    ),
  );
}

/** Seconds that the tiles of `photos` take when nothing else is done; in a process of its own, as the engine is. */
function runBare(photos) {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url.replace('throughput', 'bare-loop')), {
      serialization: 'advanced',
    });
    child.on('message', (seconds) => resolve(seconds));
    child.on('exit', (code) => code !== 0 && reject(new Error(`the bare loop ended with ${code}`)));
    child.send({ graphPath: model.graphPath, threads: availableParallelism(), tiles: photos.flatMap(tilesOf) });
  });
}

function tilesOf({ data, info }) {
  const grid = cutTiles(info.width, info.height, tile, model.entry.overlap);
  const image = { width: info.width, height: info.height, channels: 3, data };
  return grid.rows.flatMap((row) =>
    grid.columns.map((column) => ({
      width: column.window.end - column.window.start,
      height: row.window.end - row.window.start,
      data: cutOut(image, column.window, row.window),
    })),
  );
}

async function startHouse() {
  const dataDir = await mkdtemp(join(tmpdir(), 'darkroom-bench-'));
  const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
  const port = 18_000 + Math.floor(process.pid % 1000);
  const env = {
    ...process.env,
    DATA_DIR: dataDir,
    PORT: String(port),
    BATCH_FORM_MAX_FILES: '1000',
    LOG_LEVEL: 'warn',
  };
  const house = spawn(process.execPath, [main, 'start'], { env, stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise((resolve) => house.once('exit', resolve));
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    const health = await fetch(`${url}/health`).then(
      (answer) => answer.json(),
      () => undefined,
    );
    if (health?.status === 'healthy') break;
    if (tries > 600) throw new Error('the house does not become healthy');
    await sleep(500);
  }
  return {
    url,
    async stop() {
      house.kill('SIGTERM');
      await ended;
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function submit({ url }, photos) {
  const form = new FormData();
  photos.forEach((photo, index) => form.append('files', new Blob([photo]), `photo-${index}.jpg`));
  const options = `quality_level=${wanted.quality}&tile_size=${tile}`;
  const answer = await fetch(`${url}/api/v1/enhance/batch?${options}`, { method: 'POST', body: form });
  const { batch_task_id: id } = await answer.json();
  return `${url}/api/v1/batch/status/${id}`;
}

async function ask(url) {
  const startedAt = performance.now();
  const answer = await (await fetch(url)).json();
  return { answer, ms: performance.now() - startedAt };
}

/** Seconds from the first byte of the upload until every photo is done, watched once a second as the page does. */
async function runHouse(house, photos) {
  const startedAt = performance.now();
  const url = await submit(house, photos);
  for (;;) {
    const { status, message } = (await ask(url)).answer;
    if (status === 'completed') return (performance.now() - startedAt) / 1000;
    if (['failed', 'partial_completed'].includes(status)) throw new Error(message);
    await sleep(status === 'queued' ? 100 : 1000);
  }
}

/** Milliseconds that status calls take while photos are in the network: asked one after the other, without a pause. */
async function timeStatusCalls(house, photos) {
  const url = await submit(house, photos);
  const latencies = [];
  while (latencies.length < STATUS_CALLS) {
    latencies.push((await ask(url)).ms, (await ask(`${house.url}/health`)).ms);
    await sleep(50);
  }
  while (!['completed', 'failed'].includes((await ask(url)).answer.status)) await sleep(500);
  return latencies;
}

const quantile = (values, share) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];

const photos = await makePhotos();
const raw = await Promise.all(
  photos.map((photo) => sharp(photo).removeAlpha().raw().toBuffer({ resolveWithObject: true })),
);
const house = await startHouse();
try {
  const half = Math.ceil(count / 2);
  await runHouse(house, photos.slice(0, 1)); // warm: first-use costs are not throughput
  const before = await runBare(raw.slice(0, half));
  const product = await runHouse(house, photos);
  const after = await runBare(raw.slice(half));
  const bare = before + after;
  const megapixels = (count * width * height) / 1e6;
  console.log(
    `\n${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}`,
  );
  console.log(`${count} photos of ${width}x${height}, ${name}, tile ${tile}`);
  console.log(
    `bare loop   ${bare.toFixed(1)} s  (${(bare / megapixels).toFixed(2)} s a megapixel; first half ${before.toFixed(1)}, second ${after.toFixed(1)})`,
  );
  console.log(`the house   ${product.toFixed(1)} s  (${(product / megapixels).toFixed(2)} s a megapixel)`);
  console.log(`ratio       ${(bare / product).toFixed(3)}  (1 = the house costs nothing)`);
  const latencies = await timeStatusCalls(house, photos.slice(0, 8));
  console.log(
    `${latencies.length} status calls meanwhile: p50 ${quantile(latencies, 0.5).toFixed(1)} ms, p99 ${quantile(latencies, 0.99).toFixed(1)} ms, max ${Math.max(...latencies).toFixed(1)} ms`,
  );
} finally {
  await house.stop();
}
