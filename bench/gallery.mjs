/**
 * The same places of real photos by every level, with Lanczos beside: what figures cannot say. Writes docs/gallery.md and its
 * pictures; the photos are those of `samples`, which anyone may pass on.
 *
 *     npm run bench:gallery
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import sharp from 'sharp';
import { enhance, installed, openPool } from './engine-stage.mjs';
import { ways } from './quality/ways.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const SCALE = 4;
/** Side of what is shown, and what the networks see around it, in pixels of the photo. */
const [SHOWN, MARGIN] = [76, 18];
const GAP = 4;
const COLUMNS = 3;

/** Left and top of what is shown. */
const PLACES = [
  { name: 'face', photo: 'astronaut.jpg', left: 76, top: 30, what: 'A face, and JPEG of quality 85' },
  { name: 'badge', photo: 'astronaut.jpg', left: 20, top: 190, what: 'Stitching and lettering' },
  { name: 'eye', photo: 'chelsea.png', left: 70, top: 50, what: 'An eye, and fur' },
  { name: 'nose', photo: 'chelsea.png', left: 110, top: 98, what: 'Short fur, and the edge of a nose' },
  { name: 'rim', photo: 'coffee.jpg', left: 90, top: 60, what: 'A rim: smooth curves and a highlight' },
  { name: 'saucer', photo: 'coffee.jpg', left: 186, top: 90, what: 'The edge of a saucer, and worn wood' },
];
const shownWays = ways.filter(({ fields }) => fields.denoise === undefined || fields.denoise === 0);

const work = await mkdtemp(join(tmpdir(), 'darkroom-gallery-'));

async function panelsOf(pool, { name, photo, left, top }) {
  const side = SHOWN + 2 * MARGIN;
  const inputPath = join(work, `${name}.png`);
  const area = { left: left - MARGIN, top: top - MARGIN, width: side, height: side };
  await sharp(here(`../samples/${photo}`))
    .extract(area)
    .png()
    .toFile(inputPath);
  const middle = { left: MARGIN * SCALE, top: MARGIN * SCALE, width: SHOWN * SCALE, height: SHOWN * SCALE };
  const cut = async (picture) =>
    await sharp(await picture.png().toBuffer())
      .extract(middle)
      .toBuffer();
  const plain = (kernel) => cut(sharp(inputPath).resize(side * SCALE, side * SCALE, { kernel }));
  const panels = [await plain('nearest'), await plain('lanczos3')];
  for (const way of shownWays) {
    const scratchDir = await mkdtemp(join(work, 'job-'));
    const fields = { ...way.fields, output_format: 'png', face: 'off' };
    panels.push(await cut(sharp((await enhance(pool, { inputPath, scratchDir, model: way.model, fields })).path)));
  }
  return panels;
}

async function writeSheet(panels, path) {
  const step = SHOWN * SCALE + GAP;
  const rows = Math.ceil(panels.length / COLUMNS);
  const size = { width: COLUMNS * step - GAP, height: rows * step - GAP };
  const placed = panels.map((input, at) => ({
    input,
    left: (at % COLUMNS) * step,
    top: Math.floor(at / COLUMNS) * step,
  }));
  await sharp({ create: { ...size, channels: 3, background: '#fff' } })
    .composite(placed)
    .webp({ quality: 88, smartSubsample: true })
    .toFile(path);
}

const pool = await openPool(installed);
try {
  await mkdir(here('../docs/gallery'), { recursive: true });
  const parts = [];
  for (const place of PLACES) {
    await writeSheet(await panelsOf(pool, place), here(`../docs/gallery/${place.name}.webp`));
    parts.push(`## ${place.what}\n\n\`${place.photo}\`\n\n![${place.what}](gallery/${place.name}.webp)`);
    console.log(place.name);
  }
  const titles = ['the photo, its pixels repeated', 'Lanczos', ...shownWays.map(({ title }) => title)];
  const lines = Array.from({ length: Math.ceil(titles.length / COLUMNS) }, (_, row) =>
    titles.slice(row * COLUMNS, (row + 1) * COLUMNS),
  );
  const page = `# Gallery

<!-- Written by \`npm run bench:gallery\`. -->

${SHOWN} × ${SHOWN} pixels of the photos in \`samples\`, four times enlarged, at their real size. In every picture, from left to right:

${lines.map((line, row) => `${row + 1}. ${line.join(' · ')}`).join('\n')}

Look at what is invented as well as at what is crisp: \`medium\` and \`high\` draw pupils and teeth that the photo has not got, and the letters of a badge become others;
\`fast\` stays with the photo and is softer. Nothing was touched up. Figures of the same levels are in [quality](quality.md).

${parts.join('\n\n')}
`;
  await writeFile(here('../docs/gallery.md'), await format(page, { parser: 'markdown', printWidth: 160 }));
} finally {
  await pool.close();
  await rm(work, { recursive: true, force: true });
}
