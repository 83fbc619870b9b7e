/** On real weights: a photo in tiles is the photo in one piece, and no interruption changes a byte or fails an innocent photo. */
import { copyFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DarkroomError } from '../../src/contracts/errors.ts';
import type { EnginePool } from '../../src/inference/engine.ts';
import type { EnginePoolOptions } from '../../src/inference/engine-pool.ts';
import { readyPool } from './ready-pool.ts';
import {
  enhance,
  installedModel,
  largestDifference,
  makeScratch,
  paintPhoto,
  pixelsOf,
  removeScratch,
  startPool,
} from './support.ts';

const small = installedModel('realesr-animevideov3');
const photoNetwork = installedModel('realesr-general-x4v3');

let root = '';
let photo = '';

beforeAll(async () => {
  root = await makeScratch();
  photo = await paintPhoto(join(root, 'photo.png'), 250, 190);
});
afterAll(() => removeScratch(root));

const poolFor = (model: NonNullable<typeof small>, changes: Partial<EnginePoolOptions> = {}): Promise<EnginePool> =>
  readyPool([model], changes);

const pidOf = (pool: EnginePool): number => {
  const [pid] = pool.status().pids;
  if (pid === undefined) throw new Error('Expected an engine to run');
  return pid;
};

const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe.skipIf(photoNetwork === undefined)('realesr-general-x4v3', () => {
  it('tiled (256) is untiled to one level', async () => {
    if (photoNetwork === undefined) return;
    const pool = await poolFor(photoNetwork);
    const inputPath = await paintPhoto(join(root, 'larger.png'), 360, 340);
    const tiled = await (
      await enhance(pool, root, { inputPath, model: photoNetwork.entry.name, tileSize: 256 })
    ).result;
    const whole = await (
      await enhance(pool, root, { inputPath, model: photoNetwork.entry.name, tileSize: 512 })
    ).result;
    expect([tiled.tiles, whole.tiles]).toEqual([4, 1]);
    expect(largestDifference(await pixelsOf(tiled.path), await pixelsOf(whole.path))).toBeLessThanOrEqual(1);
  });
});

