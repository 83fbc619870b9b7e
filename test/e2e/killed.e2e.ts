// Property: whoever is killed, a batch ends by itself with the bytes of an undisturbed run; what was finished is not done again;
// nothing of a house outlives it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchAcceptedSchema, type BatchStatus } from '../../src/contracts/http.ts';
import { House, possible } from './house.ts';
import { crops, type Photo } from './photos.ts';
import { listProcesses, waitFor } from './processes.ts';
import { leftOvers, outcomesOf, resultFilesOf, storedFiles } from './store-facts.ts';
import { problem, Visitor } from './visitor.ts';

const PHOTOS = 10;
const QUERY = 'quality_level=fast';

describe.skipIf(!possible)('a batch in a house where things are killed', () => {
  let house: House;
  let visitor: Visitor;
  let photos: Photo[];
  let undisturbed: Map<string, string>;

  beforeAll(async () => {
    house = await House.start({ HEARTBEAT_TIMEOUT_MS: '3000' });
    visitor = new Visitor(house.url);
    photos = await crops(PHOTOS, 600, 450);
    const batchId = await visitor.enhanceBatch(photos, QUERY);
    await visitor.ended(batchId);
    undisturbed = await visitor.results(batchId);
    expect(undisturbed.size).toBe(PHOTOS);
  });
  afterAll(async () => await house?.close());

  const done = (count: number) => (status: BatchStatus) => status.completed_files >= count;

  async function expectUndisturbed(batchId: string): Promise<void> {
    const final = await visitor.ended(batchId);
    expect(final).toMatchObject({ status: 'completed', completed_files: PHOTOS, failed_files: 0, progress: 1 });
    expect(await visitor.results(batchId)).toEqual(undisturbed);
    const outcomes = await outcomesOf(house.dataDir, batchId);
    expect(outcomes).toHaveLength(PHOTOS);
    const files = await resultFilesOf(house.dataDir, batchId);
    expect([...files.values()].toSorted()).toEqual([...undisturbed.values()].toSorted());
    expect(await leftOvers(house.dataDir)).toEqual([]);
  }

  /** Outcomes that were there `before` must be there still, untouched. */
  async function expectUntouched(batchId: string, before: Awaited<ReturnType<typeof outcomesOf>>): Promise<void> {
    const after = new Map((await outcomesOf(house.dataDir, batchId)).map((one) => [one.file, one]));
    expect(before.length).toBeGreaterThan(0);
    for (const one of before) expect(after.get(one.file)).toEqual(one);
  }

  /** Asks for the batch again and again until the journal has had to answer for its workflow, and then the workflow again. */
  async function watchUntilBack(batchId: string): Promise<{ status: BatchStatus; ms: number }[]> {
    const answers: { status: BatchStatus; ms: number }[] = [];
    return await waitFor('a worker that is away and back', 60_000, async () => {
      const from = performance.now();
      const status = await visitor.batch(batchId);
      if (!status.stale && answers.some((earlier) => earlier.status.stale)) return answers;
      answers.push({ status, ms: performance.now() - from });
      return undefined;
    });
  }

  it('[52] the worker, with -9: the API goes on answering, the finished photos stay', async () => {
    const batchId = await visitor.enhanceBatch(photos, QUERY);
    await visitor.until(batchId, 'three photos', done(3));
    const worker = await house.worker();
    const engines = await house.engines();
    expect(engines.length).toBeGreaterThan(0);
    const before = await outcomesOf(house.dataDir, batchId);
    await house.signal('worker', 'SIGKILL');

    const during = await watchUntilBack(batchId);
    for (const { status, completed_files, stale } of during.map((one) => one.status)) {
      expect(status).toBe('processing');
      // The workflow may not have heard of a photo whose outcome was just being written when its worker died.
      expect(completed_files).toBeGreaterThanOrEqual(stale ? before.length : 3);
    }
    const slowest = Math.max(...during.map(({ ms }) => ms));
    console.log(`${during.length} answers while no worker was there, the slowest after ${Math.round(slowest)} ms`);
    expect(slowest).toBeLessThan(5000);

    await expectUndisturbed(batchId);
    await expectUntouched(batchId, before);
    expect(await house.worker()).not.toBe(worker);
    const left = (await listProcesses()).filter(({ pid }) => engines.includes(pid));
    expect(left).toEqual([]);
    expect(house.said).toContain('The worker is back.');
  });

  it('[55] the Temporal server, with -9: new work is taken and done, or refused with 503 and gone', async () => {
    const batchId = await visitor.enhanceBatch(photos, QUERY);
    await visitor.until(batchId, 'a photo', done(1));
    await house.signal('temporal', 'SIGKILL');
    const batches: string[] = [];
    for (let call = 0; call < 3; call += 1) {
      const answer = await visitor.post(`/api/v1/enhance/batch?${QUERY}`, 'files', photos.slice(0, 1));
      if (answer.ok) batches.push(batchAcceptedSchema.parse(await answer.json()).batch_task_id);
      else expect(await problem(answer)).toMatchObject({ status: 503, code: 'temporal_unavailable' });
    }
    await expectUndisturbed(batchId);
    for (const id of batches) expect(await visitor.ended(id)).toMatchObject({ status: 'completed' });
    console.log(`${batches.length} of 3 batches were taken while the server was away`);
    const known = (await storedFiles(house.dataDir)).filter((name) => name.endsWith('/header.json')).length;
    expect(known).toBe(3 + batches.length);
  });

  it('everybody at once, then the supervisor alone, then in order: the next start goes on each time', async () => {
    const batchId = await visitor.enhanceBatch(photos, QUERY);

    await visitor.until(batchId, 'a photo', done(1));
    const beforePowerCut = await outcomesOf(house.dataDir, batchId);
    await house.killEverything();
    await house.begin();
    expect(house.said).toContain('The last run was not ended in order; its work goes on now.');

    await visitor.until(batchId, 'four photos', done(4));
    const beforeOrphans = await outcomesOf(house.dataDir, batchId);
    await house.end('SIGKILL');
    await house.begin();

    await visitor.until(batchId, 'seven photos', done(7));
    const beforeStop = await outcomesOf(house.dataDir, batchId);
    expect(await house.end('SIGTERM')).toBe(0);
    await waitFor('an empty house', 5000, async () => ((await house.remaining()).length === 0 ? true : undefined));
    expect(house.said).toContain('Stopped. The next start goes on with what was running.');
    await house.begin();

    await expectUndisturbed(batchId);
    for (const before of [beforePowerCut, beforeOrphans, beforeStop]) await expectUntouched(batchId, before);
  });

  it('leaves no process behind', async () => {
    expect(await house.end('SIGTERM')).toBe(0);
    expect(await house.remaining()).toEqual([]);
  });
});
