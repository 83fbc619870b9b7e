/** The journal keeps one outcome a photo and round, the latest round counts, a tombstone counts above all. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Journal } from '../../src/storage/journal.ts';
import {
  completedOutcome,
  failedOutcome,
  makeHeader,
  makeRecord,
  newBatchId,
  openHouse,
} from '../support/journal-fixtures.ts';

describe('journal', () => {
  let journal: Journal;
  let close: () => Promise<void>;
  beforeAll(async () => {
    ({ journal, close } = await openHouse());
  });
  afterAll(() => close());

  it('pages a manifest of 1,201 photos', async () => {
    const batchId = newBatchId();
    await journal.createBatch(
      makeHeader(batchId, 1201),
      Array.from({ length: 1201 }, (_, index) => makeRecord(index)),
    );
    expect((await journal.header(batchId))?.total).toBe(1201);
    expect((await journal.page(batchId, 0)).length).toBe(500);
    expect((await journal.page(batchId, 2)).length).toBe(201);
    expect(await journal.page(batchId, 3)).toEqual([]);
    expect((await journal.photo(batchId, 777))?.name).toBe('photo-777.jpg');
    expect(await journal.photo(batchId, 1201)).toBeUndefined();
  });

  it('records an outcome once a round; the latest round counts', async () => {
    const batchId = newBatchId();
    expect(await journal.record(batchId, failedOutcome(7, 0))).toBe(true);
    expect(await journal.record(batchId, completedOutcome(7, 0))).toBe(false);
    expect((await journal.outcome(batchId, 7))?.status).toBe('failed');
    expect(await journal.record(batchId, completedOutcome(7, 1))).toBe(true);
    expect((await journal.outcome(batchId, 7))?.status).toBe('completed');
    expect(await journal.outcome(batchId, 70)).toBeUndefined();
  });

  it('lets a tombstone count above every round, also a later one', async () => {
    const batchId = newBatchId();
    await journal.record(batchId, completedOutcome(501, 0));
    await journal.record(batchId, {
      status: 'removed',
      reason: 'deleted',
      index: 501,
      epoch: 0,
      attempts: 0,
      finishedAt: 3,
    });
    await journal.record(batchId, completedOutcome(501, 12));
    expect((await journal.outcome(batchId, 501))?.status).toBe('removed');
    expect((await journal.outcomesOfPage(batchId, 1)).get(501)?.status).toBe('removed');
  });

  it('takes an addition in once, whoever asks again and whatever came in between', async () => {
    const batchId = newBatchId();
    await journal.createBatch(makeHeader(batchId, 1, { open: true }), [makeRecord(0)]);
    await journal.leave(batchId, 'first', [makeRecord(0), makeRecord(1)]);
    await journal.leave(batchId, 'second', [makeRecord(0)]);
    const first = { from: 1, count: 2, kilopixels: 200 };
    expect(await journal.append(batchId, 'first', 1)).toEqual(first);
    expect(await journal.append(batchId, 'second', 3)).toMatchObject({ from: 3, count: 1 });
    expect(await journal.append(batchId, 'first', 4)).toEqual(first);
    expect((await journal.page(batchId, 0)).map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(await journal.header(batchId)).toMatchObject({ total: 4, kilopixels: 400 });
  });

  it('lists batches newest first, from a position on', async () => {
    const ids = ['b-20250101-000000-aaaaaaaaaa', 'b-20250101-000001-aaaaaaaaaa', 'b-20260301-000000-aaaaaaaaaa'];
    for (const batchId of ids) await journal.createBatch(makeHeader(batchId, 1), [makeRecord(0)]);
    const old = (await journal.batches({ limit: 100 })).filter((batchId) => ids.includes(batchId));
    expect(old).toEqual(ids.toReversed());
    expect(await journal.batches({ before: ids[2] ?? '', limit: 1 })).toEqual([ids[1]]);
  });
});
