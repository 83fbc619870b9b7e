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

it('counts what has settled of a page from the photo on that it is told, in every round', async () => {
  const batchId = newBatchId();
  const refused = { code: 'unsupported_format' as const, message: 'No photo.' };
  const photos = [makeRecord(0), { ...makeRecord(1), refused }, makeRecord(2), { ...makeRecord(3), refused }];
  await house.journal.createBatch(makeHeader(batchId, 4, { open: true }), photos);
  const inRound = (epoch: number, countFrom?: number): Promise<OpenedPage> =>
    atTheBooks().run(() =>
      books.openPage({ batchId, page: 0, from: 0, epoch, ...(countFrom !== undefined && { countFrom }) }),
    );
  const toDo = [{ index: 0 }, { index: 2 }];
  expect(await inRound(1, 2)).toMatchObject({ next: 4, failed: 1, countedFrom: 2, pending: toDo });
  expect(await inRound(0, 0)).toMatchObject({ failed: 2, countedFrom: 0, pending: toDo });
  // As workflows of older versions ask.
  expect(await inRound(0)).toMatchObject({ failed: 2, pending: toDo });
  expect(await inRound(1)).toMatchObject({ failed: 0, pending: toDo });
});

it('counts in a survey the photos that the batch had when it began, and none that are being taken in', async () => {
  const batchId = newBatchId();
  const refused = { code: 'unsupported_format' as const, message: 'No photo.' };
  const photos = [makeRecord(0), { ...makeRecord(1), refused }];
  await house.journal.createBatch(makeHeader(batchId, 1, { open: true }), photos);
  expect(await survey(batchId)).toMatchObject({ total: 1, failed: 0, pages: [0] });
});
