/**
 * Property: nothing is removed before it was kept for its whole time, counted from its newest photo, whatever ended its batch,
 * whoever forgot it and whichever clock is wrong; and one damaged record or one early day stops the clock for no other batch.
 */
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRetentionActivities, type Execution } from '../../src/activities/retention-activities.ts';
import { makeBatchId } from '../../src/contracts/ids.ts';
import { expiredDayKey, expiredKey, headerKey, resultKey, summaryKey } from '../../src/storage/keys.ts';
import { completedOutcome, makeHeader, makeRecord, openHouse } from '../support/journal-fixtures.ts';

const HOUR_MS = 3_600_000;
const WEEK_MS = 168 * HOUR_MS;
const NOW = Date.parse('2026-11-27T12:00:00Z');

let house: Awaited<ReturnType<typeof openHouse>>;
/** What Temporal knows. */
let executions: Map<string, Execution>;
beforeEach(async () => {
  house = await openHouse();
  executions = new Map();
});
afterEach(() => house.close());

const hoursAgo = (hours: number): number => NOW - hours * HOUR_MS;
const resultOf = (batchId: string): string => resultKey(batchId, 0, 0, 'nonce', '.jpg');
const isKept = async (batchId: string): Promise<boolean> => (await house.store.read(resultOf(batchId))) !== undefined;

/** A batch of one photo that is done; `closed` is when its summary was written. */
async function makeBatch(when: { begun: number; done: number; closed?: number }): Promise<string> {
  const seed = new Uint8Array(10).fill(executions.size + 1);
  const batchId = makeBatchId(new Date(when.begun), seed);
  await house.journal.createBatch(makeHeader(batchId, 2, { createdAt: when.begun }), [makeRecord(0), makeRecord(1)]);
  const outcome = completedOutcome(0, 0, resultOf(batchId));
  await house.journal.record(batchId, { ...outcome, finishedAt: when.done });
  await house.store.write(resultOf(batchId), Buffer.from('x'));
  if (when.closed !== undefined) await close(batchId, when.closed);
  return batchId;
}

const close = (batchId: string, closedAt: number): Promise<void> =>
  house.journal.close({
    batchId,
    executionId: 'x',
    status: 'partial_completed',
    total: 2,
    completed: 1,
    failed: 0,
    closedAt,
  });

/** One tick of the clock: at `at` as Temporal sees it, by a worker whose own clock may be ahead. */
async function tick(at: number, options: { keptMs?: number; workerAhead?: number } = {}): Promise<string[]> {
  const { findExpired, expireBatch } = createRetentionActivities({
    ...house,
    now: () => at + (options.workerAhead ?? 0),
    retentionMs: options.keptMs ?? WEEK_MS,
    readExecution: (batchId) => Promise.resolve(executions.get(batchId)),
  });
  const env = new MockActivityEnvironment({ currentAttemptScheduledTimestampMs: at });
  const { batchIds } = (await env.run(findExpired, { limit: 100 })) as { batchIds: string[] };
  for (const batchId of batchIds) await env.run(expireBatch, { batchId });
  return batchIds;
}

