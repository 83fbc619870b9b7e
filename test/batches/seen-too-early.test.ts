/** A batch that somebody saw while it was being submitted is not `failed`, or unknown, to those who ask once it has been accepted. */
import { Client, Connection, type WorkflowClientInterceptor, WorkflowNotFoundError } from '@temporalio/client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BatchService } from '../../src/batches/batch-service.ts';
import { createBatchService } from '../../src/batches/create-batch-service.ts';
import { makeHeader, makeRecord, newBatchId, openHouse } from '../support/journal-fixtures.ts';

let house: Awaited<ReturnType<typeof openHouse>>;
let connection: Connection;

beforeEach(async () => {
  house = await openHouse();
  connection = Connection.lazy();
});
afterEach(async () => {
  await connection.close();
  await house.close();
});

it('is queued', async () => {
  const { kind, tenant, options, maxWorkers, checkpointEnabled, rollbackEnabled, batchId } = makeHeader(
    newBatchId(),
    1,
  );
  const batch = { kind, tenant, options, maxWorkers, checkpointEnabled, rollbackEnabled, batchId };
  const seen: (string | undefined)[] = [];
  let started = false;
  const look = async (service: BatchService) => seen.push((await service.view(batch.batchId))?.state);
  /** A Temporal that somebody looks into just before the workflow is there. */
  const temporal: WorkflowClientInterceptor = {
    async startWithDetails({ options }) {
      await look(service);
      started = true;
      return {
        workflowId: options.workflowId,
        runId: 'run',
        firstExecutionRunId: 'run',
        eagerlyStarted: false,
      } as never;
    },
    describe: ({ workflowExecution: { workflowId, runId } }) =>
      started
        ? Promise.resolve({ workflowExecutionInfo: { status: 1, execution: { workflowId }, type: {} } } as never)
        : Promise.reject(new WorkflowNotFoundError('unknown', workflowId ?? '', runId ?? undefined)),
    query: () => Promise.reject(new Error('No worker answers yet')),
  };
  const service = createBatchService({
    client: new Client({ connection, interceptors: { workflow: [temporal] } }),
    store: house.store,
    journal: house.journal,
    heartbeatTimeoutMs: 1000,
    now: Date.now,
  });
  await service.submit({ ...batch, photos: [makeRecord(0)] });
  await look(service);
  expect(seen).toEqual(['failed', 'queued']);
});
