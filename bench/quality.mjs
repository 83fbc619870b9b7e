/**
 * What each quality level costs and gives: seconds a megapixel, and how near its answer comes to a photo that was made four
 * times smaller first, clean and spoilt. Writes docs/quality.md.
 *
 *     npm run bench:quality -- [FOLDER…]       photos; `samples` unless named
 */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { basename, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format } from 'prettier';
import sharp from 'sharp';
import { enhance, installed, openPool, processorSecondsOf } from './engine-stage.mjs';
import { fsim } from './quality/fsim.mjs';
import { haarpsi } from './quality/haarpsi.mjs';
import { psnr, ssim } from './quality/structure.mjs';
import { ways } from './quality/ways.mjs';

const { positionals } = parseArgs({ allowPositionals: true });
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const folders = positionals.length > 0 ? positionals.map((path) => resolve(path)) : [here('../samples')];

const SCALE = 4;
const SIDE = 512;
/** Photo of the timing: one tile, of a size from which on a pixel costs the same. */
const TIMED = { width: 256, height: 192 };
const MEASURES = { PSNR: [psnr, 2], SSIM: [ssim, 3], HaarPSI: [haarpsi, 3], FSIM: [fsim, 3] };
const DAMAGES = { clean, spoilt };

/** The middle of a photo, as 8-bit RGB on white, with sides that four divides. */
async function readPhoto(path) {
  const opaque = await sharp(path)
    .autoOrient()
    .flatten({ background: '#fff' })
    .toColourspace('srgb')
    .png()
    .toBuffer({ resolveWithObject: true });
  const [width, height] = [opaque.info.width, opaque.info.height].map((side) =>
    Math.min(SIDE, Math.floor(side / SCALE) * SCALE),
  );
  const place = {
    left: Math.floor((opaque.info.width - width) / 2),
    top: Math.floor((opaque.info.height - height) / 2),
  };
  return rgbOf(sharp(opaque.data).extract({ ...place, width, height }));
}

async function rgbOf(picture) {
  const { data, info } = await picture.toColourspace('srgb').removeAlpha().raw().toBuffer({ resolveWithObject: true });
  if (info.channels === 3) return { width: info.width, height: info.height, data };
  throw new Error(`Expected three channels but received ${info.channels}`);
}

const rawPicture = ({ width, height, data }) => sharp(data, { raw: { width, height, channels: 3 } });
const resized = (picture, factor, kernel) =>
  rgbOf(
    rawPicture(picture).resize(Math.round(picture.width * factor), Math.round(picture.height * factor), { kernel }),
  );

function clean(photo) {
  return resized(photo, 1 / SCALE, 'cubic');
}

/** A photo of a cheap telephone that was sent on: soft, grainy, JPEG 60. The same grain every time. */
async function spoilt(photo) {
  const soft = await rgbOf(rawPicture(photo).blur(1.6));
  const small = await clean(soft);
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  const grain = () => 6 * Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
  const data = Buffer.from(small.data.map((value) => Math.min(255, Math.max(0, Math.round(value + grain())))));
  return rgbOf(
    sharp(
      await rawPicture({ ...small, data })
        .jpeg({ quality: 60 })
        .toBuffer(),
    ),
  );
}

const work = await mkdtemp(join(tmpdir(), 'darkroom-quality-'));
let jobs = 0;

/** Through a level, from file to file, as a user's photo goes. */
async function answerOf(pool, way, input) {
  jobs += 1;
  const scratchDir = join(work, String(jobs));
  await mkdir(scratchDir);
  const inputPath = join(scratchDir, 'input.png');
  await rawPicture(input).png().toFile(inputPath);
  const fields = { ...way.fields, output_format: 'png', face: 'off' };
  const made = await enhance(pool, { inputPath, scratchDir, model: way.model, fields });
  const picture = await rgbOf(sharp(made.path));
  await rm(scratchDir, { recursive: true });
  return { picture, made };
}

async function readFolder(folder) {
  const files = (await readdir(folder)).filter((name) => ['.jpg', '.jpeg', '.png', '.webp'].includes(extname(name)));
  const photos = [];
  for (const name of files.toSorted()) photos.push({ name, photo: await readPhoto(join(folder, name)) });
  return photos;
}