describe('a batch that worked for longer than results are kept', () => {
  const long = { begun: hoursAgo(300), done: hoursAgo(1) };

  it('is kept for its whole time when it was terminated, though it left no summary', async () => {
    const batchId = await makeBatch(long);
    executions.set(batchId, { open: false, closedAt: NOW });
    expect(await tick(NOW)).toEqual([]);
    expect(await tick(NOW + WEEK_MS - HOUR_MS)).toEqual([]);
    expect(await isKept(batchId)).toBe(true);
    expect(await tick(NOW + WEEK_MS + HOUR_MS)).toEqual([batchId]);
    expect(await isKept(batchId)).toBe(false);
  });

  it('is kept though an earlier life of it closed long ago', async () => {
    const batchId = await makeBatch({ ...long, closed: hoursAgo(200) });
    executions.set(batchId, { open: false, closedAt: NOW });
    expect(await tick(NOW)).toEqual([]);
    // Temporal's database is lost besides: the newest photo is all that tells.
    executions.clear();
    expect(await tick(NOW + HOUR_MS)).toEqual([]);
    expect(await isKept(batchId)).toBe(true);
  });

  it('is kept from the moment it was first seen closed when Temporal has forgotten it', async () => {
    const batchId = await makeBatch({ begun: hoursAgo(400), done: hoursAgo(200) });
    expect(await tick(NOW)).toEqual([]);
    expect(await tick(NOW + WEEK_MS - HOUR_MS)).toEqual([]);
    expect(await tick(NOW + WEEK_MS + HOUR_MS)).toEqual([batchId]);
  });

  it('begins its time anew when it is worked on again', async () => {
    const batchId = await makeBatch({ begun: hoursAgo(400), done: hoursAgo(200) });
    expect(await tick(NOW)).toEqual([]);
    executions.set(batchId, { open: true, closedAt: undefined });
    expect(await tick(NOW + 2 * WEEK_MS)).toEqual([]);
    executions.clear();
    expect(await tick(NOW + 2 * WEEK_MS + HOUR_MS)).toEqual([]);
    expect(await isKept(batchId)).toBe(true);
  });

  it('is left alone when it was taken up again between being found and being removed', async () => {
    const batchId = await makeBatch({ begun: hoursAgo(400), done: hoursAgo(300), closed: hoursAgo(300) });
    let asked = 0;
    const { findExpired, expireBatch } = createRetentionActivities({
      ...house,
      now: () => NOW,
      retentionMs: WEEK_MS,
      readExecution: () => Promise.resolve({ open: (asked += 1) > 1, closedAt: hoursAgo(300) }),
    });
    const env = new MockActivityEnvironment({ currentAttemptScheduledTimestampMs: NOW });
    expect(await env.run(findExpired, { limit: 1 })).toEqual({ batchIds: [batchId] });
    expect(await env.run(expireBatch, { batchId })).toEqual({ removed: 0 });
    expect(await isKept(batchId)).toBe(true);
    expect(await house.journal.expired(batchId)).toBeUndefined();
  });
});

describe('the retention clock', () => {
  it('believes no worker whose clock is far ahead', async () => {
    const batchId = await makeBatch({ begun: hoursAgo(20), done: hoursAgo(19), closed: hoursAgo(19) });
    expect(await tick(NOW, { workerAhead: 10 * WEEK_MS })).toEqual([]);
    expect(await isKept(batchId)).toBe(true);
  });

  it('comes back to a day on which photos may still arrive', async () => {
    const morning = await makeBatch({ begun: hoursAgo(4), done: hoursAgo(3), closed: hoursAgo(3) });
    expect(await tick(NOW, { keptMs: HOUR_MS })).toEqual([morning]);
    executions.set(morning, { open: false, closedAt: hoursAgo(3) });
    expect(await tick(NOW, { keptMs: HOUR_MS })).toEqual([]);
    const noon = await makeBatch({ begun: NOW, done: NOW, closed: NOW });
    expect(await tick(NOW + 24 * HOUR_MS, { keptMs: HOUR_MS })).toEqual([noon]);
    expect(await tick(NOW + 24 * HOUR_MS, { keptMs: HOUR_MS })).toEqual([]);
    expect(await house.store.list('retention')).toEqual(['2026-11-27']);
  });

  it('believes no mark of a day that was made while the day lasted', async () => {
    const begun = Date.now() + 24 * HOUR_MS; // the mark, which is made now, is older than the end of that day
    const batchId = await makeBatch({ begun, done: begun, closed: begun });
    await house.store.write(expiredDayKey(new Date(begun).toISOString().slice(0, 10)), new Uint8Array());
    expect(await tick(begun + 2 * WEEK_MS)).toEqual([batchId]);
  });

  it.each([
    ['header', headerKey],
    ['summary', summaryKey],
    ['mark', expiredKey],
  ])('passes over a batch whose %s cannot be read, and goes on', async (_, keyOf) => {
    const damaged = await makeBatch({ begun: hoursAgo(500), done: hoursAgo(400) });
    executions.set('another seed', { open: false, closedAt: undefined });
    const whole = await makeBatch({ begun: hoursAgo(500), done: hoursAgo(400), closed: hoursAgo(400) });
    await house.store.write(keyOf(damaged), Buffer.from('{'));
    expect(await tick(NOW)).toEqual([whole]);
    expect(await isKept(damaged)).toBe(true);
  });
});