describe.skipIf(small === undefined)('realesr-animevideov3', () => {
  if (small === undefined) return;
  const model = small.entry.name;
  let undisturbed: Buffer;

  beforeAll(async () => {
    const pool = startPool([small]);
    await pool.ready();
    undisturbed = await readFile(
      (await (await enhance(pool, root, { inputPath: photo, model, tileSize: 96 })).result).path,
    );
    await pool.close();
  });

  it('grows its progress tile by tile', async () => {
    const pool = await poolFor(small);
    const attempt = await enhance(pool, root, { inputPath: photo, model, tileSize: 96 });
    const result = await attempt.result;
    expect(result.tiles).toBe(6);
    const done = attempt.progress.filter(({ stage }) => stage === 'enhancing').map(({ tilesDone }) => tilesDone);
    expect([...new Set(done)]).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    expect(attempt.progress.at(-1)?.stage).toBe('encoding');
    expect(pool.status()).toMatchObject({ state: 'ready', device: 'cpu', lanes: 1, resident: [model], restarts: 0 });
    expect(pool.status().networkMsTotal).toBeGreaterThanOrEqual(Math.floor(result.timings.networkMs));
  });

  it('[53] an engine killed in the middle is replaced, finished tiles are kept, the bytes are the same', async () => {
    const pool = await poolFor(small);
    let killed = false;
    const attempt = await enhance(pool, root, { inputPath: photo, model, tileSize: 96 }, ({ tilesDone }) => {
      if (tilesDone < 3 || killed) return;
      killed = true;
      process.kill(pidOf(pool), 'SIGKILL');
    });
    const result = await attempt.result;
    expect(result.tilesReused).toBeGreaterThanOrEqual(3);
    expect(pool.status().restarts).toBe(1);
    expect(Buffer.compare(await readFile(result.path), undisturbed)).toBe(0);
  });

  it('a cancelled photo has stopped within a second, its next attempt goes on where it was', async () => {
    const pool = await poolFor(small);
    const attempt = await enhance(pool, root, { inputPath: photo, model, tileSize: 96 }, ({ tilesDone }) => {
      if (tilesDone === 2) attempt.abort();
    });
    expect(await errorOf(attempt.result)).toMatchObject({ message: 'cancelled by the test' });
    const left = await readdir(attempt.scratchDir);
    expect(left.filter((name) => !name.startsWith('tiles-'))).toEqual([]);
    const again = await (
      await enhance(pool, root, { inputPath: photo, model, tileSize: 96, scratchDir: attempt.scratchDir })
    ).result;
    expect(again.tilesReused).toBeGreaterThanOrEqual(2);
    expect(Buffer.compare(await readFile(again.path), undisturbed)).toBe(0);
    expect((await readdir(attempt.scratchDir)).filter((name) => !name.startsWith('tiles-'))).toEqual(['result.png']);
  });

  it('a photo that cannot stop by itself is stopped with its engine, and its neighbour finishes', async () => {
    const pool = await poolFor(small);
    const large = await paintPhoto(join(root, 'long.png'), 900, 500);
    let startedAt = 0;
    const attempt = await enhance(pool, root, { inputPath: large, model, tileSize: 512 }, ({ stage }) => {
      if (stage === 'enhancing' && startedAt === 0) {
        startedAt = performance.now();
        attempt.abort();
      }
    });
    const neighbour = await enhance(pool, root, { inputPath: photo, model, tileSize: 96 });
    await errorOf(attempt.result);
    expect(performance.now() - startedAt).toBeLessThan(1500); // a second, and this machine is shared
    expect(Buffer.compare(await readFile((await neighbour.result).path), undisturbed)).toBe(0);
  });

  it('tiles of another photo in the same directory are never used', async () => {
    const pool = await poolFor(small);
    const inputPath = join(root, 'replaced.png');
    await copyFile(await paintPhoto(join(root, 'other.png'), 250, 191), inputPath);
    const first = await enhance(pool, root, { inputPath, model, tileSize: 96 }, ({ tilesDone }) => {
      if (tilesDone === 2) first.abort();
    });
    await errorOf(first.result);
    await copyFile(photo, inputPath);
    const second = await (
      await enhance(pool, root, { inputPath, model, tileSize: 96, scratchDir: first.scratchDir })
    ).result;
    expect(second.tilesReused).toBe(0);
    expect(Buffer.compare(await readFile(second.path), undisturbed)).toBe(0);
  });

  it('[61] over the memory limit the photo is tried with half the tile, and told so', async () => {
    const inputPath = await paintPhoto(join(root, 'wide.png'), 500, 480);
    const limits = { memoryLimitBytes: 250_000_000, tileBudgetBytes: 4e9 };
    const pool = await poolFor(small, limits);
    const result = await (await enhance(pool, root, { inputPath, model, tileSize: 512 })).result;
    expect(result.tileSize).toBe(256);
    expect(result.warnings.join()).toContain('Memory ran short');
    expect(pool.status().restarts).toBeGreaterThanOrEqual(1);
  });

  it('[61] when that does not help either, it is out of memory for that photo only', async () => {
    const pool = await poolFor(small, { memoryLimitBytes: 125_000_000, tileBudgetBytes: 4e9 });
    const inputPath = await paintPhoto(join(root, 'wide.png'), 500, 480);
    const failed = await errorOf((await enhance(pool, root, { inputPath, model, tileSize: 480 })).result);
    expect(failed).toBeInstanceOf(DarkroomError);
    expect(failed).toMatchObject({ code: 'out_of_memory' });
    const tiny = await paintPhoto(join(root, 'tiny.png'), 20, 20);
    expect((await (await enhance(pool, root, { inputPath: tiny, model })).result).width).toBe(80);
  });

  it('a small budget chooses smaller tiles before anything fails', async () => {
    const pool = await poolFor(small, { tileBudgetBytes: 130_000_000 });
    const result = await (await enhance(pool, root, { inputPath: photo, model, tileSize: 512 })).result;
    expect(result.tileSize).toBe(128);
    expect(pool.status().restarts).toBe(0);
  });
});
