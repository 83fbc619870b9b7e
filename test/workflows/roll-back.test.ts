/**
 * After a rollback the store and the folders outside it are as they were before the batch, byte for byte, with mode and
 * time; what someone changed since is left alone and reported; a rollback that is interrupted finishes.
 */
import { createHash, randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEnhanceActivities } from '../../src/activities/enhance-photo.ts';
import { ScratchShelf } from '../../src/activities/scratch-shelf.ts';
import { createBatchService } from '../../src/batches/create-batch-service.ts';
import type { BatchService } from '../../src/batches/batch-service.ts';
import type { Destination, PhotoRecord } from '../../src/contracts/batch.ts';
import type { EnhanceJob } from '../../src/inference/engine.ts';
import { parseConfig } from '../../src/contracts/config.ts';
import { openBuckets } from '../../src/storage/buckets.ts';
import { batchPrefix, preservedKey, uploadKey } from '../../src/storage/keys.ts';
import { finishPhoto, standInEngines } from '../support/engines.ts';
import { makeOrder, newBatchId, openHouse } from '../support/journal-fixtures.ts';
import { photoModel } from '../support/models.ts';
import { replayHistories } from '../support/histories.ts';
import { startTemporal } from '../support/temporal.ts';
import { type RunningWorkers, startWorkers, until } from '../support/workers.ts';

let env: TestWorkflowEnvironment;
let house: Awaited<ReturnType<typeof openHouse>>;
let workers: RunningWorkers;
let service: BatchService;
let folder: string;
let enhanceMs = 0;
/** The test that asked for a rollback. */
const testOf = new Map<string, string>();

const startAll = () => {
  const model = photoModel();
  const engines = standInEngines(async (job: EnhanceJob, signal) => {
    await sleep(enhanceMs, undefined, { signal });
    return finishPhoto(job, `enhanced ${await readFile(job.inputPath, 'utf8')}`);
  });
  const deps = {
    ...house,
    engines,
    buckets: openBuckets(parseConfig({})),
    models: new Map([[model.entry.name, model]]),
    now: Date.now,
    makeNonce: randomUUID,
  };
  const scratch = new ScratchShelf(join(house.root, 'scratch'), randomUUID, Date.now);
  return startWorkers(env, house, createEnhanceActivities({ ...deps, scratch }));
};

beforeAll(async () => {
  [env, house] = await Promise.all([startTemporal(), openHouse()]);
  service = createBatchService({ client: env.client, ...house, heartbeatTimeoutMs: 3000, now: Date.now });
  workers = await startAll();
});
afterAll(async () => {
  await workers.stop();
  await env.teardown();
  await house.close();
});

beforeEach(async () => {
  enhanceMs = 0;
  folder = join(house.root, `photos-${randomUUID()}`);
  await mkdir(join(folder, 'sub'), { recursive: true });
  for (const name of ['a.jpg', 'b.jpg', 'sub/c.jpg']) {
    await writeFile(join(folder, name), `original of ${name}`);
    await chmod(join(folder, name), 0o640);
    await utimes(join(folder, name), 1_600_000_000, 1_600_000_000.5);
  }
});

const sha256Of = (content: string): string => createHash('sha256').update(content).digest('hex');

/** Every file below a folder with content, mode and modification time, and every directory. */
async function fingerprint(root: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(root, { recursive: true })).sort()) {
    const found = await stat(join(root, name), { bigint: true });
    const content = found.isFile() ? await readFile(join(root, name)) : '';
    hash.update(`${name} ${found.mode} ${found.isFile() ? found.mtimeNs / 1000n : ''} `).update(content);
  }
  return hash.digest('hex');
}

async function submitFolder(destination: Destination): Promise<string> {
  const batchId = newBatchId();
  const photos = await Promise.all(
    ['a.jpg', 'b.jpg', 'sub/c.jpg'].map(async (name, index): Promise<PhotoRecord> => {
      const path = join(folder, name);
      const { size, mtimeMs } = await stat(path);
      const original = { kind: 'path', path, bytes: size, modifiedMs: mtimeMs } as const;
      return { index, name, bytes: size, kilopixels: 100, original, target: name };
    }),
  );
  await submit(batchId, photos, destination);
  return batchId;
}

const submit = (batchId: string, photos: PhotoRecord[], destination: Destination) =>
  service.submit(makeOrder(photos, { batchId, destination }));

const finished = (batchId: string) => env.client.workflow.getHandle(batchId).result();
const rollBack = async (batchId: string, photoIds?: string[]) => {
  const operationIds = [batchId];
  const receipt = await service.rollBack({ tenant: 'default', operationIds, ...(photoIds ? { photoIds } : {}) });
  testOf.set(receipt.header.operationId, expect.getState().currentTestName ?? '');
  return receipt;
};

