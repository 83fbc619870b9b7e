/** A batch can rest for weeks, paused or open: however often it is asked for things, its history does not grow without end. */
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBatchService } from '../../src/batches/create-batch-service.ts';
import {
  addPhotosUpdate,
  pauseUpdate,
  progressQuery,
  resumeUpdate,
  sealSignal,
  setPriorityUpdate,
} from '../../src/contracts/workflow-api.ts';
import { completedOutcome, makeOrder, makeRecord, newBatchId, openHouse } from '../support/journal-fixtures.ts';
import { replayHistories } from '../support/histories.ts';
import { startTemporal } from '../support/temporal.ts';
import { type RunningWorkers, startWorkers, until } from '../support/workers.ts';

/** Events after which Temporal advises to continue as new; 4096 where nobody says otherwise. */
const LONG = 60;

let env: TestWorkflowEnvironment;
let house: Awaited<ReturnType<typeof openHouse>>;
let workers: RunningWorkers;
const testOf = new Map<string, string>();
/** Photos in the order in which they were begun. */
const begun: string[] = [];
let letGo: () => void = () => undefined;

beforeAll(async () => {
  [env, house] = await Promise.all([startTemporal([`limit.historyCount.suggestContinueAsNew=${LONG}`]), openHouse()]);
  const held = new Promise<void>((resolve) => (letGo = resolve));
  workers = await startWorkers(env, house, {
    async enhancePhoto({ batchId, index, epoch }) {
      begun.push(`${batchId}.${index}`);
      if (index === 0 && begun.length === 1) await held;
      await house.journal.record(batchId, completedOutcome(index, epoch));
      return { status: 'completed' };
    },
  });
});
afterAll(async () => {
  await workers.stop();
  await env.teardown();
  await house.close();
});

async function submit(total: number, change: { open?: boolean }): Promise<{ batchId: string; handle: WorkflowHandle }> {
  const batchId = newBatchId();
  testOf.set(batchId, expect.getState().currentTestName ?? '');
  const service = createBatchService({ client: env.client, ...house, heartbeatTimeoutMs: 20_000, now: Date.now });
  const photos = Array.from({ length: total }, (_, index) => makeRecord(index));
  await service.submit(makeOrder(photos, { batchId, maxWorkers: 1, ...change }));
  return { batchId, handle: env.client.workflow.getHandle(batchId) };
}

/** @returns how many runs the batch had while it was asked for things {@link LONG} times, each with an event or more. */
async function askAgainAndAgain(handle: WorkflowHandle): Promise<number> {
  const runs = new Set<string>();
  for (let times = 0; times < LONG; times += 1) {
    const priority = 1 + (times % 5);
    const { progress } = await handle.executeUpdate(setPriorityUpdate, { args: [priority] });
    expect(progress.priority).toBe(priority);
    runs.add((await handle.describe()).runId);
  }
  return runs.size;
}

describe('a batch that rests', () => {
  it('paused, hands over what is queued and goes on with it when it is resumed', async () => {
    const { batchId, handle } = await submit(4, {});
    await until(() => Promise.resolve(begun.length === 1), 'the first photo');
    await handle.executeUpdate(pauseUpdate);
    letGo();
    await until(async () => (await handle.query(progressQuery)).inFlight === 0, 'the rest');
    expect(await askAgainAndAgain(handle)).toBeGreaterThan(2);
    expect(await handle.query(progressQuery)).toMatchObject({ state: 'paused', completed: 1, total: 4 });
    await handle.executeUpdate(resumeUpdate);
    expect(await handle.result()).toMatchObject({ status: 'completed', completed: 4 });
    expect(begun).toEqual([0, 1, 2, 3].map((index) => `${batchId}.${index}`));
  });

  it('open, hands over and takes in photos as before', async () => {
    const { batchId, handle } = await submit(0, { open: true });
    expect(await askAgainAndAgain(handle)).toBeGreaterThan(2);
    await house.journal.leave(batchId, 'late', [makeRecord(0), makeRecord(1)]);
    expect(await handle.executeUpdate(addPhotosUpdate, { args: ['late'] })).toEqual({ from: 0, count: 2 });
    await handle.signal(sealSignal);
    expect(await handle.result()).toMatchObject({ status: 'completed', total: 2, completed: 2 });
  });

  it('replays in every run of this file', async () => {
    expect(await replayHistories(env, 'enhanceBatch', (batchId) => testOf.get(batchId))).toBeGreaterThan(5);
  });
});