async function speeds(pool, photo) {
  const input = await rgbOf(rawPicture(photo).resize(TIMED.width, TIMED.height, { fit: 'cover' }));
  const rows = [];
  for (const way of ways) {
    const { made } = await answerOf(pool, way, await resized(input, 0.25, 'cubic')); // loads the network
    const [pid] = pool.status().pids;
    const runs = [];
    // The slow ones are timed once: what a busy moment adds is small beside them.
    do {
      const before = processorSecondsOf(pid);
      const { totalMs } = (await answerOf(pool, way, input)).made.timings;
      runs.push({ processor: processorSecondsOf(pid) - before, seconds: totalMs / 1000 });
    } while (runs.length < 3 && runs[0].seconds < 5);
    const megapixels = (TIMED.width * TIMED.height) / 1e6;
    const least = (what) => Math.min(...runs.map((run) => run[what])) / megapixels;
    const shown = (seconds) => seconds.toFixed(seconds < 10 ? 1 : 0);
    rows.push([way.title, made.model, shown(least('processor')), shown(least('seconds'))]);
    console.log(rows.at(-1).join('  '));
  }
  return rows;
}

async function likeness(pool, photos, damage) {
  const totals = new Map();
  const add = (title, picture, photo) => {
    const row = Object.values(MEASURES).map(([measure]) => measure(picture, photo));
    const sums = totals.get(title) ?? row.map(() => 0);
    totals.set(
      title,
      sums.map((value, at) => value + row[at]),
    );
  };
  for (const { photo } of photos) {
    const input = await damage(photo);
    add('Lanczos', await resized(input, SCALE, 'lanczos3'), photo);
    for (const way of ways) add(way.title, (await answerOf(pool, way, input)).picture, photo);
  }
  const digits = Object.values(MEASURES).map(([, count]) => count);
  return [...totals].map(([title, sums]) => [
    title,
    ...sums.map((value, at) => (value / photos.length).toFixed(digits[at])),
  ]);
}

const table = (head, rows) => [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

const pool = await openPool(installed);
try {
  const sets = [];
  for (const folder of folders) sets.push({ title: basename(folder), photos: await readFolder(folder) });
  const speedRows = await speeds(pool, sets[0].photos[0].photo);
  const parts = [];
  for (const { title, photos } of sets) {
    parts.push(`## Photos in \`${title}\`\n\n${photos.map(({ name }) => name).join(', ')}.`);
    for (const [name, damage] of Object.entries(DAMAGES)) {
      const rows = await likeness(pool, photos, damage);
      parts.push(`${name === 'clean' ? 'Clean' : 'Spoilt'}:`, table(['', ...Object.keys(MEASURES)], rows));
      console.log(`${title}, ${name}\n${rows.map((row) => row.join('  ')).join('\n')}`);
    }
  }
  const argument = positionals.length > 0 ? ` -- ${sets.map(({ title }) => title).join(' ')}` : '';
  const page = `# What a quality level costs and gives

<!-- Written by \`npm run bench:quality\`. -->

\`npm run bench:quality${argument}\`, ${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.versions.node}. Load\nwhile it ran, with this bench's own 2: ${loadavg()[0].toFixed(1)}. Processor seconds are those of all threads, so of a machine that does nothing else with two cores half of them\npass on the clock; others that use it meanwhile lengthen the clock and hardly the processor seconds.

## Seconds a megapixel

Of the photo, four times enlarged, from file to file: one of ${TIMED.width} × ${TIMED.height} pixels, network loaded, tile 400.

${table(['level', 'network that ran', 'processor seconds', 'seconds on the clock'], speedRows)}

## How the figures are made

The middle of each photo (at most ${SIDE} × ${SIDE} pixels) is made four times smaller, enlarged again by the whole engine, and compared with what it was.
*Clean*: made smaller, no more. *Spoilt*: softened (σ 1.6), made smaller, grain (σ 6), JPEG 60. Higher is better in every column; means over the photos.
PSNR and SSIM reward what is soft and true, and so Lanczos; HaarPSI and FSIM are nearer to what people see. None of them is a person: what a network
invents counts against it here, however right it looks. Look at the [gallery](gallery.md).
Faces were left alone (\`face: off\`): no restorer with trained weights was there to measure.

${parts.join('\n\n')}
`;
  await writeFile(here('../docs/quality.md'), await format(page, { parser: 'markdown', printWidth: 160 }));
} finally {
  await pool.close();
  await rm(work, { recursive: true, force: true });
}
