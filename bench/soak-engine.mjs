/**
 * Whether an engine process leaks: photos of mixed sizes, depths and options, one after the other and two at a time, in one
 * process that is never replaced. Its memory during the last ten is compared with that during the ten after the first tenth; the aim is 5 % at most.
 *
 *     npm run bench:soak -- [--photos 500] [--largest 220]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { enhance, installed, memoryOf, openPool } from './engine-stage.mjs';

const { values: wanted } = parseArgs({
  options: {
    photos: { type: 'string', default: '500' },
    largest: { type: 'string', default: '220' },
    model: { type: 'string', default: 'realesr-general-x4v3' },
  },
});
const count = Number(wanted.photos);
const network = installed.find(({ entry }) => entry.name === wanted.model);
if (network === undefined) throw new Error(`${wanted.model} is not installed: darkroom models pull ${wanted.model}`);

// A fixed sequence, so that two runs can be compared.
let state = 1;
const random = (from, to) => {
  state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
  return from + (state % (to - from + 1));
};

const sample = fileURLToPath(new URL('../samples/astronaut.jpg', import.meta.url));
const makePhoto = (index, directory) => {
  const [width, height] = [random(24, Number(wanted.largest)), random(24, Number(wanted.largest))];
  const format = ['jpeg', 'png', 'webp'][index % 3];
  const picture = sharp(sample).resize(width, height, { fit: 'cover' });
  const path = join(directory, `${index}.${format}`);
  return picture
    .toFormat(format)
    .toFile(path)
    .then(() => path);
};
const scales = [4, 2, 4, 1, 4, 3];

const directory = await mkdtemp(join(tmpdir(), 'darkroom-soak-'));
const pool = await openPool([network]);
try {
  const [pid] = pool.status().pids;
  const seen = [];
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < count; index = next++) {
      const inputPath = await makePhoto(index, directory);
      const scratchDir = join(directory, `job-${index}`);
      const fields = { scale: scales[index % scales.length] };
      await enhance(pool, { inputPath, scratchDir, model: network.entry.name, fields, tileSize: 256 });
      await Promise.all([rm(scratchDir, { recursive: true }), rm(inputPath)]);
      seen.push(memoryOf(pid));
      if (seen.length % Math.ceil(count / 20) === 0) {
        const { resident, anonymous, most } = seen.at(-1);
        console.log(
          `${seen.length} photos: ${resident} MB resident, ${anonymous} MB without files, ${most} MB at most`,
        );
      }
    }
  };
  await Promise.all([lane(), lane()]);
  if (pool.status().restarts > 0)
    throw new Error('The engine was replaced on the way; the figures are not of one process.');
  // Between two photos memory goes up and down by a photo: the middle of ten is what it has.
  const middleOfTen = (from) =>
    seen
      .slice(from, from + 10)
      .map(({ resident }) => resident)
      .toSorted((a, b) => a - b)[5];
  const [early, late] = [middleOfTen(Math.round(count / 10)), middleOfTen(count - 10)];
  const change = ((late / early - 1) * 100).toFixed(1);
  console.log(`after ${Math.round(count / 10)} photos ${early} MB, after ${count} photos ${late} MB: ${change} %`);
} finally {
  await pool.close();
  await rm(directory, { recursive: true, force: true });
}
