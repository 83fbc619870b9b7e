/** How throughput, memory and latency change with the size of what is asked for, and where each curve bends. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { curve } from '../book.mjs';
import { enhance, memoryOf, modelsFor, openPool } from '../engine-stage.mjs';
import { makePhotos, sizeOf } from '../photos.mjs';
import { plot } from '../plot.mjs';
import { openStage } from '../stage.mjs';

/** Photos of each batch where many run at once, and how many batches are sent at the same moment. */
const PHOTOS_OF_MANY = 3;
const SUBMITTED_AT_ONCE = 20;
/** Photos for each device: enough for a second or two at any number of them. */
const PHOTOS_A_DEVICE = 15;
/** Where a curve that falls behind what is expected of it is said to bend. */
const BENT = 0.9;

const BATCH = 'photos a second, by photos in a batch';
const BATCHES = 'photos a second, by batches of 3 at once';
const DEVICES = 'photos a second, by devices';
const ENGINE = 'engine, seconds a megapixel, by megapixels';
const MEMORY = 'engine, most memory, by megapixels';

export const curves = {
  name: 'curves',
  title: 'How it grows',
  settings: {
    photos: '10,100,1000,10000',
    batches: '1,10,100',
    devices: '1,2,4,8,16,32,64',
    'service-ms': '200',
    megapixels: '0.1,0.3,1,3',
    model: 'darkroom-fast-x4-int8',
  },
  about: `Photos in a batch and batches at once: everything real but the engine, which returns at once. Devices: each takes a fixed 200 ms a photo, one photo at a time, as a fast GPU would; expected is five photos a second from each.
Megapixels: one photo through a fresh engine process. Larger sizes are options: \`--curves-photos 100000\`, \`--curves-batches 1000\`, \`--curves-megapixels 10,100\`.`,

  async run({ photos, batches, devices, megapixels, model, 'service-ms': service }) {
    const numbers = (list) => list.split(',').filter(Boolean).map(Number);
    const rows = await onStage({ lanes: 32, serviceMs: 0 }, async (stage) => {
      await rate(stage, [50]); // warm
      const some = [];
      for (const total of numbers(photos))
        some.push({ what: BATCH, at: total, value: await rate(stage, [total]), unit: '/s' });
      for (const count of numbers(batches))
        some.push({
          what: BATCHES,
          at: count,
          value: await rate(stage, Array(count).fill(PHOTOS_OF_MANY)),
          unit: '/s',
        });
      return some;
    });
    for (const count of numbers(devices)) {
      const value = await onStage({ lanes: count, serviceMs: Number(service), oneAtATime: true }, async (stage) => {
        await rate(stage, [2 * count]); // warm
        return await rate(stage, [PHOTOS_A_DEVICE * count]);
      });
      rows.push({ what: DEVICES, at: count, value, unit: '/s' });
    }
    for (const size of numbers(megapixels)) rows.push(...(await enhanceOne(size, model)));
    return rows;
  },

  plots(lines) {
    const [batch, batches, devices, engine, memory] = [BATCH, BATCHES, DEVICES, ENGINE, MEMORY].map((what) =>
      curve(lines, what),
    );
    const fit = fitBatch(batch);
    const photosASecond = { label: 'photos a second' };
    return {
      'batch.svg': plot({
        title: 'An engine that returns at once',
        x: { label: 'photos in the batch, or batches at once', log: true },
        y: photosASecond,
        curves: [
          { name: 'one batch, by photos', points: batch },
          { name: 'batches of three photos, by batches', points: batches },
          {
            name: `${fit.rate.toFixed(0)} a second after ${(fit.start * 1000).toFixed(0)} ms`,
            dashed: true,
            points: batch.map(({ at }) => ({ at, median: at / (fit.start + at / fit.rate) })),
          },
        ],
      }),
      'devices.svg': plot({
        title: 'Simulated devices, 200 ms a photo',
        x: { label: 'devices', log: true },
        y: { ...photosASecond, log: true },
        curves: [
          { name: 'measured', points: devices },
          { name: 'five a second from each', dashed: true, points: devices.map(({ at }) => ({ at, median: at * 5 })) },
        ],
      }),
      'megapixels.svg': plot({
        title: 'One photo through a fresh engine, level fast',
        x: { label: 'megapixels', log: true },
        y: { label: 'seconds a megapixel' },
        curves: [{ name: 'seconds a megapixel', points: engine }],
      }),
      'memory.svg': plot({
        title: 'Most memory of the engine, level fast',
        x: { label: 'megapixels', log: true },
        y: { label: 'MB' },
        curves: [{ name: 'resident', points: memory }],
      }),
    };
  },

  reading(lines) {
    const fit = fitBatch(curve(lines, BATCH));
    const devices = curve(lines, DEVICES);
    const bend = devices.find(({ at, median }) => median < BENT * 5 * at);
    return `- **Photos in a batch.** The rates fit ${(fit.start * 1000).toFixed(0)} ms to start and end a batch and ${fit.rate.toFixed(0)} photos a second between: a batch is at nine tenths of its full rate from
  ${Math.round(9 * fit.start * fit.rate)} photos on. Below, starting the workflow and writing its end weigh; above, the processor of this machine does, which server, worker and API share. The rate does not fall with length, because a workflow goes on as a new one before its history is long.
- **Batches at once.** Three photos a batch pay for a workflow each; many at once hide each other's waits and stop where the processor is full.
- **Devices.** ${bend ? `Five photos a second from each, until the curve bends at ${bend.at} devices (${bend.median.toFixed(0)} of ${bend.at * 5} a second)` : 'Five photos a second from each, without a bend up to the most that were tried'}: that is where the overhead above, not the devices, is the limit of this machine.
- **Megapixels.** A small photo pays for decoding, encoding and one tile that is not full; a larger one costs the same for each megapixel. Memory follows the tile, not the photo, once the photo is larger than one.`;
  },
};

