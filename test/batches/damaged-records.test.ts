/** One damaged record hides what depends on it and nothing else: the rest of a listing is still answered, and whose it was is said. */
import { Client, Connection } from '@temporalio/client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BatchService } from '../../src/batches/batch-service.ts';
import { createBatchService } from '../../src/batches/create-batch-service.ts';
import { KNOWS_NOTHING } from '../../src/cli/books.ts';
import { headerKey, summaryKey } from '../../src/storage/keys.ts';
import { makeHeader, makeRecord, newBatchId, openHouse } from '../support/journal-fixtures.ts';

let house: Awaited<ReturnType<typeof openHouse>>;
let service: BatchService;
let left: string[];
let connection: Connection;

beforeEach(async () => {
  house = await openHouse();
  left = [];
  connection = Connection.lazy();
  service = createBatchService({
    client: new Client({ connection, interceptors: { workflow: [KNOWS_NOTHING] } }),
    store: house.store,
    journal: house.journal,
    heartbeatTimeoutMs: 1000,
    now: Date.now,
    onUnreadable: ({ key }) => left.push(key),
  });
});
afterEach(async () => {
  await connection.close();
  await house.close();
});

async function makeBatch(): Promise<string> {
  const batchId = newBatchId();
  await house.journal.createBatch(makeHeader(batchId, 1), [makeRecord(0)]);
  return batchId;
}

it.each([
  ['header', headerKey, '{"batchId":'],
  ['summary', summaryKey, '{"state":"unheard of"}'],
])('of a batch: its %s', async (_, keyOf, damaged) => {
  const [whole, other] = [await makeBatch(), await makeBatch()];
  await house.store.write(keyOf(other), Buffer.from(damaged));
  const { tenant } = makeHeader(whole, 1);
  const { operations } = await service.operations({ tenant, limit: 10 });
  expect(operations.map(({ operationId }) => operationId)).toEqual([whole]);
  expect(left).toEqual([keyOf(other)]);
  const { photos } = await service.recentPhotos({ tenant, limit: 10 });
  expect(photos.map(({ batchId }) => batchId)).toEqual([whole]);
  // Asked for by its ID it is no secret that it is damaged.
  await expect(service.view(other)).rejects.toMatchObject({ code: 'storage_unavailable' });
});
