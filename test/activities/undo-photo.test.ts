/** Property: an attempt that was interrupted after its tombstone tells the same of a photo as one that was not. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { undoPhoto } from '../../src/activities/undo-photo.ts';
import { parseConfig } from '../../src/contracts/config.ts';
import { openBuckets } from '../../src/storage/buckets.ts';
import {
  completedOutcome,
  failedOutcome,
  makeHeader,
  makeRecord,
  newBatchId,
  openHouse,
} from '../support/journal-fixtures.ts';

let house: Awaited<ReturnType<typeof openHouse>>;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

it.each([
  ['was done', completedOutcome(0, 1), 'undone'],
  ['failed', failedOutcome(0, 1), 'nothing_to_undo'],
  ['was never done', undefined, 'nothing_to_undo'],
])('a photo that %s', async (_, outcome, result) => {
  const batchId = newBatchId();
  await house.journal.createBatch(makeHeader(batchId, 1), [makeRecord(0)]);
  if (outcome) await house.journal.record(batchId, outcome);
  const deps = { ...house, buckets: openBuckets(parseConfig({})), now: Date.now, makeNonce: randomUUID };
  const undo = () => undoPhoto(deps, { batchId, index: 0 }, new AbortController().signal);
  expect(await undo()).toMatchObject({ index: 0, result });
  expect(await undo()).toMatchObject({ index: 0, result });
});
