/**
 * Property: what was broken off half-way (a start while Temporal was away, a removal while the store was, a run that is just
 * ending) is mended by asking again, and shuts no other way meanwhile.
 */
import {
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowClientInterceptor,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BatchService } from '../../src/batches/batch-service.ts';
import { createBatchService } from '../../src/batches/create-batch-service.ts';
import { photoId } from '../../src/contracts/ids.ts';
import { NO_COUNTS } from '../../src/contracts/operations.ts';
import { uploadKey } from '../../src/storage/keys.ts';
import { RollbackJournal } from '../../src/storage/rollback-journal.ts';
import {
  completedOutcome,
  failedOutcome,
  makeHeader,
  makeRecord,
  newBatchId,
  openHouse,
} from '../support/journal-fixtures.ts';

const MINUTE_MS = 60_000;

let house: Awaited<ReturnType<typeof openHouse>>;
let service: BatchService;
let rollbacks: RollbackJournal;
let connection: Connection;
let clock: number;
/** Temporal, as far as it is asked here: what runs, what was started, and whether it can be. */
let running: Set<string>;
let started: string[];
let startsFail: boolean;
/** Called whenever Temporal is asked for a workflow. */
let onDescribe: (workflowId: string) => Promise<void>;
/** Makes removing fail. */
let storeAway: boolean;

const notFound = (workflowId: string | null | undefined): WorkflowNotFoundError =>
  new WorkflowNotFoundError('not found', workflowId ?? '', undefined);

const TEMPORAL = {
  async describe({ workflowExecution: { workflowId } }: { workflowExecution: { workflowId?: string | null } }) {
    await onDescribe(workflowId ?? '');
    if (!running.has(workflowId ?? '')) throw notFound(workflowId);
    const size = { toNumber: () => 1 };
    const execution = { workflowId, runId: 'run' };
    const time = { nanos: 0 };
    return {
      workflowExecutionInfo: { execution, type: { name: 'any' }, status: 1, historyLength: size, startTime: time },
    };
  },
  startWithDetails({
    workflowType,
    options: { workflowId },
  }: {
    workflowType: string;
    options: { workflowId: string };
  }) {
    if (startsFail) return Promise.reject(new Error('Temporal is away'));
    if (running.has(workflowId)) {
      return Promise.reject(new WorkflowExecutionAlreadyStartedError('started already', workflowId, workflowType));
    }
    started.push(workflowId);
    running.add(workflowId);
    return Promise.resolve({ runId: 'run', eagerlyStarted: false });
  },
  query: ({ workflowExecution }: { workflowExecution: { workflowId?: string | null } }) =>
    Promise.reject(notFound(workflowExecution.workflowId)),
  startUpdate: ({ workflowExecution }: { workflowExecution: { workflowId?: string | null } }) =>
    Promise.reject(notFound(workflowExecution.workflowId)),
} as unknown as WorkflowClientInterceptor;

