/** How close the house is to what onnxruntime can do at all: the same tiles in a bare loop, with a plain script around, and over HTTP. */
import { availableParallelism } from 'node:os';
import { runBare } from '../bare-loop.mjs';
import { installed } from '../engine-stage.mjs';
import { startHouse, timeBatch } from '../house.mjs';
import { makePhotos, sizeOf, tilesOf } from '../photos.mjs';

const TARGET = 0.98;
const BUSY_TARGET = 0.95;
const AGAINST_BARE = 'Darkroom against the bare loop';
const CORES = availableParallelism();
/** Enough to have every engine open the network; a large network takes a minute a megapixel. */
const WARMING_MEGAPIXELS = 0.1;

export const limit = {
  name: 'limit',
  title: 'How close to the limit',
  settings: { megapixels: '1', quality: 'fast,medium', photos: '30,2', tile: '400', engines: '1,2' },
  about: `The limit is a process that does nothing but run onnxruntime over the tiles, with the engine's own session options. A plain script
also decodes, cuts, pastes and encodes, one after the other and without blending. Darkroom does all of it over HTTP and through Temporal, and stores the result durably.
The three take turns within a round, half the photos at a time where every engine still has one; a batch's first decoding and last encoding, during which no network runs, are part of its time. With two engines each has one thread, and the bare loop is two processes.
With one engine the bare loop gives its session all cores, as a program does that knows nothing of the network; the engine itself runs tiles of a small network side by side, with a core or some each, so loops that have a core each and share the tiles are measured too. A ratio of 1 means that the house costs nothing; the target is ${TARGET}. The device is busy while a tile is in the network; the target is ${BUSY_TARGET * 100} % of the batch.`,

  async run({ megapixels, quality, photos: counts, tile, engines }) {
    const rows = [];
    for (const [at, level] of quality.split(',').entries()) {
      const photos = await makePhotos(Number(counts.split(',')[at]), sizeOf(Number(megapixels)));
      const area = photos.length * Number(megapixels);
      for (const some of engines.split(',').map(Number))
        for (const row of await compare(photos, { quality: level, tileSize: Number(tile), engines: some }))
          rows.push({
            ...row,
            what: `${level}: ${row.what}`,
            at: some,
            value: row.unit === 's/MP' ? row.value / area : row.value,
          });
    }
    return rows;
  },

  reading(lines) {
    const said = lines
      .filter(({ what }) => what.endsWith(AGAINST_BARE))
      .map(({ what, at, median }) => {
        const level = what.slice(0, what.indexOf(':'));
        const place = median >= TARGET ? 'at' : '**below**';
        return `\`${level}\` with ${at === 1 ? 'one engine' : `${at} engines`} ${median.toFixed(3)}, ${place} the target`;
      });
    return `In the middle round: ${said.join('; ')}.`;
  },
};

async function compare(photos, { quality, tileSize, engines }) {
  const house = await startHouse({ engines });
  try {
    const fields = { quality_level: quality, tile_size: tileSize, max_workers: 2 * engines + 2 };
    const warming = await makePhotos(engines, sizeOf(WARMING_MEGAPIXELS));
    const [{ recipe }] = (await timeBatch(house, warming, fields)).photos; // it also says which network serves the level
    const model = installed.find(({ entry }) => entry.name === recipe.model);
    const bare = { graphPath: model.graphPath, threads: threadsOf(engines), tileSize, overlap: model.entry.overlap };
    const tiles = await Promise.all(photos.map((photo) => tilesOf(photo, tileSize, model.entry.overlap)));
    const sums = { loop: zero(), loops: zero(), script: zero(), house: zero() };
    for (const part of partsOf([...photos.keys()], engines)) {
      add(sums.loop, await inEach(engines, part, (mine) => ({ ...bare, tiles: mine.flatMap((at) => tiles[at]) })));
      if (engines < CORES) {
        const dealt = part.flatMap((at) => tiles[at]);
        add(sums.loops, await inEach(CORES, dealt, (mine) => ({ ...bare, threads: 1, tiles: mine })));
      }
      add(sums.script, await inEach(engines, part, (mine) => ({ ...bare, photos: mine.map((at) => photos[at]) })));
      add(
        sums.house,
        await timeBatch(
          house,
          part.map((at) => photos[at]),
          fields,
        ),
      );
    }
    return [
      { what: 'bare loop over the tiles', value: sums.loop.seconds, unit: 's/MP' },
      { what: 'plain script', value: sums.script.seconds, unit: 's/MP' },
      { what: 'Darkroom over HTTP', value: sums.house.seconds, unit: 's/MP' },
      { what: AGAINST_BARE, value: sums.loop.seconds / sums.house.seconds, unit: 'x' },
      ...(engines < CORES
        ? [
            { what: 'bare loops with a core each', value: sums.loops.seconds, unit: 's/MP' },
            {
              what: 'Darkroom against bare loops with a core each',
              value: sums.loops.seconds / sums.house.seconds,
              unit: 'x',
            },
          ]
        : []),
      { what: 'device busy', value: sums.house.network / engines / sums.house.seconds, unit: 'of 1' },
      { what: 'Darkroom against the plain script', value: sums.script.seconds / sums.house.seconds, unit: 'x' },
      {
        what: 'CPU of the bare loop against all of Darkroom’s',
        value: sums.loop.cpuSeconds / sums.house.cpuSeconds,
        unit: 'x',
      },
    ];
  } finally {
    await house.stop();
  }
}

const threadsOf = (engines) => Math.max(1, Math.floor(CORES / engines));
const zero = () => ({ seconds: 0, cpuSeconds: 0, network: 0 });
const partsOf = (all, engines) =>
  all.length < 2 * engines ? [all] : [all.slice(0, all.length >> 1), all.slice(all.length >> 1)];

function add(sum, { seconds, cpuSeconds, photos = [] }) {
  sum.seconds += seconds;
  sum.cpuSeconds += cpuSeconds;
  for (const { timings } of photos) sum.network += timings.network;
}

/** Deals photos, or tiles, out among so many processes; seconds are those of the slowest. */
async function inEach(processes, all, work) {
  const shares = Array.from({ length: processes }, (_, one) => all.filter((_, at) => at % processes === one));
  const done = await Promise.all(shares.map((mine) => runBare(work(mine))));
  return {
    seconds: Math.max(...done.map(({ seconds }) => seconds)),
    cpuSeconds: done.reduce((sum, one) => sum + one.cpuSeconds, 0),
  };
}
