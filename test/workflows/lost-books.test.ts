/**
 * A worker that dies over the books, or that a task for them never reaches, holds a batch up for seconds: its silence is noticed. (A
 * restored cluster once stood still for ten minutes because a page was given to a worker that never heard of it.)
 */
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBatchService } from '../../src/batches/create-batch-service.ts';
import { completedOutcome, makeOrder, makeRecord, openHouse } from '../support/journal-fixtures.ts';
import { startTemporal } from '../support/temporal.ts';
import { type RunningWorkers, startWorkers } from '../support/workers.ts';

let env: TestWorkflowEnvironment;
let house: Awaited<ReturnType<typeof openHouse>>;
let workers: RunningWorkers | undefined;
const opened: number[] = [];
let letGo: () => void = () => undefined;
const lost = new Promise<void>((resolve) => (letGo = resolve));

beforeAll(async () => {
  [env, house] = await Promise.all([startTemporal(), openHouse()]);
  const enhance = {
    async enhancePhoto({ batchId, index, epoch }: { batchId: string; index: number; epoch: number }) {
      await house.journal.record(batchId, completedOutcome(index, epoch));
      return { status: 'completed' as const };
    },
  };
  workers = await startWorkers(env, house, enhance, {
    journal: (activities) => ({
      ...activities,
      // As of a worker that is gone: no answer, no heartbeat.
      async openPage(task) {
        opened.push(task.page);
        if (opened.length === 1) await lost;
        return await activities.openPage(task);
      },
    }),
  });
});
afterAll(async () => {
  letGo();
  await workers?.stop();
  await env.teardown();
  await house.close();
});

it('goes on with another worker after twenty seconds', async () => {
  const service = createBatchService({ client: env.client, ...house, heartbeatTimeoutMs: 3000, now: Date.now });
  const photos = Array.from({ length: 3 }, (_, index) => makeRecord(index));
  const order = makeOrder(photos, { maxWorkers: 2 });
  const since = Date.now();
  await service.submit(order);
  const result = await env.client.workflow.getHandle(order.batchId).result();
  expect(result).toMatchObject({ status: 'completed', completed: 3 });
  expect(opened).toEqual([0, 0]);
  expect(Date.now() - since).toBeGreaterThan(19_000);
}, 90_000);
