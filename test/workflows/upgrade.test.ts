/**
 * New workflow code under a running batch: behind `patched()` the batch goes on by its old path and new ones take the new;
 * without it the recorded histories catch the mistake before anyone ships it.
 */
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBatchService } from '../../src/batches/create-batch-service.ts';
import type { BatchService } from '../../src/batches/batch-service.ts';
import { pauseUpdate, progressQuery, resumeUpdate } from '../../src/contracts/workflow-api.ts';
import { completedOutcome, makeRecord, makeOrder, openHouse } from '../support/journal-fixtures.ts';
import { startTemporal, workflowBundle } from '../support/temporal.ts';
import { type RunningWorkers, startWorkers, until } from '../support/workers.ts';

let env: TestWorkflowEnvironment;
let house: Awaited<ReturnType<typeof openHouse>>;
let service: BatchService;
let workers: RunningWorkers | undefined;

const enhance = {
  async enhancePhoto({ batchId, index, epoch }: { batchId: string; index: number; epoch: number }) {
    await sleep(50);
    await house.journal.record(batchId, completedOutcome(index, epoch));
    return { status: 'completed' as const };
  },
};

const bundleOf = (name: string) =>
  bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL(`../fixtures/upgrade/${name}.ts`, import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });

beforeAll(async () => {
  [env, house] = await Promise.all([startTemporal(), openHouse()]);
  service = createBatchService({ client: env.client, ...house, heartbeatTimeoutMs: 3000, now: Date.now });
});
afterAll(async () => {
  await workers?.stop();
  await env.teardown();
  await house.close();
});

async function submit(): Promise<string> {
  const photos = Array.from({ length: 6 }, (_, index) => makeRecord(index));
  const order = makeOrder(photos, { maxWorkers: 1 });
  await service.submit(order);
  return order.batchId;
}

const timersOf = async (batchId: string): Promise<number> => {
  const { events } = await env.client.workflow.getHandle(batchId).fetchHistory();
  return (events ?? []).filter(({ timerStartedEventAttributes }) => timerStartedEventAttributes).length;
};

it('[64] lets a running batch finish on its old path and new batches take the new one', async () => {
  workers = await startWorkers(env, house, enhance);
  const running = await submit();
  const handle = env.client.workflow.getHandle(running);
  await until(async () => (await handle.query(progressQuery)).completed >= 2, 'two photos');
  await handle.executeUpdate(pauseUpdate);
  await workers.stop();

  workers = await startWorkers(env, house, enhance, { workflowBundle: await bundleOf('patched') });
  await handle.executeUpdate(resumeUpdate);
  expect(await handle.result()).toMatchObject({ status: 'completed', completed: 6 });
  expect(await timersOf(running)).toBe(0);

  const fresh = await submit();
  expect(await env.client.workflow.getHandle(fresh).result()).toMatchObject({ status: 'completed', completed: 6 });
  expect(await timersOf(fresh)).toBe(1);

  const history = await handle.fetchHistory();
  await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history, running);
  const careless = Worker.runReplayHistory({ workflowBundle: await bundleOf('unpatched') }, history, running);
  await expect(careless).rejects.toBeInstanceOf(DeterminismViolationError);
});
