/**
 * Property: tiles run side by side on parts of the cores, and nothing but the time tells: the same bytes however many there are, the device's
 * time in the books, no more sessions than memory allows. Nothing else in the engine has the network's low priority, so its threads are counted by that.
 */
import { readdir, readFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EnginePool } from '../../src/inference/engine.ts';
import { readyPool } from './ready-pool.ts';
import { enhance, installedModel, makeScratch, paintPhoto, removeScratch, standInModel } from './support.ts';

const fast = installedModel('darkroom-fast-x4-int8') ?? installedModel('realesr-animevideov3');
/** Of 12 tiles. */
const JOB = { tileSize: 64, checkpoint: false } as const;

let root = '';
let photo = '';

beforeAll(async () => {
  root = await makeScratch();
  photo = await paintPhoto(join(root, 'photo.png'), 250, 190);
});
afterAll(() => removeScratch(root));

async function networkThreads(pool: EnginePool): Promise<number> {
  const threads = await readdir(`/proc/${pool.status().pids[0]}/task`);
  return threads.filter((thread) => getPriority(Number(thread)) > getPriority()).length;
}

describe.skipIf(fast === undefined)('several cores', () => {
  it('make the same bytes as one, in the time of the device', async () => {
    const made = async (threads: number): Promise<string> => {
      const pool = await readyPool(fast ? [fast] : [], { threads });
      const attempt = await enhance(pool, root, { inputPath: photo, model: fast?.entry.name ?? '', ...JOB });
      const { path, tiles, timings } = await attempt.result;
      expect(tiles).toBe(12);
      expect(timings.networkMs).toBeGreaterThan(0);
      expect(timings.networkMs).toBeLessThan(timings.totalMs);
      expect(pool.status()).toMatchObject({ lanes: 1, restarts: 0 });
      return (await readFile(path)).toString('base64');
    };
    const one = await made(1);
    for (const threads of [2, 3, 5]) expect(await made(threads), `${threads} cores`).toBe(one);
  });
});

describe.runIf(process.platform === 'linux')('lines of the network', () => {
  /** Each has a thread of its own but the first, which is there from the start; and the runtime one less than the line's cores. */
  it.each([
    { cores: 1, more: 0 },
    { cores: 2, more: 1 },
    { cores: 4, more: 3 },
    { cores: 6, more: 3 + 2 },
  ])('begin with a photo of many tiles: $cores cores', async ({ cores, more }) => {
    const nearest = await standInModel(root, 'nearest');
    const pool = await readyPool([nearest], { threads: cores });
    const run = async (tileSize: number) =>
      (await enhance(pool, root, { inputPath: photo, model: 'nearest', tileSize })).result;
    expect((await run(256)).tiles).toBe(1);
    const before = await networkThreads(pool);
    expect((await run(64)).tiles).toBe(12);
    expect((await networkThreads(pool)) - before).toBe(more);
  });

  it('are one where a session for each would take too much', async () => {
    const nearest = await standInModel(root, 'nearest');
    const pool = await readyPool([nearest], { threads: 4, memoryLimitBytes: 640e6 });
    const before = await networkThreads(pool);
    await (
      await enhance(pool, root, { inputPath: photo, model: 'nearest', ...JOB })
    ).result;
    expect(await networkThreads(pool)).toBe(before);
  });

  it('make room for other networks', async () => {
    const models = [await standInModel(root, 'nearest'), await standInModel(root, 'overflow')];
    models.push(await standInModel(root, 'refusing'));
    const dark = join(root, 'dark.png'); // what `refusing` takes
    await sharp(photo).linear(0.5).toFile(dark);
    // A session takes 52 MB with its tile, and there are three of each network: in 432 MB two have room.
    const pool = await readyPool(models, { threads: 2, tileSize: 64, memoryLimitBytes: 720e6 });
    const before = await networkThreads(pool);
    const bytes = new Map<string, string>();
    for (const name of ['nearest', 'overflow', 'refusing', 'nearest', 'refusing', 'overflow']) {
      const attempt = await enhance(pool, root, { inputPath: dark, model: name, ...JOB });
      const result = (await readFile((await attempt.result).path)).toString('base64');
      expect(bytes.get(name) ?? result).toBe(result);
      bytes.set(name, result);
      expect(pool.status().resident.length).toBeLessThanOrEqual(2);
    }
    expect(pool.status().restarts).toBe(0);
    expect(await networkThreads(pool)).toBeGreaterThan(before);
  });
});
