/**
 * What a batch is asked for comes at any moment, by signal without anybody to hear of a mistake. None of it ends the batch
 * over photos under way, or before photos that are still to come, or with books that say less than was done.
 */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchService } from '../../src/batches/batch-service.ts';
import { createBatchService } from '../../src/batches/create-batch-service.ts';
import type { BatchToClose, EnhanceActivities } from '../../src/contracts/activities.ts';
import {
  addPhotosSignal,
  addPhotosUpdate,
  cancelPhotosSignal,
  progressQuery,
  sealSignal,
} from '../../src/contracts/workflow-api.ts';
import { completedOutcome, makeOrder, makeRecord, newBatchId, openHouse } from '../support/journal-fixtures.ts';
import { replayHistories } from '../support/histories.ts';
import { startTemporal } from '../support/temporal.ts';
import { type RunningWorkers, startWorkers, until } from '../support/workers.ts';

let env: TestWorkflowEnvironment;
let house: Awaited<ReturnType<typeof openHouse>>;
let service: BatchService;
let workers: RunningWorkers;
const testOf = new Map<string, string>();
const closings: BatchToClose[] = [];
/** Photos that noticed a cancellation, and those of them that then stopped. */
const told = new Set<string>();
const stopped = new Set<string>();
let appending: () => Promise<void> = () => Promise.resolve();
let surveying: () => Promise<void> = () => Promise.resolve();
let enhancing: EnhanceActivities['enhancePhoto'];

/** Done at once. */
const atOnce: typeof enhancing = async ({ batchId, index, epoch }) => {
  await house.journal.record(batchId, completedOutcome(index, epoch));
  return { status: 'completed' };
};

/** Never done, and slow to stop. */
const slowToStop: typeof enhancing = async ({ batchId, index }) => {
  const context = Context.current();
  while (!context.cancellationSignal.aborted) {
    context.heartbeat();
    await sleep(50);
  }
  told.add(`${batchId}.${index}`);
  await sleep(1500);
  stopped.add(`${batchId}.${index}`);
  throw new CancelledFailure('CANCELLED');
};

beforeAll(async () => {
  [env, house] = await Promise.all([startTemporal(), openHouse()]);
  service = createBatchService({ client: env.client, ...house, heartbeatTimeoutMs: 10_000, now: Date.now });
  workers = await startWorkers(
    env,
    house,
    { enhancePhoto: (task) => enhancing(task) },
    {
      journal: (activities) => ({
        ...activities,
        async appendPhotos(task) {
          await appending();
          return await activities.appendPhotos(task);
        },
        async surveyBatch(task) {
          await surveying();
          return await activities.surveyBatch(task);
        },
        async closeBatch(batch) {
          closings.push(batch);
          return await activities.closeBatch(batch);
        },
      }),
    },
  );
});

afterAll(async () => {
  await workers.stop();
  await env.teardown();
  await house.close();
});

async function submit(total: number, change: { open?: boolean } = {}) {
  const batchId = newBatchId();
  testOf.set(batchId, expect.getState().currentTestName ?? '');
  const photos = Array.from({ length: total }, (_, index) => makeRecord(index));
  await service.submit(makeOrder(photos, { batchId, ...change }));
  return { batchId, handle: env.client.workflow.getHandle(batchId) };
}

const closingsOf = (batchId: string) =>
  closings
    .filter((closing) => closing.batchId === batchId)
    .map(({ status, total, completed }) => ({ status, total, completed }));

describe('a signal', () => {
  it('that waits for a photo to stop does not end a batch that is cancelled meanwhile', async () => {
    enhancing = slowToStop;
    const { batchId, handle } = await submit(2);
    await until(async () => (await handle.query(progressQuery)).inFlight === 2, 'both photos');
    await handle.signal(cancelPhotosSignal, [0]);
    await until(() => Promise.resolve(told.has(`${batchId}.0`)), 'the photo to be told');
    await handle.cancel();
    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect([...stopped]).toEqual(expect.arrayContaining([`${batchId}.0`, `${batchId}.1`]));
    expect((await handle.describe()).status.name).toBe('CANCELLED');
    expect(await house.journal.summary(batchId)).toMatchObject({ status: 'cancelled', failed: 1 });
  });

  it('that waits for an addition does not end a batch that is cancelled meanwhile', async () => {
    enhancing = slowToStop;
    let asked = false;
    appending = async () => {
      asked = true;
      await sleep(1000);
    };
    const { batchId, handle } = await submit(1, { open: true });
    await house.journal.leave(batchId, 'more', [makeRecord(0)]);
    await until(async () => (await handle.query(progressQuery)).inFlight === 1, 'the photo');
    await handle.signal(addPhotosSignal, 'more');
    await until(() => Promise.resolve(asked), 'the addition');
    await handle.cancel();
    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(stopped.has(`${batchId}.0`)).toBe(true);
    expect(closingsOf(batchId)).toHaveLength(1);
    appending = () => Promise.resolve();
  });

  it('that names an addition which is not there, or can be none, changes nothing', async () => {
    enhancing = atOnce;
    const { batchId, handle } = await submit(1, { open: true });
    for (const name of ['nope', 'my photos', '../header', '', 'x'.repeat(300)])
      await handle.signal(addPhotosSignal, name);
    for (const name of ['my photos', '../header', '', 'x'.repeat(300)])
      await expect(handle.executeUpdate(addPhotosUpdate, { args: [name] })).rejects.toBeInstanceOf(
        WorkflowUpdateFailedError,
      );
    await house.journal.leave(batchId, 'true', [makeRecord(0)]);
    expect(await handle.executeUpdate(addPhotosUpdate, { args: ['true'] })).toEqual({ from: 1, count: 1 });
    await handle.signal(sealSignal);
    expect(await handle.result()).toMatchObject({ status: 'completed', total: 2, completed: 2 });
  });

  it('that seals a batch while an addition is being taken in lets it end once, with the addition', async () => {
    enhancing = atOnce;
    appending = () => sleep(500);
    const { batchId, handle } = await submit(0, { open: true });
    await house.journal.leave(batchId, 'last', [makeRecord(0), makeRecord(1)]);
    await handle.signal(addPhotosSignal, 'last');
    await handle.signal(sealSignal);
    expect(await handle.result()).toMatchObject({ status: 'completed', total: 2, completed: 2 });
    expect(closingsOf(batchId)).toEqual([{ status: 'completed', total: 2, completed: 2 }]);
    appending = () => Promise.resolve();
  });
});

describe('a cancellation', () => {
  it('of a resume that is still counting keeps the count of what was done', async () => {
    enhancing = async (task) => {
      if (task.index > 0) throw ApplicationFailure.nonRetryable('Damaged.', 'image_unreadable');
      return await atOnce(task);
    };
    const { batchId, handle } = await submit(3);
    expect(await handle.result()).toMatchObject({ status: 'partial_completed', completed: 1 });
    let counting = false;
    surveying = async () => {
      counting = true;
      await sleep(1000);
    };
    await service.resume(batchId);
    await until(() => Promise.resolve(counting), 'the count');
    await handle.cancel();
    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(await house.journal.summary(batchId)).toMatchObject({ status: 'cancelled', total: 3, completed: 1 });
    surveying = () => Promise.resolve();
  });
});

it('all of it replays', async () => {
  expect(await replayHistories(env, 'enhanceBatch', (batchId) => testOf.get(batchId))).toBe(6);
});
