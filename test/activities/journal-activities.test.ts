/** The books tell a batch the truth about its manifest: what is not there is no page without work. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createJournalActivities } from '../../src/activities/journal-activities.ts';
import type { OpenedPage, Survey } from '../../src/contracts/activities.ts';
import { manifestKey } from '../../src/storage/keys.ts';
import { makeHeader, makeRecord, newBatchId, openHouse } from '../support/journal-fixtures.ts';

let house: Awaited<ReturnType<typeof openHouse>>;
let books: ReturnType<typeof createJournalActivities>;
beforeEach(async () => {
  house = await openHouse();
  const announcer = { pageOpened: () => Promise.resolve(), batchEnded: () => Promise.resolve() };
  books = createJournalActivities({ journal: house.journal, now: Date.now, announcer });
});
afterEach(() => house.close());

const atTheBooks = () => new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
const open = (batchId: string, page: number, from: number): Promise<OpenedPage> =>
  atTheBooks().run(() => books.openPage({ batchId, page, from, epoch: 0 }));
const survey = (batchId: string): Promise<Survey> => atTheBooks().run(() => books.surveyBatch({ batchId }));

describe('a page of the manifest that is not in the store', () => {
  const waitedFor = { type: 'storage_unavailable', nonRetryable: false };

  it('is waited for, and found when it is back', async () => {
    const batchId = newBatchId();
    const photos = Array.from({ length: 501 }, (_, index) => makeRecord(index));
    await house.journal.createBatch(makeHeader(batchId, 501), photos);
    const key = manifestKey(batchId, 1);
    const bytes = await house.store.read(key);
    await house.store.remove(key);
    expect(await open(batchId, 0, 0)).toMatchObject({ next: 500 });
    await expect(open(batchId, 1, 500)).rejects.toMatchObject(waitedFor);
    await expect(survey(batchId)).rejects.toMatchObject(waitedFor);
    await house.store.write(key, bytes ?? new Uint8Array());
    expect(await open(batchId, 1, 500)).toMatchObject({ next: 501, pending: [{ index: 500 }] });
    expect(await survey(batchId)).toMatchObject({ total: 501, pages: [0, 1] });
  });

  it('is waited for where the store knows nothing of the batch, or less of it than the batch does', async () => {
    await expect(open(newBatchId(), 0, 0)).rejects.toMatchObject(waitedFor);
    const batchId = newBatchId();
    await house.journal.createBatch(makeHeader(batchId, 2, { open: true }), [makeRecord(0), makeRecord(1)]);
    await expect(open(batchId, 0, 2)).rejects.toMatchObject(waitedFor);
  });
});
