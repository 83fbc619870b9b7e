/**
 * A workflow hands the trace that it was started in on to all its activities and to its next run, below the run itself; and
 * it takes the same steps with the interceptor and without, so that tracing can come and go under a running batch.
 */
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBatchService } from '../../src/batches/create-batch-service.ts';
import { TRACE_HEADER } from '../../src/contracts/traces.ts';
import { completedOutcome, makeRecord, makeOrder, openHouse } from '../support/journal-fixtures.ts';
import { startTemporal, workflowBundle } from '../support/temporal.ts';
import { type RunningWorkers, startWorkers } from '../support/workers.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const GIVEN = `00-${TRACE_ID}-00f067aa0ba902b7-01`;
/** Few enough events that a small batch goes on in a second run. */
const SUGGESTS_AT = 100;
const PHOTOS = 60;

let env: TestWorkflowEnvironment;
let house: Awaited<ReturnType<typeof openHouse>>;
let workers: RunningWorkers | undefined;

beforeAll(async () => {
  [env, house] = await Promise.all([
    startTemporal([`limit.historyCount.suggestContinueAsNew=${SUGGESTS_AT}`]),
    openHouse(),
  ]);
  workers = await startWorkers(env, house, {
    async enhancePhoto({ batchId, index, epoch }) {
      await house.journal.record(batchId, completedOutcome(index, epoch));
      return { status: 'completed' };
    },
  });
});
afterAll(async () => {
  await workers?.stop();
  await env.teardown();
  await house.close();
});

/** @param traceparent - what the client says; none without tracing. @returns the histories of all runs, oldest first */
async function runBatch(total: number, traceparent: string | undefined) {
  const headers = traceparent && { [TRACE_HEADER]: defaultPayloadConverter.toPayload({ traceparent }) };
  const client = new Client({
    connection: env.connection,
    ...(env.namespace ? { namespace: env.namespace } : {}),
    interceptors: {
      workflow: [{ startWithDetails: (input, next) => next({ ...input, headers: { ...input.headers, ...headers } }) }],
    },
  });
  const service = createBatchService({ client, ...house, heartbeatTimeoutMs: 3000, now: Date.now });
  const photos = Array.from({ length: total }, (_, index) => makeRecord(index));
  const order = makeOrder(photos, { maxWorkers: 8 });
  const { batchId } = order;
  await service.submit(order);
  await env.client.workflow.getHandle(batchId).result();
  const runs = [];
  for await (const { runId } of env.client.workflow.list({ query: `WorkflowId = "${batchId}"` })) {
    runs.push({ runId, history: await env.client.workflow.getHandle(batchId, runId).fetchHistory() });
  }
  return { batchId, runs: runs.toReversed() };
}

type Run = Awaited<ReturnType<typeof runBatch>>['runs'][number];

/** What activities of a run were told, each once. */
function handedOn({ history }: Run): unknown[] {
  const told = (history.events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => {
    if (!scheduled) return [];
    const payload = scheduled.header?.fields?.[TRACE_HEADER];
    return [payload ? defaultPayloadConverter.fromPayload<{ traceparent: string }>(payload).traceparent : undefined];
  });
  return [...new Set(told)];
}

it('reaches every activity of every run, below that run', async () => {
  const { runs } = await runBatch(PHOTOS, GIVEN);
  expect(runs.length).toBeGreaterThan(1);
  const spans = runs.map(({ runId }) => runId.replaceAll('-', '').slice(-16));
  expect(new Set(spans).size).toBe(runs.length);
  for (const [at, run] of runs.entries()) expect(handedOn(run)).toEqual([`00-${TRACE_ID}-${spans[at]}-01`]);
});

it('is not there where nobody began one', async () => {
  const { runs } = await runBatch(3, undefined);
  for (const run of runs) expect(handedOn(run)).toEqual([undefined]);
});

it('changes no step: a history recorded with it replays without, and the other way round', async () => {
  const bare = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  for (const traceparent of [GIVEN, undefined]) {
    const { batchId, runs } = await runBatch(20, traceparent);
    for (const { history } of runs) {
      await Worker.runReplayHistory({ workflowBundle: bare }, history, batchId);
      await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history, batchId);
    }
  }
});
