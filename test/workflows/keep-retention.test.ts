/**
 * What was kept long enough is removed and the history stays; what is still open, what is young and every file outside the
 * store is left alone; doing it again removes nothing more.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureRetentionSchedule } from '../../src/batches/retention-schedule.ts';
import { makeBatchId } from '../../src/contracts/ids.ts';
import { KEEP_RETENTION, RETENTION_SCHEDULE_ID } from '../../src/contracts/retention.ts';
import { ENHANCE_BATCH, TASK_QUEUES } from '../../src/contracts/workflow-api.ts';
import { batchPrefix, preservedKey, resultKey, uploadKey } from '../../src/storage/keys.ts';
import { completedOutcome, makeHeader, makeRecord, openHouse } from '../support/journal-fixtures.ts';
import { replayHistories } from '../support/histories.ts';
import { startTemporal } from '../support/temporal.ts';
import { type RunningWorkers, startWorkers } from '../support/workers.ts';

const DAY_MS = 86_400_000;
let env: TestWorkflowEnvironment;
let house: Awaited<ReturnType<typeof openHouse>>;
let workers: RunningWorkers;

beforeAll(async () => {
  [env, house] = await Promise.all([startTemporal(), openHouse()]);
  const enhance = { enhancePhoto: () => new Promise<never>(() => undefined) };
  workers = await startWorkers(env, house, enhance, { retentionMs: 2 * DAY_MS });
});
afterAll(async () => {
  await workers.stop();
  await env.teardown();
  await house.close();
});

/** A batch that closed `days` ago, with an upload, a result and a preserved original. */
async function makeBatch(days: number, seed: number): Promise<string> {
  const at = Date.now() - days * DAY_MS;
  const batchId = makeBatchId(new Date(at), new Uint8Array(10).fill(seed));
  const key = resultKey(batchId, 0, 0, 'nonce', '.jpg');
  await house.journal.createBatch(makeHeader(batchId, 1, { createdAt: at }), [makeRecord(0)]);
  for (const each of [uploadKey(batchId, 0), key, preservedKey(batchId, 0, 'a'.repeat(64))])
    await house.store.write(each, Buffer.from('x'));
  await house.journal.record(batchId, completedOutcome(0, 0, key));
  const counts = { total: 1, completed: 1, failed: 0 };
  await house.journal.close({ batchId, executionId: 'x', status: 'completed', ...counts, closedAt: at });
  return batchId;
}

const filesOf = async (batchId: string): Promise<string[]> => {
  const kept = [];
  for (const folder of ['uploads', 'results', 'preserved', 'outcomes', 'manifest']) {
    if ((await house.store.list(`${batchPrefix(batchId)}/${folder}/00000`)).length > 0) kept.push(folder);
  }
  return kept;
};

const runOnce = (workflowId: string) =>
  env.client.workflow.execute(KEEP_RETENTION, { workflowId, taskQueue: TASK_QUEUES.orchestration, args: [] });

describe('the retention clock', () => {
  it('removes uploads and results whose time is over, and nothing else', async () => {
    const old = await Promise.all([makeBatch(3, 1), makeBatch(3, 2), makeBatch(40, 3)]);
    const young = await makeBatch(1, 4);
    const brokenOff = makeBatchId(new Date(Date.now() - 5 * DAY_MS), new Uint8Array(10).fill(5));
    await house.store.write(uploadKey(brokenOff, 0), Buffer.from('half a batch'));
    const open = await makeBatch(4, 6);
    await env.client.workflow.start(ENHANCE_BATCH, {
      workflowId: open,
      taskQueue: 'nobody works on this queue',
      args: [],
    });
    const outside = join(house.root, 'photos');
    await mkdir(outside);
    await writeFile(join(outside, 'enhanced in place.jpg'), 'x');

    expect(await runOnce('retention-1')).toEqual({ batches: 4, files: 7 });
    for (const batchId of old) expect(await filesOf(batchId)).toEqual(['preserved', 'outcomes']);
    expect((await house.journal.expired(old[0] ?? ''))?.at).toBeGreaterThan(0);
    expect((await house.journal.summary(old[0] ?? ''))?.status).toBe('completed');
    expect(await filesOf(young)).toEqual(['uploads', 'results', 'preserved', 'outcomes']);
    expect(await filesOf(open)).toEqual(['uploads', 'results', 'preserved', 'outcomes']);
    expect(await house.store.read(uploadKey(brokenOff, 0))).toBeUndefined();
    expect(await readFile(join(outside, 'enhanced in place.jpg'), 'utf8')).toBe('x');
    expect(await runOnce('retention-2')).toEqual({ batches: 0, files: 0 });
    expect(await house.store.list('retention')).toHaveLength(3); // days on which nothing is left to expire
    await env.client.workflow.getHandle(open).terminate();
    // Its time begins now: what was made a moment ago is not removed, though its summary is four days old.
    expect(await runOnce('retention-3')).toEqual({ batches: 0, files: 0 });
    expect(await filesOf(open)).toEqual(['uploads', 'results', 'preserved', 'outcomes']);
  });

  it('ticks by a schedule that every worker may ask for', async () => {
    await ensureRetentionSchedule(env.client);
    await ensureRetentionSchedule(env.client);
    const { spec } = await env.client.schedule.getHandle(RETENTION_SCHEDULE_ID).describe();
    expect(spec.intervals?.[0]?.every).toBe(3_600_000);
    await env.client.schedule.getHandle(RETENTION_SCHEDULE_ID).delete();
  });

  it('replays every history this file made', async () => {
    const name = () => 'the retention clock removes what was kept long enough';
    expect(await replayHistories(env, KEEP_RETENTION, name)).toBe(3);
  });
});
