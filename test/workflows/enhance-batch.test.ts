/**
 * On a real Temporal server, with the real journal: a batch settles every photo once, isolates failures, obeys control by
 * update and by signal, survives a worker that is gone and a workflow that was terminated, and replays.
 */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import { WorkflowFailedError } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBatchService } from '../../src/batches/create-batch-service.ts';
import type { BatchService } from '../../src/batches/batch-service.ts';
import type { EnhanceActivities, PhotoTask } from '../../src/contracts/activities.ts';
import {
  addPhotosSignal,
  addPhotosUpdate,
  cancelPhotosUpdate,
  pauseSignal,
  pauseUpdate,
  photosQuery,
  progressQuery,
  resumeSignal,
  resumeUpdate,
  retryFailedUpdate,
  sealSignal,
  setMaxWorkersSignal,
  setMaxWorkersUpdate,
} from '../../src/contracts/workflow-api.ts';
import { completedOutcome, makeOrder, makeRecord, newBatchId, openHouse } from '../support/journal-fixtures.ts';
import { replayHistories } from '../support/histories.ts';
import { startTemporal } from '../support/temporal.ts';
import { type RunningWorkers, startWorkers, until } from '../support/workers.ts';

type Behaviour = (task: PhotoTask, attempt: number) => Promise<void> | void;

let env: TestWorkflowEnvironment;
let house: Awaited<ReturnType<typeof openHouse>>;
let service: BatchService;
let behaviour: Behaviour = () => undefined;
const started = new Map<string, number>();
/** The test that submitted a batch. */
const testOf = new Map<string, string>();
let workers: RunningWorkers;

/** Stands in for the device: journals a result as the real activity does, and does to the photo what the test wants. */
const enhance: EnhanceActivities = {
  async enhancePhoto(task) {
    const key = `${task.batchId}.${task.index}`;
    started.set(key, (started.get(key) ?? 0) + 1);
    const known = await house.journal.outcome(task.batchId, task.index);
    if (known?.status === 'completed') return { status: 'completed' };
    await behaviour(task, Context.current().info.attempt);
    await house.journal.record(task.batchId, completedOutcome(task.index, task.epoch));
    return { status: 'completed' };
  },
};

/** Takes its time, and notices a cancellation. */
const slowly = (ms: number) => async () => {
  const context = Context.current();
  for (let waited = 0; waited < ms; waited += 50) {
    context.heartbeat({ index: 0, stage: 'enhancing', tilesDone: 0, tilesTotal: 1, faults: 0, begun: 1, ended: 0 });
    if (context.cancellationSignal.aborted) throw new CancelledFailure('CANCELLED');
    await sleep(50);
  }
};

beforeAll(async () => {
  [env, house] = await Promise.all([startTemporal(), openHouse()]);
  service = createBatchService({ client: env.client, ...house, heartbeatTimeoutMs: 3000, now: Date.now });
  workers = await startWorkers(env, house, enhance);
});

afterAll(async () => {
  await workers.stop();
  await env.teardown();
  await house.close();
});

async function submit(
  total: number,
  change: { maxWorkers?: number; refused?: number[]; open?: boolean } = {},
): Promise<string> {
  const batchId = newBatchId();
  testOf.set(batchId, expect.getState().currentTestName ?? '');
  const photos = Array.from({ length: total }, (_, index) =>
    makeRecord(
      index,
      change.refused?.includes(index) ? { refused: { code: 'unsupported_format', message: 'Not a photo.' } } : {},
    ),
  );
  const { maxWorkers = 4, open = false } = change;
  await service.submit(makeOrder(photos, { batchId, maxWorkers, open }));
  return batchId;
}

const timesStarted = (batchId: string, total: number): number[] =>
  Array.from({ length: total }, (_, index) => started.get(`${batchId}.${index}`) ?? 0);

