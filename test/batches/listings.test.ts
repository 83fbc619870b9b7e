/**
 * Property: a list of photos or operations costs about as much as it holds. A page goes on where the last ended, photos that were
 * deleted end no list, and the history of other tenants is neither read at one go nor asked of Temporal.
 */
import { Client, Connection } from '@temporalio/client';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { BatchService } from '../../src/batches/batch-service.ts';
import { createBatchService } from '../../src/batches/create-batch-service.ts';
import { KNOWS_NOTHING } from '../../src/cli/books.ts';
import { makeBatchId } from '../../src/contracts/ids.ts';
import { headerKey } from '../../src/storage/keys.ts';
import { sideBySide } from '../../src/storage/side-by-side.ts';
import { completedOutcome, makeHeader, makeRecord, openHouse } from '../support/journal-fixtures.ts';

const DAY_MS = 86_400_000;
let house: Awaited<ReturnType<typeof openHouse>>;
let service: BatchService;
let connection: Connection;

beforeEach(async () => {
  house = await openHouse();
  connection = Connection.lazy();
  service = createBatchService({
    client: new Client({ connection, interceptors: { workflow: [KNOWS_NOTHING] } }),
    store: house.store,
    journal: house.journal,
    heartbeatTimeoutMs: 1000,
    now: Date.now,
    onUnreadable: () => undefined,
  });
});
afterEach(async () => {
  await connection.close();
  await house.close();
});

/** A batch that was made so many days ago. */
async function makeBatch(tenant: string, daysAgo: number, photos = 1): Promise<string> {
  const batchId = makeBatchId(new Date(Date.now() - daysAgo * DAY_MS), randomBytes(10));
  const records = Array.from({ length: photos }, (_, index) => makeRecord(index));
  await house.journal.createBatch(makeHeader(batchId, photos, { tenant }), records);
  return batchId;
}

/** Headers of others, as many as their history has; written side by side, since none of them is ever read twice. */
async function makeOthers(count: number): Promise<void> {
  await sideBySide(Array.from({ length: count }), 32, async (_, at) => {
    const batchId = makeBatchId(new Date(Date.now() - (at % 3) * DAY_MS), randomBytes(10));
    const path = join(house.root, 'store', headerKey(batchId));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, JSON.stringify(makeHeader(batchId, 1, { tenant: 'two' })));
  });
}

/** Every page of a listing, followed to its end. */
async function follow<T>(
  read: (cursor?: string) => Promise<{ found: T[]; nextCursor: string | null }>,
): Promise<T[][]> {
  const pages: T[][] = [];
  let cursor: string | undefined;
  do {
    const { found, nextCursor } = await read(cursor);
    pages.push(found);
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined && pages.length < 100);
  return pages;
}

const photosOf = (tenant: string, limit: number) =>
  follow(async (cursor) => {
    const page = await service.recentPhotos({ tenant, limit, ...(cursor === undefined ? {} : { cursor }) });
    return { found: page.photos.map(({ photoId }) => photoId), nextCursor: page.nextCursor };
  });

it('lists every photo once, also behind those that were deleted', async () => {
  const older = await makeBatch('one', 40, 3);
  const newer = await makeBatch('one', 1, 7);
  for (const index of [1, 2, 3, 4]) {
    await house.journal.record(newer, { ...completedOutcome(index), status: 'removed', reason: 'deleted' } as never);
  }
  const photos = [...[0, 5, 6].map((index) => `${newer}.${index}`), ...[0, 1, 2].map((index) => `${older}.${index}`)];
  for (const limit of [1, 2, 3, 5, 6, 100]) {
    const pages = await photosOf('one', limit);
    expect(pages.flat(), `${limit} a page`).toEqual(photos);
    expect(pages).toHaveLength(Math.ceil(photos.length / limit));
  }
});

it('reads a thousand batches of others for an answer, each once, and says where to go on', async () => {
  const own = await makeBatch('one', 30);
  await makeOthers(1100);
  const headers = vi.spyOn(house.journal, 'header');
  const lists = vi.spyOn(house.store, 'list');
  const first = await service.recentPhotos({ tenant: 'one', limit: 10 });
  expect(first.photos).toEqual([]);
  expect(headers.mock.calls.length).toBeLessThanOrEqual(1008); // and those read ahead
  expect(lists.mock.calls.length).toBeLessThan(20);
  headers.mockClear();
  lists.mockClear();
  const second = await service.recentPhotos({ tenant: 'one', limit: 10, cursor: first.nextCursor ?? '' });
  expect(second.photos.map(({ photoId }) => photoId)).toEqual([`${own}.0`]);
  expect(second.nextCursor).toBeNull();
  expect(headers.mock.calls.length).toBeLessThan(120);
  const gone = service.recentPhotos({ tenant: 'one', limit: 10, signal: AbortSignal.abort(new Error('gone')) });
  await expect(gone).rejects.toThrow('gone');
});

it('lists operations page by page, and a day once for many that are passed over', async () => {
  const own: string[] = [];
  for (let at = 0; at < 40; at++) own.push(await makeBatch('one', at % 5));
  await makeOthers(300);
  const pages = await follow(async (cursor) => {
    const page = await service.operations({ tenant: 'one', limit: 15, ...(cursor === undefined ? {} : { cursor }) });
    return { found: page.operations.map(({ operationId }) => operationId), nextCursor: page.nextCursor };
  });
  expect(pages.flat()).toEqual(own.toSorted().toReversed());
  const lists = vi.spyOn(house.store, 'list');
  const none = await service.operations({ tenant: 'one', limit: 1, state: 'paused' });
  expect(none).toEqual({ operations: [], nextCursor: null });
  expect(lists.mock.calls.filter(([prefix]) => /\d{4}\/\d\d\/\d\d$/.test(prefix)).length).toBeLessThan(20);
});
