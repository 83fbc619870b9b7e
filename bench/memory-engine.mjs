/**
 * What one engine process takes in memory for a very large photo, through the network of `fast`: about two seconds a megapixel.
 * The most that was ever resident is printed; the aim is 1.5 GB. `--model stand-in` repeats pixels instead, for a slow machine.
 *
 *     npm run bench:memory -- [--megapixels 100] [--scale 4] [--model darkroom-fast-x4-int8]
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { enhance, installed, memoryOf, openPool, standIn } from './engine-stage.mjs';

const { values: wanted } = parseArgs({
  options: {
    megapixels: { type: 'string', default: '100' },
    scale: { type: 'string', default: '4' },
    model: { type: 'string', default: 'darkroom-fast-x4-int8' },
  },
});
const side = Math.round(Math.sqrt(Number(wanted.megapixels) * 1e6));

/** Noise blown up to blotches: nothing repeats, and nothing is flat. */
const makePhoto = (path, width, height) =>
  sharp({ create: { width: 2000, height: 2000, channels: 3, noise: { type: 'gaussian', mean: 128, sigma: 60 } } })
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .jpeg({ quality: 85 })
    .toFile(path);

const directory = await mkdtemp(join(tmpdir(), 'darkroom-memory-'));
const network =
  wanted.model === 'stand-in'
    ? await standIn(directory, 'darkroom-fast-x4')
    : installed.find(({ entry }) => entry.name === wanted.model);
if (network === undefined) throw new Error(`${wanted.model} is not installed: darkroom models pull ${wanted.model}`);
const pool = await openPool([network]);
try {
  const [pid] = pool.status().pids;
  const show = (what) => {
    const { resident, most, anonymous } = memoryOf(pid);
    console.log(`${what}: ${resident} MB resident (${anonymous} MB without files), at most ${most} MB so far`);
  };
  show('ready');
  const inputPath = join(directory, 'photo.jpg');
  await makePhoto(inputPath, side, side);
  const startedAt = performance.now();
  const scratchDir = join(directory, 'job');
  const fields = { scale: Number(wanted.scale) };
  const result = await enhance(pool, { inputPath, scratchDir, model: network.entry.name, fields });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  const { size } = await stat(result.path);
  console.log(
    `${side} x ${side} to ${result.width} x ${result.height} through ${network.entry.name}, ${result.tiles} tiles, ` +
      `${seconds} s, ${Math.round(size / 1e6)} MB`,
  );
  show('done');
  if (pool.status().restarts > 0)
    throw new Error('The engine was replaced on the way; the figures are not of one process.');
} finally {
  await pool.close();
  await rm(directory, { recursive: true, force: true });
}