describe('rollback', () => {
  it('puts back every original that was replaced in place, byte for byte, with mode and time', async () => {
    const before = await fingerprint(folder);
    const batchId = await submitFolder({ kind: 'in_place' });
    expect(await finished(batchId)).toMatchObject({ status: 'completed', completed: 3 });
    expect(await readFile(join(folder, 'sub/c.jpg'), 'utf8')).toBe('enhanced original of sub/c.jpg');
    expect((await stat(join(folder, 'a.jpg'))).mode & 0o777).toBe(0o640);
    const { header, created } = await rollBack(batchId);
    expect(created).toBe(true);
    expect(await finished(header.operationId)).toMatchObject({ state: 'completed', counts: { undone: 3, failed: 0 } });
    expect(await fingerprint(folder)).toBe(before);
    expect(await house.store.list(`${batchPrefix(batchId)}/results/00000`)).toEqual([]);
    await until(async () => (await service.view(batchId))?.state === 'rolled_back', 'the state');
    expect(await rollBack(batchId)).toMatchObject({ created: false, header: { operationId: header.operationId } });
    await expect(service.resume(batchId)).rejects.toMatchObject({ code: 'wrong_state' });
    await expect(rollBack(header.operationId)).rejects.toMatchObject({ code: 'wrong_state' });
  });

  it('removes what was created in a folder, restores what was replaced there, and leaves the rest', async () => {
    const out = join(folder, 'sub', 'out');
    await mkdir(out);
    await writeFile(join(out, 'b.jpg'), 'was here before');
    const before = await fingerprint(folder);
    const batchId = await submitFolder({ kind: 'folder', path: out });
    expect(await finished(batchId)).toMatchObject({ completed: 3 });
    expect(await readFile(join(out, 'b.jpg'), 'utf8')).toBe('enhanced original of b.jpg');
    const { header } = await rollBack(batchId);
    expect(await finished(header.operationId)).toMatchObject({ state: 'completed' });
    await rm(join(out, 'sub'), { recursive: true }); // an empty folder that the delivery made is all that is left
    expect(await fingerprint(folder)).toBe(before);
  });

  it('leaves alone what someone changed since, and says so', async () => {
    const batchId = await submitFolder({ kind: 'in_place' });
    await finished(batchId);
    await writeFile(join(folder, 'b.jpg'), 'cropped by hand');
    const { header } = await rollBack(batchId);
    expect(await finished(header.operationId)).toMatchObject({
      state: 'partial_completed',
      counts: { undone: 2, left_changed: 1 },
    });
    expect(await readFile(join(folder, 'b.jpg'), 'utf8')).toBe('cropped by hand');
    expect(await readFile(join(folder, 'a.jpg'), 'utf8')).toBe('original of a.jpg');
    const outcomes = await service.undone(header.operationId, batchId, 0);
    expect(outcomes.map(({ result }) => result)).toEqual(['undone', 'left_changed', 'undone']);
  });

  it('never replaces a photo that someone edited while it was enhanced', async () => {
    enhanceMs = 500;
    const batchId = await submitFolder({ kind: 'in_place' });
    await sleep(250);
    await writeFile(join(folder, 'b.jpg'), 'cropped meanwhile');
    expect(await finished(batchId)).toMatchObject({ status: 'partial_completed', completed: 2, failed: 1 });
    expect(await readFile(join(folder, 'b.jpg'), 'utf8')).toBe('cropped meanwhile');
    expect((await service.photo(`${batchId}.1`))?.error?.code).toBe('source_changed');
  });

  it('undoes chosen photos only', async () => {
    const batchId = await submitFolder({ kind: 'in_place' });
    await finished(batchId);
    const { header } = await rollBack(batchId, [`${batchId}.1`]);
    expect(await finished(header.operationId)).toMatchObject({ state: 'completed', total: 1, counts: { undone: 1 } });
    expect(await readFile(join(folder, 'a.jpg'), 'utf8')).toBe('enhanced original of a.jpg');
    expect(await readFile(join(folder, 'b.jpg'), 'utf8')).toBe('original of b.jpg');
    expect((await service.photo(`${batchId}.0`))?.status).toBe('completed');
    await expect(rollBack(batchId, ['b-20260101-000000-aaaaaaaaaa.0'])).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  it('asked for again, tries what it had to leave or could not undo, and nothing else', async () => {
    const before = await fingerprint(folder);
    const batchId = await submitFolder({ kind: 'in_place' });
    await finished(batchId);
    const enhanced = await readFile(join(folder, 'b.jpg'));
    await writeFile(join(folder, 'b.jpg'), 'cropped by hand');
    const preserved = join(house.root, 'store', preservedKey(batchId, 2, sha256Of('original of sub/c.jpg')));
    await rename(preserved, `${preserved}.away`);
    const { header } = await rollBack(batchId);
    const { operationId } = header;
    expect(await finished(operationId)).toMatchObject({ counts: { undone: 1, left_changed: 1, failed: 1 } });
    expect(await service.operation(batchId)).toMatchObject({ rolledBackBy: operationId, undoable: true });

    await writeFile(join(folder, 'b.jpg'), enhanced);
    await rm(join(folder, 'a.jpg')); // it was undone: what becomes of it since is nobody's business
    expect(await rollBack(batchId)).toMatchObject({ created: false, retried: 2, header: { operationId } });
    expect(await finished(operationId)).toMatchObject({ counts: { undone: 2, left_changed: 0, failed: 1 } });

    await rename(`${preserved}.away`, preserved);
    const both = await Promise.all([rollBack(batchId), rollBack(batchId)]);
    expect(both.map((receipt) => receipt.header.operationId)).toEqual([operationId, operationId]);
    expect(await finished(operationId)).toMatchObject({ state: 'completed', counts: { undone: 3 } });
    await until(async () => (await service.operation(operationId))?.state === 'completed', 'the account');
    expect(await rollBack(batchId)).toMatchObject({ created: false, retried: 0 });
    expect(await service.operation(batchId)).toMatchObject({ undoable: false });

    await writeFile(join(folder, 'a.jpg'), 'original of a.jpg');
    await chmod(join(folder, 'a.jpg'), 0o640);
    await utimes(join(folder, 'a.jpg'), 1_600_000_000, 1_600_000_000.5);
    expect(await fingerprint(folder)).toBe(before);
  });

  it('stops a running batch first', async () => {
    const before = await fingerprint(folder);
    enhanceMs = 60_000;
    const batchId = await submitFolder({ kind: 'in_place' });
    await until(async () => (await service.view(batchId))?.open ?? false, 'the start');
    await sleep(500);
    const { header } = await rollBack(batchId);
    expect(await finished(header.operationId)).toMatchObject({ state: 'completed', counts: { nothing_to_undo: 3 } });
    await expect(finished(batchId)).rejects.toThrow();
    expect(await fingerprint(folder)).toBe(before);
  });

  it('finishes when its workers are stopped half-way and come back', async () => {
    const batchId = newBatchId();
    const photos = await Promise.all(
      Array.from({ length: 120 }, async (_, index): Promise<PhotoRecord> => {
        const key = uploadKey(batchId, index);
        await house.store.write(key, Buffer.from(`upload ${index}`));
        return { index, name: `${index}.jpg`, bytes: 10, kilopixels: 1, original: { kind: 'upload', key } };
      }),
    );
    await submit(batchId, photos, { kind: 'store' });
    await finished(batchId);
    const { header } = await rollBack(batchId);
    await workers.stop();
    workers = await startAll();
    expect(await finished(header.operationId)).toMatchObject({ state: 'completed', counts: { undone: 120 } });
    expect(await house.store.list(`${batchPrefix(batchId)}/results/00000`)).toEqual([]);
  });

  it('is part of the history, newest first, with what it undid', async () => {
    const { operations } = await service.operations({ tenant: 'default', limit: 100 });
    const rollbacks = operations.filter(({ kind }) => kind === 'rollback');
    expect(rollbacks.length).toBe(7);
    const [latest] = rollbacks;
    expect(latest).toMatchObject({ state: 'completed', undoable: false, undo: { counts: { undone: 120 } } });
    const undone = operations.find(({ operationId }) => operationId === latest?.undo?.targets[0]);
    expect(undone).toMatchObject({
      kind: 'batch',
      state: 'rolled_back',
      undoable: false,
      rolledBackBy: latest?.operationId,
    });
    const paged = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await service.operations({ tenant: 'default', limit: 3, ...(cursor ? { cursor } : {}) });
      paged.push(...page.operations.map(({ operationId }) => operationId));
      cursor = page.nextCursor;
    }
    expect(paged).toEqual(operations.map(({ operationId }) => operationId));
    const partial = await service.operations({ tenant: 'default', limit: 9, state: 'partial_completed' });
    expect(partial.operations.map(({ kind }) => kind).sort()).toEqual(['batch', 'rollback']);
    expect((await service.operations({ tenant: 'someone else', limit: 9 })).operations).toEqual([]);
  });

  it('replays every history this file made', async () => {
    expect(await replayHistories(env, 'rollBack', (rollbackId) => testOf.get(rollbackId))).toBeGreaterThanOrEqual(9);
  });
});
