/**
 * The other side of the comparison: a session with the engine's options, one tile after the other. Given photos instead of
 * tiles it decodes, cuts, pastes and encodes as well, as a plain script would. Answers its parent with
 * `{ seconds, cpuSeconds }` of the loop alone; runs in a process of its own, as the engine does.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { tilesOf } from './photos.mjs';

const SCALE = 4;

/** `work` is `{ graphPath, threads, tileSize, overlap, tiles }`, or with `photos` instead of `tiles`. */
export function runBare(work) {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), { serialization: 'advanced' });
    child.once('message', resolve);
    child.once('exit', (code) => code !== 0 && reject(new Error(`the bare loop ended with ${code}`)));
    child.send(work);
  });
}

async function openNetwork({ graphPath, threads }) {
  const session = await ort.InferenceSession.create(graphPath, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    interOpNumThreads: 1,
    intraOpNumThreads: threads,
    enableCpuMemArena: true,
    enableMemPattern: false,
  });
  const [input] = session.inputNames;
  const [output] = session.outputNames;
  return async ({ data, width, height }) =>
    (await session.run({ [input]: new ort.Tensor('uint8', new Uint8Array(data), [1, height, width, 3]) }))[output].data;
}

async function enhancePhoto(photo, run, { tileSize, overlap }) {
  const { width, height } = await sharp(photo).metadata();
  const row = width * SCALE * 3;
  const canvas = Buffer.allocUnsafe(row * height * SCALE);
  for (const tile of await tilesOf(photo, tileSize, overlap)) {
    const pixels = await run(tile);
    const line = tile.width * SCALE * 3;
    for (let y = 0; y < tile.height * SCALE; y += 1)
      canvas.set(pixels.subarray(y * line, (y + 1) * line), (tile.top * SCALE + y) * row + tile.left * SCALE * 3);
  }
  const raw = { width: width * SCALE, height: height * SCALE, channels: 3 };
  await sharp(canvas, { raw }).jpeg({ quality: 90 }).toBuffer();
}

async function answer(work) {
  if (work.photos) sharp.concurrency(work.threads);
  const run = await openNetwork(work);
  const [one] = work.tiles ?? (await tilesOf(work.photos[0], work.tileSize, work.overlap));
  await run(one); // first-use costs are not throughput
  const [startedAt, before] = [performance.now(), process.cpuUsage()];
  for (const tile of work.tiles ?? []) await run(tile);
  for (const photo of work.photos ?? []) await enhancePhoto(photo, run, work);
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - startedAt) / 1000, cpuSeconds: (user + system) / 1e6 };
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.once('message', async (work) => process.send(await answer(work), () => process.exit(0)));