async function onStage(options, work) {
  const stage = await openStage(options);
  try {
    return await work(stage);
  } finally {
    await stage.close();
  }
}

/** Photos a second of batches of these sizes, submitted together. */
async function rate(stage, sizes) {
  const startedAt = performance.now();
  const ids = [];
  for (let at = 0; at < sizes.length; at += SUBMITTED_AT_ONCE)
    ids.push(
      ...(await Promise.all(
        sizes.slice(at, at + SUBMITTED_AT_ONCE).map((total) => stage.submit(total, { maxWorkers: 200 })),
      )),
    );
  await Promise.all(ids.map((id) => stage.client.workflow.getHandle(id).result()));
  return sizes.reduce((sum, size) => sum + size, 0) / ((performance.now() - startedAt) / 1000);
}

async function enhanceOne(megapixels, model) {
  const directory = await mkdtemp(join(tmpdir(), 'darkroom-curves-'));
  const pool = await openPool(modelsFor(model));
  try {
    const [small, photo] = await Promise.all([
      makePhotos(1, { width: 64, height: 64 }),
      makePhotos(1, sizeOf(megapixels)),
    ]);
    const paths = ['small.jpg', 'photo.jpg'].map((name) => join(directory, name));
    await Promise.all([writeFile(paths[0], small[0]), writeFile(paths[1], photo[0])]);
    await enhance(pool, { inputPath: paths[0], scratchDir: join(directory, 'warm'), model });
    const startedAt = performance.now();
    await enhance(pool, { inputPath: paths[1], scratchDir: join(directory, 'job'), model });
    const seconds = (performance.now() - startedAt) / 1000;
    return [
      { what: ENGINE, at: megapixels, value: seconds / megapixels, unit: 's/MP' },
      { what: MEMORY, at: megapixels, value: memoryOf(pool.status().pids[0]).most, unit: 'MB' },
    ];
  } finally {
    await pool.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Least squares of `seconds = start + photos / rate`, each point weighted by its own time: a rate counts for what it is, not for how long it was measured. */
function fitBatch(points) {
  const sums = { w: 0, x: 0, y: 0, xx: 0, xy: 0 };
  for (const { at: x, median } of points) {
    const y = x / median;
    const w = 1 / (y * y);
    for (const [key, value] of Object.entries({ w: 1, x, y, xx: x * x, xy: x * y })) sums[key] += w * value;
  }
  const slope = (sums.w * sums.xy - sums.x * sums.y) / (sums.w * sums.xx - sums.x * sums.x);
  return { rate: 1 / slope, start: Math.max(0, (sums.y - slope * sums.x) / sums.w) };
}
