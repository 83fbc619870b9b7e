/**
 * What an engine gains by more photos at a time when the network takes nothing from the cores: a stand-in repeats every pixel, so that
 * what is left is decoding, composing and encoding, as beside a device. Rounds take turns; the processor's own time is told with them.
 *
 *     npm run bench:slots -- [--slots 1,2,4,8] [--photos 16] [--megapixels 1] [--rounds 3] [--memory BYTES]
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { enhance, memoryOf, openPool, processorSecondsOf, standIn } from './engine-stage.mjs';
import { median } from './book.mjs';
import { makePhotos, sizeOf } from './photos.mjs';

const { values: wanted } = parseArgs({
  options: {
    slots: { type: 'string', default: '1,2,4,8' },
    photos: { type: 'string', default: '16' },
    megapixels: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    memory: { type: 'string', default: '0' },
  },
});
const slots = wanted.slots.split(',').map(Number);
const directory = await mkdtemp(join(tmpdir(), 'darkroom-slots-'));
const found = new Map(slots.map((each) => [each, { seconds: [], processor: [], most: [] }]));

try {
  const model = await standIn(directory, 'darkroom-fast-x4');
  const photos = await makePhotos(Number(wanted.photos), sizeOf(Number(wanted.megapixels)));
  const paths = await Promise.all(
    photos.map(async (photo, at) => {
      const path = join(directory, `${at}.jpg`);
      await writeFile(path, photo);
      return path;
    }),
  );
  for (let round = 0; round < Number(wanted.rounds); round += 1) {
    for (const photosAtOnce of slots) {
      const pool = await openPool([model], { photosAtOnce, threads: 1, memoryLimitBytes: Number(wanted.memory) });
      try {
        const one = (inputPath, at) =>
          enhance(pool, { inputPath, scratchDir: join(directory, `${at}.work`), model: 'stand-in' });
        await one(paths[0], 'first');
        const [pid] = pool.status().pids;
        const [startedAt, processorBefore] = [performance.now(), processorSecondsOf(pid)];
        await Promise.all(paths.map(one));
        const row = found.get(photosAtOnce);
        row.seconds.push((performance.now() - startedAt) / 1000);
        row.processor.push(processorSecondsOf(pid) - processorBefore);
        row.most.push(memoryOf(pid).most);
        if (pool.status().restarts > 0) throw new Error('Expected the engine to last');
      } finally {
        await pool.close();
      }
    }
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}

for (const [photosAtOnce, { seconds, processor, most }] of found) {
  const each = median(seconds) / Number(wanted.photos);
  console.log(
    JSON.stringify({
      slots: photosAtOnce,
      photosASecond: Number((1 / each).toFixed(2)),
      processorSecondsAPhoto: Number((median(processor) / Number(wanted.photos)).toFixed(3)),
      megabytesAtMost: Math.max(...most),
    }),
  );
}
