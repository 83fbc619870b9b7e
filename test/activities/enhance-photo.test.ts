/**
 * One photo's activity on the real store and journal: a result is published once whatever attempts race, nothing is left
 * on the scratch disk, and every fault becomes a typed failure that is retried exactly when that can help.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEnhanceActivities } from '../../src/activities/enhance-photo.ts';
import { ScratchShelf } from '../../src/activities/scratch-shelf.ts';
import { parseConfig } from '../../src/contracts/config.ts';
import { openBuckets } from '../../src/storage/buckets.ts';
import type { EnhanceActivities } from '../../src/contracts/activities.ts';
import { DarkroomError } from '../../src/contracts/errors.ts';
import { photoId } from '../../src/contracts/ids.ts';
import type { EnhanceJob, EnhancedPhoto } from '../../src/inference/engine.ts';
import { siblingResults, uploadKey } from '../../src/storage/keys.ts';
import { completedOutcome, makeHeader, makeRecord, newBatchId, openHouse } from '../support/journal-fixtures.ts';
import { finishPhoto, standInEngines } from '../support/engines.ts';
import { photoModel } from '../support/models.ts';

let house: Awaited<ReturnType<typeof openHouse>>;
let batchId: string;
let scratchDir: string;
let engine: (job: EnhanceJob, signal: AbortSignal) => Promise<EnhancedPhoto>;
let enhancePhoto: EnhanceActivities['enhancePhoto'];

const run = (task: { index: number; epoch?: number }, attempt = 1, heartbeatDetails?: unknown) => {
  const environment = new MockActivityEnvironment(
    { attempt, heartbeatDetails },
    { logger: new DefaultLogger('ERROR') },
  );
  const settled = environment.run(enhancePhoto, { batchId, epoch: 0, ...task });
  return { environment, settled };
};

const resultFiles = () => house.store.list(siblingResults(batchId, 0).prefix);
const scratchFolders = () => readdir(scratchDir).catch(() => []);

beforeEach(async () => {
  house = await openHouse();
  scratchDir = join(house.root, 'scratch');
  batchId = newBatchId();
  await house.journal.createBatch(
    makeHeader(batchId, 2),
    [0, 1].map((index) => makeRecord(index, { original: { kind: 'upload', key: uploadKey(batchId, index) } })),
  );
  await house.store.write(uploadKey(batchId, 0), Buffer.from('original'));
  engine = (job) => finishPhoto(job);
  const engines = standInEngines((job, signal) => engine(job, signal));
  const model = photoModel();
  ({ enhancePhoto } = createEnhanceActivities({
    store: house.store,
    journal: house.journal,
    buckets: openBuckets(parseConfig({})),
    engines,
    models: new Map([[model.entry.name, model]]),
    scratch: new ScratchShelf(scratchDir, randomUUID, Date.now),
    now: Date.now,
    makeNonce: randomUUID,
  }));
});
afterEach(() => {
  vi.restoreAllMocks();
  return house.close();
});

describe('enhancePhoto', () => {
  it('publishes the result once and leaves nothing on scratch', async () => {
    expect(await run({ index: 0 }).settled).toEqual({ status: 'completed' });
    const outcome = await house.journal.outcome(batchId, 0);
    expect(outcome).toMatchObject({ status: 'completed', result: { bytes: 8, contentType: 'image/jpeg' } });
    if (outcome?.status !== 'completed') throw new Error('not completed');
    expect((await house.store.read(outcome.result.key))?.toString()).toBe('enhanced');
    expect(await scratchFolders()).toEqual([]);
  });

  it('does not do a photo again that has its result', async () => {
    await house.journal.record(batchId, completedOutcome(0));
    engine = () => Promise.reject(new Error('must not run'));
    expect(await run({ index: 0 }, 2).settled).toEqual({ status: 'completed' });
  });

  it('tidies up after an attempt that was killed between publishing and tidying up', async () => {
    const mine = `${siblingResults(batchId, 0).prefix}/000.0.mine.jpg`;
    await house.store.write(mine, Buffer.from('published'));
    await house.store.write(`${siblingResults(batchId, 0).prefix}/000.0.lost.jpg`, Buffer.from('x'));
    await house.journal.record(batchId, completedOutcome(0, 0, mine));
    for (const photo of [photoId(batchId, 0), photoId(batchId, 1)]) {
      await mkdir(join(scratchDir, `${photo}~killed`), { recursive: true });
    }
    expect(await run({ index: 0 }, 2).settled).toEqual({ status: 'completed' });
    expect(await resultFiles()).toEqual(['000.0.mine.jpg']);
    expect(await scratchFolders()).toEqual([`${photoId(batchId, 1)}~killed`]);
  });

  it('gives way to an attempt that published meanwhile, and removes its own file', async () => {
    engine = async (job) => {
      await house.journal.record(batchId, completedOutcome(0, 0, 'results/other'));
      return finishPhoto(job);
    };
    expect(await run({ index: 0 }).settled).toEqual({ status: 'completed' });
    expect(await resultFiles()).toEqual([]);
    expect(await house.journal.outcome(batchId, 0)).toMatchObject({ result: { key: 'results/other' } });
  });

  it('publishes nothing for a photo that was deleted meanwhile', async () => {
    engine = async (job) => {
      await house.journal.record(batchId, {
        status: 'removed',
        reason: 'deleted',
        index: 0,
        epoch: 0,
        attempts: 0,
        finishedAt: 1,
      });
      return finishPhoto(job);
    };
    expect(await run({ index: 0 }).settled).toEqual({ status: 'removed' });
    expect(await resultFiles()).toEqual([]);
  });

  it('removes what a lost attempt stored without publishing it', async () => {
    await house.store.write(`${siblingResults(batchId, 0).prefix}/000.0.lost.jpg`, Buffer.from('x'));
    await run({ index: 0 }, 2).settled;
    expect(await resultFiles()).toHaveLength(1);
    expect(await resultFiles()).not.toContain('000.0.lost.jpg');
  });

  it('ends an older attempt at the same photo in the same process before it starts, and takes over its tiles', async () => {
    let older: AbortSignal | undefined;
    engine = async (job, signal) => {
      await writeFile(join(job.scratchDir, 'tile-1'), 'done');
      older = signal;
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const first = run({ index: 0 }).settled.catch((error: unknown) => error);
    while (!older) await new Promise((resolve) => setTimeout(resolve, 5));
    let found: string[] = [];
    engine = async (job) => {
      found = await readdir(job.scratchDir);
      return finishPhoto(job);
    };
    expect(await run({ index: 0 }, 2).settled).toEqual({ status: 'completed' });
    expect(found).toEqual(['tile-1']);
    expect(older.aborted).toBe(true);
    expect(await first).toBeInstanceOf(ApplicationFailure);
    expect(await scratchFolders()).toEqual([]);
  });

  it('ends a cancelled photo as cancelled and keeps nothing', async () => {
    engine = (_job, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const { environment, settled } = run({ index: 0 });
    setTimeout(() => environment.cancel('CANCELLED'), 50);
    await expect(settled).rejects.toBeInstanceOf(CancelledFailure);
    expect(await scratchFolders()).toEqual([]);
  });

  it.each(['WORKER_SHUTDOWN', 'NOT_FOUND', 'TIMED_OUT', 'PAUSED', 'RESET'] as const)(
    'keeps the tiles of an attempt that ends with %s, and the next one takes them over',
    async (reason) => {
      engine = async (job, signal) => {
        await writeFile(join(job.scratchDir, 'tile-1'), 'done');
        environment.cancel(reason);
        signal.throwIfAborted();
        return finishPhoto(job);
      };
      const { environment, settled } = run({ index: 0 });
      await expect(settled).rejects.toThrow();
      expect(await scratchFolders()).toHaveLength(1);
      let found: string[] = [];
      engine = async (job) => {
        found = await readdir(job.scratchDir);
        return finishPhoto(job);
      };
      await run({ index: 0 }, 2).settled;
      expect(found).toEqual(['tile-1']);
      expect(await scratchFolders()).toEqual([]);
    },
  );

  it('gives a borrowed original back when there is no room for a desk', async () => {
    let borrowed = 0;
    const lend = vi.spyOn(house.store, 'localCopy').mockImplementation(() => {
      borrowed += 1;
      return Promise.resolve({ path: '/dev/null', release: () => Promise.resolve(void (borrowed -= 1)) });
    });
    vi.spyOn(ScratchShelf.prototype, 'claim').mockRejectedValue(new DarkroomError('storage_full'));
    await expect(run({ index: 0 }).settled).rejects.toMatchObject({ type: 'storage_full', nonRetryable: false });
    expect(lend).toHaveBeenCalledOnce();
    expect(borrowed).toBe(0);
  });

  const failureOf = async (error: Error, attempt = 1, faults = 0): Promise<ApplicationFailure> => {
    engine = () => Promise.reject(error);
    const failure: unknown = await run({ index: 0 }, attempt, { faults }).settled.catch((thrown: unknown) => thrown);
    if (!(failure instanceof ApplicationFailure)) throw new Error('Expected an ApplicationFailure');
    return failure;
  };

  it.each([
    ['image_unreadable', true],
    ['out_of_memory', true],
    ['engine_crashed', false],
    ['storage_full', false],
  ] as const)('gives %s its type; retrying is useless: %s', async (code, nonRetryable) => {
    expect(await failureOf(new DarkroomError(code))).toMatchObject({ type: code, nonRetryable });
  });

  it('gives up on a photo that brings the engine down every time, but waits for a full disk for ever', async () => {
    expect(await failureOf(new DarkroomError('engine_crashed'), 9, 3)).toMatchObject({ nonRetryable: true });
    expect(await failureOf(new DarkroomError('engine_crashed'), 9, 1)).toMatchObject({ nonRetryable: false });
    expect(await failureOf(new DarkroomError('storage_full'), 500, 0)).toMatchObject({ nonRetryable: false });
    expect(await failureOf(Object.assign(new Error('no space'), { code: 'ENOSPC' }))).toMatchObject({
      type: 'storage_full',
    });
  });

  it('gives up on a photo over which workers die again and again', async () => {
    const details = { faults: 0, begun: 26, ended: 1 };
    const failure: unknown = await run({ index: 0 }, 27, details).settled.catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ type: 'worker_lost', nonRetryable: true });
    expect(await run({ index: 0 }, 27, { ...details, ended: 20 }).settled).toEqual({ status: 'completed' });
  });

  it('tells a missing upload from a file that changed after it was submitted', async () => {
    await expect(run({ index: 1 }).settled).rejects.toMatchObject({ type: 'source_missing', nonRetryable: true });
    const path = join(house.root, 'photo.jpg');
    await mkdir(house.root, { recursive: true });
    await writeFile(path, 'first');
    const { size, mtimeMs } = await stat(path);
    batchId = newBatchId();
    const original = { kind: 'path', path, bytes: size, modifiedMs: mtimeMs } as const;
    await house.journal.createBatch(makeHeader(batchId, 1), [makeRecord(0, { original })]);
    expect(await run({ index: 0 }).settled).toEqual({ status: 'completed' });
    batchId = newBatchId();
    await house.journal.createBatch(makeHeader(batchId, 1), [makeRecord(0, { original })]);
    await utimes(path, 1, 1);
    await expect(run({ index: 0 }).settled).rejects.toMatchObject({ type: 'source_changed', nonRetryable: true });
  });
});
