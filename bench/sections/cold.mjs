/** An engine that stays against a process for every photo. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { middleOf } from '../book.mjs';
import { enhance, modelsFor, openPool } from '../engine-stage.mjs';
import { makePhotos } from '../photos.mjs';

export const cold = {
  name: 'cold',
  title: 'An engine that stays, against a process for every photo',
  settings: { photos: '3', width: '640', height: '480', model: 'darkroom-fast-x4' },
  about: `The same photos through the same engine: once in a process that is started for each and ends with it, and once one after the other in a process that stays, ready before the clock starts.
The service that Darkroom replaces needs 12.87 s in a process of its own and 4.93 s resident (2.6 times, on a T4): Python and its libraries start for seconds.`,

  async run({ photos: count, width, height, model: name }) {
    const directory = await mkdtemp(join(tmpdir(), 'darkroom-cold-'));
    try {
      const photos = await makePhotos(Number(count), { width: Number(width), height: Number(height) });
      const paths = photos.map((_, at) => join(directory, `${at}.jpg`));
      await Promise.all(photos.map((photo, at) => writeFile(paths[at], photo)));
      const models = modelsFor(name);
      const one = (pool, path) =>
        enhance(pool, { inputPath: path, scratchDir: join(directory, 'scratch'), model: name }).then(() =>
          rm(join(directory, 'scratch'), { recursive: true }),
        );
      const inProcess = async (path) => {
        const pool = await openPool(models);
        try {
          await one(pool, path);
        } finally {
          await pool.close();
        }
      };
      const resident = await openPool(models);
      try {
        await one(resident, paths[0]);
        const times = { cold: 0, resident: 0 };
        for (const path of paths) {
          times.resident += await timed(() => one(resident, path));
          times.cold += await timed(() => inProcess(path));
        }
        return [
          { what: 'a process for every photo', value: times.cold / photos.length, unit: 's' },
          { what: 'an engine that stays', value: times.resident / photos.length, unit: 's' },
          { what: 'process for every photo against engine that stays', value: times.cold / times.resident, unit: 'x' },
        ];
      } finally {
        await resident.close();
      }
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },

  reading(lines) {
    const [cold, stays] = ['a process for every photo', 'an engine that stays'].map((what) => middleOf(lines, what));
    return `Starting costs ${(cold - stays).toFixed(2)} s a photo, whatever its size.`;
  },
};

async function timed(work) {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}
