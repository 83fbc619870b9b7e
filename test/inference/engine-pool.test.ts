/** However an engine fails, the pool says which way it was, starts another, and no photo pays for its neighbour. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { isEngineFault } from '../../src/activities/failures.ts';
import { judge, withSmallerTiles, type Suspect } from '../../src/inference/engine-exit.ts';
import type { EnginePool, InstalledModel } from '../../src/inference/engine.ts';
import type { EnginePoolOptions } from '../../src/inference/engine-pool.ts';
import { loadConfig } from '../../src/load-config.ts';
import { enhance, type Attempt, makeScratch, paintPhoto, removeScratch, standInModel, startPool } from './support.ts';

let root = '';
let nearest: InstalledModel;
let photo = '';

beforeAll(async () => {
  root = await makeScratch();
  nearest = await standInModel(root, 'nearest');
  photo = await paintPhoto(join(root, 'photo.png'), 200, 150);
});
afterAll(() => removeScratch(root));

function poolOf(models: InstalledModel[], changes: Partial<EnginePoolOptions> = {}): EnginePool {
  const pool = startPool(models, changes);
  onTestFinished(() => pool.close());
  return pool;
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const pidOf = (pool: EnginePool): number => pool.status().pids[0] ?? -1;

/** Waits for what other processes must bring about. */
async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (condition()) return;
    await sleep(25);
  }
  throw new Error('Expected the condition to come true within ten seconds');
}

describe('engine ends', () => {
  const photoInEngine: Suspect = { inNetwork: false, overdue: false, timesKilled: 0, halvings: 0, tileSize: 400 };
  const inNetwork = { ...photoInEngine, inNetwork: true };

  it('a crash fails the photo that was alone, and runs two again one by one', () => {
    expect(judge('crashed', photoInEngine, [])).toEqual({ action: 'fail', code: 'engine_crashed' });
    expect(judge('crashed', photoInEngine, [inNetwork])).toEqual({ action: 'again-alone' });
  });

  it('a hang fails the photo whose step never ended', () => {
    expect(judge('hung', { ...inNetwork, overdue: true }, [photoInEngine])).toEqual({
      action: 'fail',
      code: 'engine_hung',
    });
    expect(judge('hung', photoInEngine, [{ ...inNetwork, overdue: true }])).toEqual({ action: 'again' });
  });

  it('memory halves the tiles of the photo in the network, twice at most, and never below 64', () => {
    expect(judge('out-of-memory', inNetwork, [photoInEngine])).toEqual({ action: 'smaller-tiles', tileSize: 200 });
    expect(judge('out-of-memory', photoInEngine, [inNetwork])).toEqual({ action: 'again' });
    expect(withSmallerTiles({ halvings: 2, tileSize: 400 })).toEqual({ action: 'fail', code: 'out_of_memory' });
    expect(withSmallerTiles({ halvings: 0, tileSize: 127 })).toEqual({ action: 'fail', code: 'out_of_memory' });
  });

  it('a first kill from outside changes nothing, a second is taken for the kernel’s', () => {
    expect(judge('killed', inNetwork, [])).toEqual({ action: 'again' });
    expect(judge('killed', { ...inNetwork, timesKilled: 1 }, [])).toEqual({ action: 'smaller-tiles', tileSize: 200 });
  });
});

