/**
 * Property: every control works over HTTP on a batch that a real Temporal server and real workers carry, is idempotent, and
 * says in a sentence what it cannot do; an open batch takes photos until it is sealed, each once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  batchControlledSchema,
  batchCreatedSchema,
  batchSchema,
  photoListSchema,
  photosAddedSchema,
  type BatchAnswer,
} from '../../src/contracts/http-batches.ts';
import { batchAcceptedSchema, resumeAnswerSchema } from '../../src/contracts/http.ts';
import { ENHANCE_BATCH } from '../../src/contracts/workflow-api.ts';
import { replayHistories } from '../support/histories.ts';
import { jpeg } from './support/photos.ts';
import { openRealHouse, send, type RealHouse } from './support/real-house.ts';
import { answered, eventually, form, post, refused } from './support/running-api.ts';

let house: RealHouse;
let url: string;
let photo: Buffer;
beforeAll(async () => {
  [house, photo] = await Promise.all([openRealHouse(), jpeg()]);
  url = house.api.url;
});
afterAll(() => house.close());
beforeEach(() => Object.assign(house.engine, { ms: 0, broken: undefined }));

const address = (id: string, verb = ''): string => `${url}/api/v1/batches/${id}${verb}`;
const read = async (id: string): Promise<BatchAnswer> => answered(await fetch(address(id)), batchSchema);
const control = async (id: string, verb: string) =>
  answered(await send('POST', address(id, `/${verb}`)), batchControlledSchema);
const again = async (id: string, verb: string) =>
  answered(await send('POST', address(id, `/${verb}`)), resumeAnswerSchema);
const becomes = (id: string, expected: Partial<BatchAnswer>): Promise<void> =>
  eventually(async () => expect(await read(id)).toMatchObject(expected));
const photos = (count: number, content = photo) =>
  form('files', ...Array.from({ length: count }, (_, index) => [content, `${index}.jpg`] as const));

async function submit(count: number, query = ''): Promise<string> {
  const accepted = await post(`${url}/api/v1/enhance/batch${query}`, photos(count));
  return (await answered(accepted, batchAcceptedSchema)).batch_task_id;
}

async function openBatch(): Promise<BatchAnswer> {
  const order = { open: true, tags: ['camera 1'], options: { quality_level: 'fast' }, priority: 2, max_workers: 3 };
  return answered(await send('POST', `${url}/api/v1/batches`, order), batchCreatedSchema);
}

describe('an open batch', () => {
  it('starts each photo as it comes, takes an addition once, and ends when it is sealed', async () => {
    const opened = await openBatch();
    const id = opened.batch_id;
    expect(opened).toMatchObject({ open: true, total: 0, tags: ['camera 1'], priority: 2, max_workers: 3 });
    const first = await answered(await post(address(id, '/photos'), photos(3)), photosAddedSchema);
    expect(first).toMatchObject({ from: 0, count: 3, task_ids: [`${id}.0`, `${id}.1`, `${id}.2`], repeated: false });
    await becomes(id, { total: 3, completed: 3, open: true, state: 'processing' });

    const key = { headers: { 'idempotency-key': 'the second' } };
    const bad = form('files', [photo, 'good.jpg'], [Buffer.from('no photo'), 'bad.jpg']);
    const second = await answered(await post(address(id, '/photos'), bad, key), photosAddedSchema);
    expect(second).toMatchObject({
      from: 3,
      count: 2,
      refused: [{ filename: 'bad.jpg', error_code: 'unsupported_format' }],
    });
    const stored = (await house.api.files()).length;
    const again = form('files', [photo, 'good.jpg'], [Buffer.from('no photo'), 'bad.jpg']);
    expect(await answered(await post(address(id, '/photos'), again, key), photosAddedSchema)).toEqual(second);
    await refused(await post(address(id, '/photos'), photos(2), key), 'idempotency_key_reused');
    await becomes(id, { total: 5, completed: 4, failed: 1, open: true });
    expect((await house.api.files()).filter((path) => path.includes('/uploads/'))).toHaveLength(4);
    expect(stored).toBeGreaterThan(0);

    expect(await control(id, 'seal')).toMatchObject({ changed: true, open: false });
    await becomes(id, { state: 'partial_completed', total: 5, completed: 4 });
    expect(await control(id, 'seal')).toMatchObject({ changed: false });
    const files = (await house.api.files()).length;
    const late = await refused(await post(address(id, '/photos'), photos(1)), 'wrong_state');
    expect(late.detail).toContain('ended');
    expect(await house.api.files()).toHaveLength(files);
    const zip = await fetch(`${url}/api/v1/batch/download/${id}`);
    expect(zip.status).toBe(200);
    await zip.arrayBuffer();
  });

  it('takes no photo after it is sealed, and keeps nothing of a form that it refuses', async () => {
    house.engine.ms = 1500;
    const { batch_id: id } = await openBatch();
    await answered(await post(address(id, '/photos'), photos(1)), photosAddedSchema);
    await control(id, 'seal');
    const before = await house.api.files();
    expect((await refused(await post(address(id, '/photos'), photos(1)), 'wrong_state')).detail).toContain('sealed');
    await refused(await post(address(id, '/photos'), form('files', [Buffer.from('x'), 'x.jpg'])), 'wrong_state');
    const left = (await house.api.files()).filter((path) => path.includes('/uploads/'));
    expect(left).toEqual(before.filter((path) => path.includes('/uploads/')));
    await becomes(id, { state: 'completed', total: 1 });
  });

  it('that gets no photo at all is complete when it is sealed', async () => {
    const { batch_id: id } = await openBatch();
    await refused(await post(address(id, '/photos'), form('files', [Buffer.from('x'), 'x.jpg'])), 'unsupported_format');
    await control(id, 'seal');
    await becomes(id, { state: 'completed', total: 0, work_done: 1 });
  });
});

describe('a batch that runs', () => {
  it('is paused, changed, resumed, cancelled and taken up again', async () => {
    house.engine.ms = 400;
    const id = await submit(10, '?max_workers=2');
    expect(await control(id, 'pause')).toMatchObject({ changed: true, state: 'paused' });
    expect(await control(id, 'pause')).toMatchObject({ changed: false, state: 'paused' });
    const change = { priority: 2, max_workers: 5 };
    const patched = await answered(await send('PATCH', address(id), change), batchControlledSchema);
    expect(patched).toMatchObject({ changed: true, ...change });
    expect(await answered(await send('PATCH', address(id), change), batchControlledSchema)).toMatchObject({
      changed: false,
    });
    expect(await again(id, 'resume')).toMatchObject({ action: 'resumed' });
    expect(await again(id, 'resume')).toMatchObject({ action: 'none' });
    expect(await again(id, 'retry')).toMatchObject({ action: 'none' });
    house.engine.ms = 30_000;
    await sleep(700);
    const before = Date.now();
    const cancelled = await control(id, 'cancel');
    expect(Date.now() - before).toBeLessThan(6000);
    expect(cancelled.changed).toBe(true);
    expect(['cancelled', 'cancelling']).toContain(cancelled.state);
    await becomes(id, { state: 'cancelled', open: false });
    expect(await control(id, 'cancel')).toMatchObject({ changed: false, state: 'cancelled' });
    expect((await refused(await send('POST', address(id, '/pause')), 'wrong_state')).detail).toContain('cancelled');
    await refused(await send('PATCH', address(id), change), 'wrong_state');
    const listed = await answered(await fetch(address(id, '/photos?status=failed&limit=1')), photoListSchema);
    expect(listed.photos[0]).toMatchObject({ status: 'failed', error_code: 'cancelled', result: null });
    expect(listed.photos[0]?.original).toMatchObject({ format: 'jpeg', width: expect.any(Number) as number });
    expect(listed.next_cursor).not.toBeNull();
    house.engine.ms = 0;
    const taken = await again(id, 'resume');
    expect(taken).toMatchObject({ action: 'restarted', kept: cancelled.completed });
    await becomes(id, { state: 'completed', completed: 10 });
    const all = await answered(await fetch(address(id, '/photos?status=completed&limit=3')), photoListSchema);
    expect(all.photos).toHaveLength(3);
    expect(all.photos[0]).toMatchObject({ attempts: 1, original: { format: 'jpeg' }, recipe: { scale: 4 } });
  });

  it('does failed photos again while it runs, and after it has ended', async () => {
    const broken = await jpeg(9, 9);
    Object.assign(house.engine, { broken, ms: 300 });
    const mixed = form('files', [broken, 'broken.jpg'], ...Array.from({ length: 6 }, () => [photo, 'p.jpg'] as const));
    const accepted = await post(`${url}/api/v1/enhance/batch?max_workers=1`, mixed);
    const { batch_task_id: id } = await answered(accepted, batchAcceptedSchema);
    await becomes(id, { failed: 1 });
    expect(await again(id, 'retry')).toMatchObject({ action: 'retrying' });
    expect(await again(id, 'retry')).toMatchObject({ action: 'none' });
    await becomes(id, { state: 'partial_completed', completed: 6, failed: 1 });
    const failed = await answered(await fetch(address(id, '/photos?status=failed')), photoListSchema);
    expect(failed.photos).toMatchObject([{ filename: 'broken.jpg', error_code: 'image_unreadable', attempts: 1 }]);
    Object.assign(house.engine, { broken: undefined, ms: 0 });
    const startedBefore = house.started();
    expect(await again(id, 'retry')).toMatchObject({ action: 'retrying', kept: 6, remaining: 1 });
    await becomes(id, { state: 'completed', completed: 7, failed: 0 });
    expect(house.started() - startedBefore).toBe(1);
  });

  it('obeys a control that came while no worker was there', async () => {
    house.engine.ms = 500;
    const id = await submit(8, '?max_workers=1');
    await becomes(id, { completed: 1 });
    await house.stopWorkers();
    expect(await control(id, 'pause')).toMatchObject({ changed: true, stale: true });
    const cancelled = await submit(3);
    expect(await control(cancelled, 'cancel')).toMatchObject({ changed: true, state: 'cancelling' });
    await house.startWorkers();
    await becomes(id, { state: 'paused', stale: false });
    await becomes(cancelled, { state: 'cancelled', completed: 0 });
    house.engine.ms = 0;
    await again(id, 'resume');
    await becomes(id, { state: 'completed', completed: 8 });
  });

  it('resumes a paused batch while no worker is there to say that it is paused', async () => {
    house.engine.ms = 1000;
    const id = await submit(8, '?max_workers=1');
    await control(id, 'pause');
    await becomes(id, { state: 'paused' });
    await house.stopWorkers();
    expect(await again(id, 'resume')).toMatchObject({ action: 'resumed' });
    await house.startWorkers();
    house.engine.ms = 0;
    await becomes(id, { state: 'completed', completed: 8 });
    expect(await again(id, 'resume')).toMatchObject({ action: 'none' });
  });
});

it('replays every history this file made', async () => {
  const name = () => 'a batch under every control over HTTP';
  expect(await replayHistories(house.env, ENHANCE_BATCH, name)).toBeGreaterThan(5);
});
