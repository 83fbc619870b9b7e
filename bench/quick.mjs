/**
 * `npm run bench:quick`: a few ratios in a few minutes; fails when one is more than a tenth below what recorded.json has for this
 * kind of processor (what 8 bits gain depends on it). `-- --record` writes it there.
 *
 * Only processor time is compared, of things that take turns in one run, and with one thread for each network: seconds, and
 * threads that spin while they wait, say more of what else a machine does than of Darkroom.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { runBare } from './bare-loop.mjs';
import { median } from './book.mjs';
import { modelsFor } from './engine-stage.mjs';
import { startHouse, timeBatch } from './house.mjs';
import { makePhotos, tilesOf } from './photos.mjs';

const RECORDED = new URL('recorded.json', import.meta.url);
const TOLERANCE = 0.1;
const ROUNDS = 3;
const PHOTOS = 4;
const SIZE = { width: 400, height: 300 };
const TILE = 400;

const { values: wanted } = parseArgs({ options: { record: { type: 'boolean', default: false } } });

const bareCpu = async (photos, [model]) => {
  const { graphPath, entry } = model;
  const tiles = (await Promise.all(photos.map((photo) => tilesOf(photo, TILE, entry.overlap)))).flat();
  return (await runBare({ graphPath, threads: 1, tiles })).cpuSeconds;
};

async function measure() {
  const photos = await makePhotos(PHOTOS, SIZE);
  const house = await startHouse({ env: { ENGINE_THREADS: '1' } });
  try {
    const fields = { quality_level: 'fast', tile_size: TILE };
    const [{ recipe }] = (await timeBatch(house, photos.slice(0, 1), fields)).photos; // warms it, and says which network serves the level
    const rounds = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const network = await bareCpu(photos, modelsFor(recipe.model));
      const whole = (await timeBatch(house, photos, fields)).cpuSeconds;
      const full = await bareCpu(photos, modelsFor('darkroom-fast-x4'));
      const eight = await bareCpu(photos, modelsFor('darkroom-fast-x4-int8'));
      rounds.push({
        'network against the whole house': network / whole,
        '8 bits against full precision': full / eight,
      });
    }
    return Object.fromEntries(Object.keys(rounds[0]).map((name) => [name, median(rounds.map((round) => round[name]))]));
  } finally {
    await house.stop();
  }
}

const tooLow = (ratios, recorded) =>
  Object.keys(recorded).filter((name) => !(ratios[name] >= recorded[name] * (1 - TOLERANCE)));

const processor = cpus()[0]?.model.trim() ?? process.arch;
const all = JSON.parse(await readFile(RECORDED, 'utf8'));
const recorded = all[processor];

if (wanted.record) {
  const ratios = await measure();
  const rounded = Object.fromEntries(Object.entries(ratios).map(([name, ratio]) => [name, Number(ratio.toFixed(3))]));
  await writeFile(RECORDED, `${JSON.stringify({ ...all, [processor]: rounded }, null, 2)}\n`);
  console.log(processor, rounded);
} else if (recorded === undefined) {
  console.log(processor, await measure());
  console.log('Nothing is recorded for this kind of processor: nothing is compared (`-- --record`).');
  console.log('0 passed, 0 failed');
} else {
  let ratios = await measure();
  // Once more before it counts: a machine has moments.
  if (tooLow(ratios, recorded).length > 0) ratios = await measure();
  const failed = tooLow(ratios, recorded);
  for (const [name, ratio] of Object.entries(ratios))
    console.log(
      `${failed.includes(name) ? 'FAILED' : 'ok    '} ${name}: ${ratio.toFixed(3)}, recorded ${recorded[name]}`,
    );
  console.log(`${Object.keys(recorded).length - failed.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}
