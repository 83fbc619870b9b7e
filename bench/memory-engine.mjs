/**
 * What one engine process takes in memory for a very large photo: first a strip of it through the real network of `fast`, whose
 * memory the engine then keeps, then all of it at 4x through a stand-in that repeats pixels, because the real one would take
 * half an hour. The most that was ever resident is printed; the aim is 1.5 GB.
 *
 *     npm run bench:memory -- [--megapixels 100] [--scale 4]
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
    strip: { type: 'string', default: '320' },
  },
});
const side = Math.round(Math.sqrt(Number(wanted.megapixels) * 1e6));
const network = installed.find(({ entry }) => entry.name === 'realesr-general-x4v3');

/** Noise blown up to blotches: nothing repeats, and nothing is flat. */
const makePhoto = (path, width, height) =>
  sharp({ create: { width: 2000, height: 2000, channels: 3, noise: { type: 'gaussian', mean: 128, sigma: 60 } } })
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .jpeg({ quality: 85 })
    .toFile(path);

const directory = await mkdtemp(join(tmpdir(), 'darkroom-memory-'));
const pool = await openPool([await standIn(directory, 'realesr-general-x4v3'), ...(network ? [network] : [])]);
try {
  const [pid] = pool.status().pids;
  const show = (what) => {
    const { resident, most, anonymous } = memoryOf(pid);
    console.log(`${what}: ${resident} MB resident (${anonymous} MB without files), at most ${most} MB so far`);
  };
  show('ready');
  const run = async (name, model, height) => {
    const inputPath = join(directory, `${name}.jpg`);
    await makePhoto(inputPath, side, height);
    const startedAt = performance.now();
    const scratchDir = join(directory, name);
    const result = await enhance(pool, { inputPath, scratchDir, model, fields: { scale: Number(wanted.scale) } });
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    const { size } = await stat(result.path);
    console.log(
      `${name}: ${side} x ${height} to ${result.width} x ${result.height} through ${model}, ${result.tiles} tiles, ` +
        `${seconds} s, ${Math.round(size / 1e6)} MB`,
    );
    show(name);
    await rm(scratchDir, { recursive: true });
  };
  if (network) await run('strip', network.entry.name, Number(wanted.strip));
  await run('whole', 'stand-in', side);
  if (pool.status().restarts > 0)
    throw new Error('The engine was replaced on the way; the figures are not of one process.');
} finally {
  await pool.close();
  await rm(directory, { recursive: true, force: true });
}