describe('a batch', () => {
  it('settles every photo of 1,203 once, over several runs, and closes its books', async () => {
    behaviour = () => undefined;
    const batchId = await submit(1203, { maxWorkers: 40 });
    expect(await env.client.workflow.getHandle(batchId).result()).toEqual({
      status: 'completed',
      total: 1203,
      completed: 1203,
      failed: 0,
    });
    expect(timesStarted(batchId, 1203).every((times) => times === 1)).toBe(true);
    expect(await house.journal.summary(batchId)).toMatchObject({ status: 'completed', completed: 1203 });
    const described = await env.client.workflow.getHandle(batchId).describe();
    expect(described.historyLength).toBeLessThan(4000);
    expect(await service.view(batchId)).toMatchObject({ state: 'completed', share: 1, eta: 0, open: false });
  });

  it('loses no signal and no update when one run hands over to the next', async () => {
    behaviour = () => undefined;
    const [photos, additions] = [700, 40];
    const batchId = await submit(photos, { maxWorkers: 40, open: true });
    const handle = env.client.workflow.getHandle(batchId);
    const { runId } = await handle.describe();
    // Until the second run is well under way: additions by signal and by update in turn, and controls that come back to where they were.
    for (let count = 0; count < additions; count += 1) {
      await house.journal.leave(batchId, `addition-${count}`, [makeRecord(0)]);
      if (count % 2 === 0) await handle.signal(addPhotosSignal, `addition-${count}`);
      else await handle.executeUpdate(addPhotosUpdate, { args: [`addition-${count}`] });
      await handle.signal(count % 2 === 0 ? pauseSignal : resumeSignal);
      const settled = ((photos + 20) * (count + 1)) / additions;
      if (count % 2 === 1)
        await until(async () => (await handle.query(progressQuery)).completed >= Math.min(settled, photos), 'the next');
    }
    await handle.signal(sealSignal);
    expect(await handle.result()).toMatchObject({ status: 'completed', completed: photos + additions, failed: 0 });
    expect((await handle.describe()).runId).not.toBe(runId);
    expect(timesStarted(batchId, photos + additions).every((times) => times === 1)).toBe(true);
  });

  it('gives every addition places of its own, however many come at once', async () => {
    behaviour = () => undefined;
    const batchId = await submit(3, { open: true });
    const handle = env.client.workflow.getHandle(batchId);
    const ids = Array.from({ length: 8 }, (_, count) => `together-${count}`);
    await Promise.all(ids.map((id) => house.journal.leave(batchId, id, [makeRecord(0), makeRecord(1)])));
    const places = await Promise.all(ids.map((id) => handle.executeUpdate(addPhotosUpdate, { args: [id] })));
    expect(places.map(({ from }) => from).toSorted((a, b) => a - b)).toEqual(ids.map((_, count) => 3 + 2 * count));
    await handle.signal(sealSignal);
    expect(await handle.result()).toMatchObject({ status: 'completed', total: 19, completed: 19 });
  });

  it('isolates failures: typed ones at once, passing ones after a retry, refused photos without scheduling', async () => {
    behaviour = ({ index }, attempt) => {
      if (index === 1) throw ApplicationFailure.nonRetryable('The photo is damaged.', 'image_unreadable', [1]);
      if (index === 2 && attempt < 2) throw ApplicationFailure.retryable('disk', 'storage_unavailable');
    };
    const batchId = await submit(5, { refused: [4] });
    expect(await env.client.workflow.getHandle(batchId).result()).toEqual({
      status: 'partial_completed',
      total: 5,
      completed: 3,
      failed: 2,
    });
    expect(timesStarted(batchId, 5)).toEqual([1, 1, 2, 1, 0]);
    const photos = await service.photos(batchId, 0, 10);
    expect(photos.map(({ status }) => status)).toEqual(['completed', 'failed', 'completed', 'completed', 'failed']);
    expect(photos[1]?.error).toMatchObject({ code: 'image_unreadable', message: 'The photo is damaged.' });
    expect(photos[4]?.error?.code).toBe('unsupported_format');
  });

  it('is failed, not partial, when no photo succeeded; a resume does exactly the failed ones again', async () => {
    behaviour = () => {
      throw ApplicationFailure.nonRetryable('broken', 'engine_crashed');
    };
    const batchId = await submit(3);
    expect((await env.client.workflow.getHandle(batchId).result()) as unknown).toMatchObject({ status: 'failed' });
    behaviour = ({ index }) => {
      if (index === 0) throw ApplicationFailure.nonRetryable('broken', 'engine_crashed');
    };
    expect(await service.resume(batchId)).toMatchObject({ action: 'retrying', kept: 0, remaining: 3 });
    expect(await env.client.workflow.getHandle(batchId).result()).toMatchObject({
      status: 'partial_completed',
      completed: 2,
    });
    behaviour = () => undefined;
    expect(await service.resume(batchId)).toMatchObject({ action: 'retrying', kept: 2, remaining: 1 });
    expect(await env.client.workflow.getHandle(batchId).result()).toMatchObject({ status: 'completed', completed: 3 });
    expect(timesStarted(batchId, 3)).toEqual([3, 2, 2]);
    expect(await service.resume(batchId)).toMatchObject({ action: 'none', kept: 3, remaining: 0 });
  });

  it('pauses, resumes and changes its window by update and by signal, each idempotent', async () => {
    behaviour = slowly(200);
    const batchId = await submit(12, { maxWorkers: 2 });
    const handle = env.client.workflow.getHandle(batchId);
    expect((await handle.executeUpdate(pauseUpdate)).changed).toBe(true);
    expect((await handle.executeUpdate(pauseUpdate)).changed).toBe(false);
    await until(async () => (await handle.query(progressQuery)).inFlight === 0, 'the window to drain');
    const before = await handle.query(progressQuery);
    expect(before.state).toBe('paused');
    expect(await service.resume(batchId)).toMatchObject({ action: 'resumed' });
    expect(await service.resume(batchId)).toMatchObject({ action: 'none' });
    expect((await handle.executeUpdate(resumeUpdate)).changed).toBe(false);
    expect((await handle.executeUpdate(setMaxWorkersUpdate, { args: [8] })).progress.maxWorkers).toBe(8);
    await expect(handle.executeUpdate(setMaxWorkersUpdate, { args: [0] })).rejects.toThrow();
    await handle.signal(setMaxWorkersSignal, -3);
    await handle.signal(pauseSignal);
    await until(async () => (await handle.query(progressQuery)).state === 'paused', 'the signal to pause');
    expect((await handle.query(progressQuery)).maxWorkers).toBe(8);
    await handle.executeUpdate(resumeUpdate);
    expect(await handle.result()).toMatchObject({ status: 'completed', completed: 12 });
  });

  it('retries failures within its run when asked while it still works', async () => {
    behaviour = async (task, attempt) => {
      if (task.index === 0 && task.epoch === 0) throw ApplicationFailure.nonRetryable('once', 'engine_hung');
      await slowly(300)();
      void attempt;
    };
    const batchId = await submit(6, { maxWorkers: 2 });
    const handle = env.client.workflow.getHandle(batchId);
    await until(async () => (await handle.query(progressQuery)).failed === 1, 'the failure');
    expect((await handle.executeUpdate(retryFailedUpdate)).changed).toBe(true);
    expect(await handle.result()).toMatchObject({ status: 'completed', completed: 6 });
    expect(timesStarted(batchId, 6)).toEqual([2, 1, 1, 1, 1, 1]);
  });

  it('stops photos under way when it is cancelled, keeps what is finished, and can be resumed', async () => {
    behaviour = (task) => (task.index < 2 ? undefined : slowly(20_000)());
    const batchId = await submit(6, { maxWorkers: 3 });
    const handle = env.client.workflow.getHandle(batchId);
    await until(async () => (await handle.query(progressQuery)).completed === 2, 'two results');
    await service.cancel(batchId);
    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(await house.journal.summary(batchId)).toMatchObject({ status: 'cancelled', completed: 2, failed: 0 });
    await until(async () => (await service.view(batchId))?.open === false, 'the answer that is at most a second old');
    expect(await service.view(batchId)).toMatchObject({ state: 'cancelled', completed: 2 });
    behaviour = () => undefined;
    expect(await service.resume(batchId)).toMatchObject({ kept: 2, remaining: 4 });
    expect(await handle.result()).toMatchObject({ status: 'completed', completed: 6 });
    expect(timesStarted(batchId, 2)).toEqual([1, 1]);
  });

  it('takes single photos out, queued and under way', async () => {
    behaviour = slowly(400);
    const batchId = await submit(4, { maxWorkers: 1 });
    const handle = env.client.workflow.getHandle(batchId);
    await until(
      async () => (await handle.query(photosQuery)).photos.some(({ state }) => state === 'processing'),
      'a start',
    );
    const answer = await handle.executeUpdate(cancelPhotosUpdate, { args: [[0, 3]] });
    expect(answer.changed).toBe(true);
    expect(await handle.result()).toMatchObject({ status: 'partial_completed', completed: 2, failed: 2 });
    expect(started.get(`${batchId}.3`)).toBeUndefined();
  });

  it('goes on where it was when its workers were gone, and answers from the journal meanwhile', async () => {
    behaviour = slowly(200);
    const batchId = await submit(8, { maxWorkers: 2 });
    const handle = env.client.workflow.getHandle(batchId);
    await until(async () => (await handle.query(progressQuery)).completed >= 2, 'two results');
    await workers.stop();
    const alone = createBatchService({ client: env.client, ...house, heartbeatTimeoutMs: 3000, now: Date.now });
    expect(await alone.view(batchId)).toMatchObject({ stale: true, open: true, state: 'processing' });
    workers = await startWorkers(env, house, enhance);
    expect(await handle.result()).toMatchObject({ status: 'completed', completed: 8 });
  });

  it('is taken up from the journal after its workflow was terminated', async () => {
    behaviour = (task) => (task.index < 3 ? undefined : slowly(20_000)());
    const batchId = await submit(6, { maxWorkers: 2 });
    const handle = env.client.workflow.getHandle(batchId);
    await until(async () => (await handle.query(progressQuery)).completed === 3, 'three results');
    // One that began after the workflow's end would behave as what comes next.
    await until(async () => timesStarted(batchId, 5).every((times) => times === 1), 'two photos under way');
    await handle.terminate('test');
    behaviour = () => undefined;
    expect(await service.resume(batchId)).toMatchObject({ kept: 3, remaining: 3 });
    expect(await handle.result()).toMatchObject({ status: 'completed', completed: 6 });
    expect(timesStarted(batchId, 3)).toEqual([1, 1, 1]);
  });

  it('replays every history this file made', async () => {
    expect(await replayHistories(env, 'enhanceBatch', (batchId) => testOf.get(batchId))).toBeGreaterThan(10);
  });
});