beforeEach(async () => {
  house = await openHouse();
  rollbacks = new RollbackJournal(house.store);
  [running, started, startsFail, storeAway, clock] = [new Set(), [], false, false, Date.now()];
  onDescribe = () => Promise.resolve();
  const store = new Proxy(house.store, {
    get: (target, name) => {
      if (name === 'remove' && storeAway) return () => Promise.reject(new Error('the store is away'));
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  connection = Connection.lazy();
  service = createBatchService({
    client: new Client({ connection, interceptors: { workflow: [TEMPORAL] } }),
    store,
    journal: house.journal,
    heartbeatTimeoutMs: 1000,
    now: () => clock,
  });
});
afterEach(async () => {
  await connection.close();
  await house.close();
});

const { tenant } = makeHeader(newBatchId(), 1);

/** A closed batch of these photos, one letter each: done, failed, refused at the door, not done. */
async function makeBatch(photos: string): Promise<string> {
  const batchId = newBatchId();
  const refused = { code: 'unsupported_format', message: 'No photo.' } as const;
  const records = Array.from(photos, (kind, index) =>
    makeRecord(index, {
      original: { kind: 'upload', key: uploadKey(batchId, index) },
      ...(kind === 'r' ? { refused } : {}),
    }),
  );
  await house.journal.createBatch(makeHeader(batchId, photos.length), records);
  const done = photos.split('').filter((kind) => kind === 'd').length;
  for (const [index, kind] of photos.split('').entries()) {
    await house.store.write(uploadKey(batchId, index), Buffer.from('x'));
    if (kind === 'd') await house.journal.record(batchId, completedOutcome(index));
    if (kind === 'f') await house.journal.record(batchId, failedOutcome(index));
  }
  const counts = { total: photos.length, completed: done, failed: photos.length - done };
  await house.journal.close({ batchId, executionId: 'x', status: 'partial_completed', ...counts, closedAt: clock });
  return batchId;
}

const ask = (batchId: string) => service.rollBack({ tenant, operationIds: [batchId] });

describe('a rollback', () => {
  it('that could not be started lets the batch be resumed, and is started by asking again', async () => {
    const batchId = await makeBatch('df');
    startsFail = true;
    await expect(ask(batchId)).rejects.toMatchObject({ code: 'temporal_unavailable' });
    startsFail = false;
    // Its start may still be on its way.
    await expect(service.resume(batchId)).rejects.toMatchObject({ code: 'wrong_state' });
    clock += MINUTE_MS;
    expect(await service.resume(batchId)).toMatchObject({ action: 'retrying', remaining: 1 });
    expect(started).toEqual([batchId]);
    const { header, created } = await ask(batchId);
    expect(created).toBe(false);
    expect(started).toEqual([batchId, header.operationId]);
  });

  it('that runs keeps the batch from being resumed, however long', async () => {
    const batchId = await makeBatch('df');
    const { header } = await ask(batchId);
    clock += 60 * MINUTE_MS;
    await expect(service.resume(batchId)).rejects.toMatchObject({
      code: 'wrong_state',
      message: expect.stringContaining(header.operationId) as string,
    });
  });

  it('asked for again while its last run is ending is started once that has ended', async () => {
    const batchId = await makeBatch('df');
    const { operationId } = (await ask(batchId)).header;
    const counts = { ...NO_COUNTS, undone: 1, failed: 1 };
    await rollbacks.close({ operationId, status: 'partial_completed', counts, closedAt: clock });
    let asked = 0;
    onDescribe = (workflowId) => {
      if (workflowId === operationId && (asked += 1) === 3) running.delete(operationId);
      return Promise.resolve();
    };
    expect(await ask(batchId)).toMatchObject({ created: false, retried: 1 });
    expect(started).toEqual([operationId, operationId]);
    expect(await rollbacks.summary(operationId)).toBeUndefined(); // the new run's is to come
  });
});

describe('a photo', () => {
  it('whose removal was broken off is gone with the next call, which does not find it', async () => {
    const batchId = await makeBatch('d');
    storeAway = true;
    await expect(service.removePhoto(photoId(batchId, 0))).rejects.toThrow('the store is away');
    expect(await house.store.read(uploadKey(batchId, 0))).toBeDefined();
    storeAway = false;
    expect(await service.removePhoto(photoId(batchId, 0))).toBe(false);
    expect(await house.store.read(uploadKey(batchId, 0))).toBeUndefined();
  });

  it.each([
    ['refused', 'dr', []],
    ['deleted after it was done', 'dd', [1]],
    ['deleted after it failed', 'df', [1]],
  ])('that was %s is nothing to resume for', async (_, photos, deleted) => {
    const batchId = await makeBatch(photos);
    for (const index of deleted) await service.removePhoto(photoId(batchId, index));
    expect(await service.resume(batchId)).toMatchObject({ action: 'none', remaining: 0 });
    expect(await service.retry(batchId)).toMatchObject({ action: 'none' });
    expect(started).toEqual([]);
  });

  it('that failed or was not done is, whatever was refused and deleted beside it', async () => {
    const batchId = await makeBatch('drfdfn');
    await service.removePhoto(photoId(batchId, 3));
    await service.removePhoto(photoId(batchId, 4));
    expect(await service.resume(batchId)).toMatchObject({ action: 'retrying', remaining: 2 });
    expect(started).toEqual([batchId]);
  });
});
