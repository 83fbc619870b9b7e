/**
 * A batch outlives its workflow: terminated, timed out, or forgotten by a server with an empty database, it is taken up from
 * the journal alone, says what it will not do again, and does not do it.
 */
import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createBatchService } from '../../src/batches/create-batch-service.ts';
import type { BatchService } from '../../src/batches/batch-service.ts';
import type { EnhanceActivities } from '../../src/contracts/activities.ts';
import {
  ENHANCE_BATCH,
  type EnhanceBatchWorkflow,
  progressQuery,
  TASK_QUEUES,
} from '../../src/contracts/workflow-api.ts';
import { completedOutcome, makeHeader, makeRecord, newBatchId, openHouse } from '../support/journal-fixtures.ts';
import { replayHistories } from '../support/histories.ts';
import { startTemporal } from '../support/temporal.ts';
import { type RunningWorkers, startWorkers, until } from '../support/workers.ts';

const TOTAL = 6;
const DONE = 3;

let env: TestWorkflowEnvironment;
let house: Awaited<ReturnType<typeof openHouse>>;
let workers: RunningWorkers;
let service: BatchService;
/** Photos from this place on are not finished. */
let stuckFrom = Infinity;
let underWay = 0;
const started: string[] = [];

/** Stands in for the device; a photo that is stuck notices, as the real one does, that its batch is gone. */
const enhance: EnhanceActivities = {
  async enhancePhoto({ batchId, index, epoch }) {
    started.push(`${batchId}.${index}`);
    const { cancellationSignal } = Context.current();
    underWay += 1;
    try {
      while (index >= stuckFrom) {
        Context.current().heartbeat();
        await sleep(50, undefined, { signal: cancellationSignal });
      }
    } catch {
      throw new CancelledFailure('CANCELLED');
    } finally {
      underWay -= 1;
    }
    await house.journal.record(batchId, completedOutcome(index, epoch));
    return { status: 'completed' };
  },
};

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

beforeEach(async () => {
  env = await startTemporal();
  await moveIn(env);
});
afterEach(async () => {
  stuckFrom = Infinity;
  await workers.stop();
  await replayHistories(env, ENHANCE_BATCH, () => expect.getState().currentTestName);
  await env.teardown();
});

async function moveIn(server: TestWorkflowEnvironment): Promise<void> {
  service = createBatchService({ client: server.client, ...house, heartbeatTimeoutMs: 1000, now: Date.now });
  workers = await startWorkers(server, house, enhance);
}

/** A batch of which half is done, its workflow started as the API does, except for `options`. */
async function halfDone(options: { workflowExecutionTimeout?: number } = {}): Promise<string> {
  stuckFrom = DONE;
  const header = makeHeader(newBatchId(), TOTAL, { createdAt: Date.now() });
  const { batchId, total, kilopixels, maxWorkers, priority, tenant } = header;
  await house.journal.createBatch(
    header,
    Array.from({ length: TOTAL }, (_, index) => makeRecord(index)),
  );
  const handle = await env.client.workflow.start<EnhanceBatchWorkflow>(ENHANCE_BATCH, {
    workflowId: batchId,
    taskQueue: TASK_QUEUES.orchestration,
    args: [{ batchId, total, kilopixels, maxWorkers, priority, tenant, heartbeatTimeoutMs: 1000 }],
    ...options,
  });
  await until(async () => (await handle.query(progressQuery)).completed === DONE, 'half of the photos');
  return batchId;
}

async function expectTakenUp(batchId: string): Promise<void> {
  await until(async () => Promise.resolve(underWay === 0), 'the end of what was under way');
  const before = await service.view(batchId);
  expect(before).toMatchObject({ state: 'failed', completed: DONE, open: false, stale: false });
  expect(before?.message).toContain(`stopped from outside after ${DONE} of ${TOTAL}`);
  stuckFrom = Infinity;
  started.length = 0;
  const report = await service.resume(batchId);
  expect(report).toMatchObject({ kept: DONE, remaining: TOTAL - DONE });
  expect(report.message).toContain(`${DONE} done before are not done again`);
  await until(async () => (await service.view(batchId))?.state === 'completed', 'the end');
  expect(await service.view(batchId)).toMatchObject({ completed: TOTAL, failed: 0 });
  expect(started.filter((photo) => photo.startsWith(batchId)).toSorted()).toEqual(
    [3, 4, 5].map((index) => `${batchId}.${index}`),
  );
  expect(await service.resume(batchId)).toMatchObject({ action: 'none', kept: TOTAL, remaining: 0 });
}

/** How long one attempt at an activity may take. */
async function secondsFor(handle: WorkflowHandle, activity: string): Promise<number> {
  const { events } = await handle.fetchHistory();
  const scheduled = (events ?? [])
    .map(({ activityTaskScheduledEventAttributes }) => activityTaskScheduledEventAttributes)
    .find((attributes) => attributes?.activityType?.name === activity);
  return Number(scheduled?.startToCloseTimeout?.seconds);
}

describe('a batch is taken up again', () => {
  it('after its workflow timed out', async () => {
    const batchId = await halfDone({ workflowExecutionTimeout: 10_000 });
    const handle = env.client.workflow.getHandle(batchId);
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'TimeoutFailure' } });
    await until(async () => (await service.view(batchId))?.open === false, 'the answer that is at most a second old');
    await expectTakenUp(batchId);
  });

  it('after its workflow was terminated', async () => {
    const batchId = await halfDone();
    const handle = env.client.workflow.getHandle(batchId);
    await handle.terminate('by hand');
    await until(async () => (await service.view(batchId))?.open === false, 'the answer that is at most a second old');
    await expectTakenUp(batchId);
    // 100,000 outcomes on a slow store take more than minutes to count, two of the largest photos on one device more than a day.
    expect(await secondsFor(handle, 'surveyBatch')).toBe(2 * 3600);
    expect(await secondsFor(handle, 'enhancePhoto')).toBe(30 * 24 * 3600);
  });

  it('when a run of it must end in the middle of a page', { timeout: 240_000 }, async () => {
    const header = makeHeader(newBatchId(), 703, { createdAt: Date.now(), maxWorkers: 60 });
    const { batchId, total } = header;
    await house.journal.createBatch(
      header,
      Array.from({ length: total }, (_, index) => makeRecord(index)),
    );
    // 503 are missing: three more than a run takes, in the middle of the second page.
    for (let index = 0; index < 200; index += 1) await house.journal.record(batchId, completedOutcome(index));
    started.length = 0;
    expect(await service.resume(batchId)).toMatchObject({ kept: 200, remaining: 503 });
    const result = await env.client.workflow.getHandle(batchId).result();
    expect(result).toMatchObject({ status: 'completed', completed: total });
    expect(new Set(started).size).toBe(503);
  });

  it('on a server that knows nothing of it', async () => {
    const batchId = await halfDone();
    await workers.stop();
    await env.teardown();
    env = await startTemporal();
    await moveIn(env);
    await expectTakenUp(batchId);
  });
});