describe('the pool', () => {
  it('tells a hanging engine from a busy one', async () => {
    const pool = poolOf([nearest], { stallTimeoutMs: 1000 });
    await pool.ready();
    const frozen = pidOf(pool);
    process.kill(frozen, 'SIGSTOP');
    const attempt = await enhance(pool, root, { inputPath: photo, model: 'nearest' });
    await expect(attempt.result).rejects.toMatchObject({ code: 'engine_hung' });
    expect(isAlive(frozen)).toBe(false);
    const next = await enhance(pool, root, { inputPath: photo, model: 'nearest' });
    expect((await next.result).width).toBe(800);
    expect(pool.status()).toMatchObject({ state: 'ready', restarts: 1 });
  });

  it('a crash with two photos inside fails neither', async () => {
    const pool = poolOf([nearest]);
    await pool.ready();
    process.kill(pidOf(pool), 'SIGSTOP');
    const two = await Promise.all([1, 2].map(() => enhance(pool, root, { inputPath: photo, model: 'nearest' })));
    process.kill(pidOf(pool), 'SIGABRT');
    process.kill(pidOf(pool), 'SIGCONT');
    const results = await Promise.all(two.map(({ result }) => result));
    expect(results.map(({ width }) => width)).toEqual([800, 800]);
    expect(pool.status().restarts).toBe(1);
  });

  it('a crash under one photo is that photo’s, and can be tried again', async () => {
    const pool = poolOf([nearest]);
    await pool.ready();
    process.kill(pidOf(pool), 'SIGSTOP');
    const attempt = await enhance(pool, root, { inputPath: photo, model: 'nearest' });
    process.kill(pidOf(pool), 'SIGABRT');
    process.kill(pidOf(pool), 'SIGCONT');
    await expect(attempt.result).rejects.toMatchObject({ code: 'engine_crashed', definition: { retryable: true } });
  });

  it('photos beyond the engine’s two wait, say so, and can be cancelled while they wait', async () => {
    const pool = poolOf([nearest]);
    await pool.ready();
    process.kill(pidOf(pool), 'SIGSTOP');
    const attempts: Attempt[] = [];
    for (let i = 0; i < 4; i += 1) attempts.push(await enhance(pool, root, { inputPath: photo, model: 'nearest' }));
    expect(attempts.map(({ progress }) => progress[0]?.stage)).toEqual([undefined, undefined, 'waiting', 'waiting']);
    attempts[2]?.abort();
    await expect(attempts[2]?.result).rejects.toThrow('cancelled by the test');
    process.kill(pidOf(pool), 'SIGCONT');
    for (const index of [0, 1, 3]) expect((await attempts[index]?.result)?.width).toBe(800);
  });

  it('takes as many photos at a time as it is told, and says so', async () => {
    const pool = poolOf([nearest], { photosAtOnce: 4 });
    await pool.ready();
    expect(pool.status()).toMatchObject({ lanes: 1, slots: 4 });
    process.kill(pidOf(pool), 'SIGSTOP');
    const attempts: Attempt[] = [];
    for (let i = 0; i < 5; i += 1) attempts.push(await enhance(pool, root, { inputPath: photo, model: 'nearest' }));
    expect(attempts.map(({ progress }) => progress[0]?.stage)).toEqual([...Array(4).fill(undefined), 'waiting']);
    process.kill(pidOf(pool), 'SIGCONT');
    const results = await Promise.all(attempts.map(({ result }) => result));
    expect(results.map(({ width }) => width)).toEqual(Array(5).fill(800));
  });

  it.runIf(process.platform === 'linux')(
    'the network gives way to whatever else runs, and nothing else does',
    async () => {
      const providers = loadConfig({}).config.EXECUTION_PROVIDERS; // a house's own: others are tried before the processor
      const pool = poolOf([nearest], { threads: 2, providers });
      await pool.ready();
      const pid = pidOf(pool);
      const threads = await readdir(`/proc/${pid}/task`);
      const nicer = threads.filter((thread) => getPriority(Number(thread)) === getPriority() + 5);
      expect(nicer).not.toContain(String(pid));
      expect(nicer.length).toBeGreaterThanOrEqual(2);
      expect(nicer.length).toBeLessThan(threads.length / 2);
    },
  );

  it('lets a crowd of photos into memory one by one where two have no room, and two as ever', async () => {
    const large = await paintPhoto(join(root, 'large.png'), 1200, 1000);
    const waits = async (photosAtOnce: number): Promise<number> => {
      // A WebP of 19 megapixels is reckoned with 173 MB; all photos have half the limit.
      const pool = poolOf([nearest], { photosAtOnce, memoryLimitBytes: 640e6 });
      await pool.ready();
      const attempts: Attempt[] = [];
      const job = { inputPath: large, model: 'nearest', options: { format: 'webp' } } as const;
      for (let i = 0; i < 3; i += 1) attempts.push(await enhance(pool, root, job));
      await Promise.all(attempts.map(({ result }) => result));
      expect(pool.status().restarts).toBe(0);
      await pool.close();
      const waited = ({ progress }: Attempt): boolean => {
        const at = progress.findIndex(({ stage, tilesTotal }) => stage === 'waiting' && tilesTotal > 0);
        return progress[at + 1]?.stage === 'decoding';
      };
      return attempts.filter(waited).length;
    };
    expect(await waits(3)).toBe(2);
    expect(await waits(2)).toBe(0);
  });

  it('replaces an engine after so many photos, between two of them', async () => {
    const pool = poolOf([nearest], { recycleAfterPhotos: 2 });
    await pool.ready();
    const first = pidOf(pool);
    const attempts = await Promise.all(
      [1, 2, 3, 4, 5].map(() => enhance(pool, root, { inputPath: photo, model: 'nearest' })),
    );
    const results = await Promise.all(attempts.map(({ result }) => result));
    expect(results.every(({ tiles }) => tiles === 1)).toBe(true);
    expect(pool.status().restarts).toBeGreaterThanOrEqual(1);
    expect(isAlive(first)).toBe(false);
  });

  it('takes the first provider that works, and says which', async () => {
    const pool = poolOf([nearest], { providers: ['cuda', 'coreml', 'cpu'] });
    await pool.ready();
    expect(['cuda', 'coreml', 'cpu']).toContain(pool.status().device);
    expect((await (await enhance(pool, root, { inputPath: photo, model: 'nearest' })).result).device).toBe(
      pool.status().device,
    );
  });

  it('[62] a network that answers black is found out', async () => {
    const black = await standInModel(root, 'black');
    const pool = poolOf([nearest, black]);
    await pool.ready();
    const attempt = await enhance(pool, root, { inputPath: photo, model: 'black' });
    await expect(attempt.result).rejects.toMatchObject({ code: 'bad_output' });
    expect(pool.status().restarts).toBe(0);
  });

  it('[62] a network whose numbers overflow in a spot is found out', async () => {
    const overflow = await standInModel(root, 'overflow');
    const pool = poolOf([nearest, overflow]);
    await pool.ready();
    const white = Buffer.from(`<svg width="60" height="60"><circle cx="30" cy="30" r="30" fill="white"/></svg>`);
    const inputPath = join(root, 'sun.png');
    await sharp(photo)
      .composite([{ input: white, left: 60, top: 40 }])
      .toFile(inputPath);
    const attempt = await enhance(pool, root, { inputPath, model: 'overflow' });
    await expect(attempt.result).rejects.toMatchObject({ code: 'bad_output' });
    const sound = await enhance(pool, root, { inputPath: photo, model: 'overflow' });
    expect((await sound.result).width).toBe(800);
  });

  it('refuses models it has not got, and a graph that is none', async () => {
    const pool = poolOf([nearest]);
    await pool.ready();
    const attempt = await enhance(pool, root, { inputPath: photo, model: 'unheard-of' });
    await expect(attempt.result).rejects.toMatchObject({ code: 'model_missing' });
    const graphPath = join(root, 'corrupt.onnx');
    await writeFile(graphPath, 'no graph');
    const corrupt = poolOf([{ ...nearest, graphPath }], { patienceMs: 50 });
    await expect(corrupt.ready()).rejects.toMatchObject({ code: 'model_corrupt' });
    expect(corrupt.status().state).toBe('failed');
    const refused = await enhance(corrupt, root, { inputPath: photo, model: 'nearest' });
    await expect(refused.result).rejects.toMatchObject({ code: 'not_ready', cause: { code: 'model_corrupt' } });
  });

  it('replaces an engine whose network cannot be run any more, and the photo beside it finishes', async () => {
    const refusing = await standInModel(root, 'refusing');
    const dark = join(root, 'dark.png');
    await sharp(photo).linear(0.5, 0).toFile(dark);
    const pool = poolOf([refusing]);
    await pool.ready();
    const first = pidOf(pool);
    const both = await Promise.all(
      [photo, dark].map((inputPath) => enhance(pool, root, { inputPath, model: 'refusing' })),
    );
    await expect(both[0]?.result).rejects.toMatchObject({ code: 'engine_crashed', definition: { retryable: true } });
    expect((await both[1]?.result)?.width).toBe(800);
    expect(isAlive(first)).toBe(false);
  });

  it('gives photos back uncounted while no engine starts, and takes them again when one does', async () => {
    const graph = await readFile(nearest.graphPath);
    const graphPath = join(root, 'lost.onnx');
    await writeFile(graphPath, graph);
    const pool = poolOf([{ ...nearest, graphPath }], { patienceMs: 200 });
    await pool.ready();
    await writeFile(graphPath, 'no graph');
    process.kill(pidOf(pool), 'SIGKILL');
    await until(() => pool.status().state === 'failed');
    const fault: unknown = await (
      await enhance(pool, root, { inputPath: photo, model: 'nearest' })
    ).result.catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: 'not_ready', definition: { retryable: true } });
    expect(isEngineFault(fault)).toBe(false);
    await writeFile(graphPath, graph);
    await until(() => pool.status().state === 'ready');
    expect((await (await enhance(pool, root, { inputPath: photo, model: 'nearest' })).result).width).toBe(800);
  });

  it('lets a photo wait for an engine that fails to start at first', async () => {
    const graph = await readFile(nearest.graphPath);
    const graphPath = join(root, 'late.onnx');
    await writeFile(graphPath, graph);
    const pool = poolOf([{ ...nearest, graphPath }]);
    await pool.ready();
    await writeFile(graphPath, 'no graph');
    process.kill(pidOf(pool), 'SIGKILL');
    await until(() => pool.status().state === 'failed');
    const attempt = await enhance(pool, root, { inputPath: photo, model: 'nearest' });
    expect(attempt.progress).toEqual([{ stage: 'waiting', tilesDone: 0, tilesTotal: 0 }]);
    await writeFile(graphPath, graph);
    expect((await attempt.result).width).toBe(800);
  });

  it('closing ends the process and the photos under way', async () => {
    const pool = startPool([nearest]);
    await pool.ready();
    const pid = pidOf(pool);
    process.kill(pid, 'SIGSTOP');
    const attempts = await Promise.all(
      [1, 2, 3].map(() => enhance(pool, root, { inputPath: photo, model: 'nearest' })),
    );
    await pool.close();
    for (const { result } of attempts) await expect(result).rejects.toMatchObject({ code: 'shutting_down' });
    expect(isAlive(pid)).toBe(false);
    await expect((await enhance(pool, root, { inputPath: photo, model: 'nearest' })).result).rejects.toMatchObject({
      code: 'shutting_down',
    });
  });
});

describe('an engine process', () => {
  it('does not outlive its parent', async () => {
    const { fork } = await import('node:child_process');
    const script = join(root, 'parent.mjs');
    const program = new URL('../../dist/inference/child-engine.js', import.meta.url).href;
    await writeFile(
      script,
      `import { ChildEngine } from ${JSON.stringify(program)};
       const engine = new ChildEngine(4, { onMessage: () => {}, onExit: () => {} });
       process.send(engine.pid);
       setInterval(() => {}, 1000);`,
    );
    const parent = fork(script, { execArgv: [] });
    const pid = await new Promise<number>((resolve) => parent.once('message', (message) => resolve(Number(message))));
    expect(isAlive(pid)).toBe(true);
    await sleep(300);
    parent.kill('SIGKILL');
    await until(() => !isAlive(pid));
  });
});
