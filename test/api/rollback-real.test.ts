/**
 * Property: over HTTP, against real Temporal and workers, a rollback leaves folders and answers as if the batch had never
 * been; the same rollback asked for twice is one; what is gone says so; the history tells all of it.
 */
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { batchCreatedSchema, batchSchema, photoListSchema } from '../../src/contracts/http-batches.ts';
import {
  operationDetailSchema,
  operationListSchema,
  rollbackAnswerSchema,
} from '../../src/contracts/http-operations.ts';
import { batchProgressSchema, batchStatusSchema, taskListSchema } from '../../src/contracts/http.ts';
import { bmp, jpeg, png } from './support/photos.ts';
import { hashTree, makeFolder, openRealHouse, send, type RealHouse } from './support/real-house.ts';
import { answered, eventually, refused } from './support/running-api.ts';

let house: RealHouse;
let url: string;
let folder: string;
beforeAll(async () => {
  house = await openRealHouse();
  url = house.api.url;
});
afterAll(() => house.close());

beforeEach(async () => {
  Object.assign(house.engine, { ms: 0, broken: undefined });
  folder = await makeFolder(house.photosDir);
  await mkdir(join(folder, 'sub'));
  for (const [index, name] of ['a.jpg', 'b.JPG', 'sub/c.jpeg'].entries()) {
    await writeFile(join(folder, name), await jpeg(10 + index, 8), { mode: 0o640 });
  }
  await writeFile(join(folder, 'notes.txt'), 'no photo');
  await writeFile(join(folder, '.hidden.jpg'), await jpeg());
});

const order = async (body: object) => answered(await send('POST', `${url}/api/v1/batches`, body), batchCreatedSchema);
const source = () => ({ kind: 'folder', path: folder });
const undo = async (body: object) => answered(await send('POST', `${url}/api/rollback`, body), rollbackAnswerSchema);
const operation = async (id: string) => answered(await fetch(`${url}/api/v1/operations/${id}`), operationDetailSchema);
const becomes = (id: string, state: string): Promise<void> =>
  eventually(async () => {
    expect((await answered(await fetch(`${url}/api/v1/batches/${id}`), batchSchema)).state).toBe(state);
  });
const undone = (id: string, state = 'completed'): Promise<void> =>
  eventually(async () => expect((await operation(id)).state).toBe(state));

describe('a batch in place', () => {
  it('replaces the photos of a folder; its rollback puts every byte back, once, and says so everywhere', async () => {
    const before = await hashTree(folder);
    const batch = await order({ source: source(), destination: { kind: 'in_place' }, tags: ['holiday'] });
    expect(batch).toMatchObject({ total: 3, skipped_total: 0, destination: { kind: 'in_place', path: null } });
    await becomes(batch.batch_id, 'completed');
    expect(await readFile(join(folder, 'b.JPG'), 'utf8')).toMatch(/^enhanced/);
    expect(await hashTree(folder)).not.toBe(before);
    expect(await operation(batch.batch_id)).toMatchObject({ kind: 'batch', undoable: true, tags: ['holiday'] });

    const both = await Promise.all([undo({ operation_id: batch.batch_id }), undo({ operation_ids: [batch.batch_id] })]);
    expect(both.filter(({ created }) => created)).toHaveLength(1);
    expect({ ...both[0], created: true }).toEqual({ ...both[1], created: true });
    const [{ operation_id: rollback, photos, undoes, status_url: statusUrl }] = both;
    expect({ photos, undoes }).toEqual({ photos: 3, undoes: [{ operation_id: batch.batch_id, task_ids: null }] });
    expect(statusUrl).toBe(`/api/v1/operations/${rollback}`);
    await undone(rollback);
    expect(await answered(await fetch(`${url}/api/batch-progress/${rollback}`), batchProgressSchema)).toEqual({
      operation_id: rollback,
      status: 'completed',
      total: 3,
      completed: 3,
      failed: 0,
      progress: 1,
      work_done: 1,
      eta: 0,
      stale: false,
    });
    expect(await hashTree(folder)).toBe(before);
    expect(await undo({ operation_id: batch.batch_id })).toEqual({ ...both[0], created: false });
    const runs = [];
    for await (const run of house.env.client.workflow.list({ query: `WorkflowId = "${rollback}"` })) runs.push(run);
    expect(runs).toHaveLength(1);

    const detail = await operation(rollback);
    expect(detail).toMatchObject({
      kind: 'rollback',
      undoable: false,
      undo: { counts: { undone: 3 } },
      next_cursor: null,
    });
    expect(detail.photos.map(({ task_id: id, result }) => `${id} ${result}`)).toEqual(
      [0, 1, 2].map((index) => `${batch.batch_id}.${index} undone`),
    );
    await becomes(batch.batch_id, 'rolled_back');
    expect(await operation(batch.batch_id)).toMatchObject({ undoable: false, rolled_back_by: rollback });
  });

  it('is stopped first when it still runs', async () => {
    const before = await hashTree(folder);
    house.engine.ms = 60_000;
    const { batch_id: id } = await order({ source: source(), destination: { kind: 'in_place' } });
    await becomes(id, 'queued');
    const { operation_id: rollback } = await undo({ operation_id: id });
    await undone(rollback);
    await becomes(id, 'rolled_back');
    expect(await hashTree(folder)).toBe(before);
  });

  it('is not resumed behind the back of its rollback, which reports what someone changed meanwhile', async () => {
    house.engine.broken = await readFile(join(folder, 'sub/c.jpeg'));
    const { batch_id: id } = await order({ source: source(), destination: { kind: 'in_place' } });
    await becomes(id, 'partial_completed');
    await house.stopWorkers();
    await rm(join(folder, 'b.JPG'));
    const { operation_id: rollback } = await undo({ operation_id: id });
    expect((await operation(rollback)).state).toBe('stopping');
    expect((await refused(await resume(id), 'wrong_state')).detail).toContain(rollback);
    await house.startWorkers();
    await undone(rollback, 'partial_completed');
    const { photos } = await operation(rollback);
    expect(photos.map(({ result }) => result)).toEqual(['undone', 'left_changed', 'nothing_to_undo']);
  });
});

const resume = (id: string): Promise<Response> => send('POST', `${url}/api/resume-operation`, { operation_id: id });

describe('what was rolled back', () => {
  it('is gone with 410 and the reason, is marked in lists, and is neither resumed nor rolled back again', async () => {
    const { batch_id: id } = await order({ source: source() });
    await becomes(id, 'completed');
    const { operation_id: rollback } = await undo({ operation_id: id });
    await undone(rollback);
    await becomes(id, 'rolled_back');
    expect((await refused(await fetch(`${url}/api/v1/download/${id}.0`), 'removed')).detail).toContain('rolled back');
    expect((await refused(await fetch(`${url}/api/v1/batch/download/${id}`), 'removed')).detail).toContain(
      'rolled back',
    );
    const status = await answered(await fetch(`${url}/api/v1/batch/status/${id}`), batchStatusSchema);
    expect(status).toMatchObject({ status: 'rolled_back', completed_files: 0 });
    expect(status.sub_tasks.every(({ status, error_code: code }) => status === 'failed' && code === 'removed')).toBe(
      true,
    );
    const list = await answered(await fetch(`${url}/api/v1/batches/${id}/photos?status=removed`), photoListSchema);
    expect(list.photos).toHaveLength(3);
    expect(list.photos[0]).toMatchObject({ result: null, error: 'The result was rolled back.' });
    const tasks = await answered(await fetch(`${url}/api/v1/tasks?limit=3`), taskListSchema);
    expect(tasks.tasks.map(({ status }) => status)).not.toContain('completed');
    await refused(await resume(id), 'wrong_state');
    await refused(await send('POST', `${url}/api/v1/batches/${id}/retry`), 'wrong_state');
    await refused(await send('POST', `${url}/api/rollback`, { operation_id: rollback }), 'wrong_state');
    const again = await refused(
      await send('POST', `${url}/api/rollback`, { operation_id: id, task_ids: [`${id}.1`] }),
      'wrong_state',
    );
    expect(again.detail).toContain(rollback);
  });

  it('may be chosen photos alone', async () => {
    const { batch_id: id } = await order({ source: source() });
    await becomes(id, 'completed');
    const { operation_id: rollback, ...answer } = await undo({ operation_id: id, task_ids: [`${id}.2`] });
    expect(answer).toMatchObject({ photos: 1, undoes: [{ operation_id: id, task_ids: [`${id}.2`] }] });
    await undone(rollback);
    await refused(await fetch(`${url}/api/v1/download/${id}.2`), 'removed');
    const kept = await fetch(`${url}/api/v1/download/${id}.0`);
    expect([kept.status, await kept.text()]).toEqual([200, expect.stringMatching(/^enhanced/)]);
    await becomes(id, 'completed');
  });

  it('is refused in sentences when it cannot be', async () => {
    const { batch_id: id } = await order({ source: source(), enable_rollback: false });
    const off = await refused(await send('POST', `${url}/api/rollback`, { operation_id: id }), 'wrong_state');
    expect(off.detail).toContain('switched off');
    for (const body of [
      {},
      { operation_id: id, operation_ids: [id] },
      { operation_ids: [] },
      { operation_id: id, x: 1 },
    ]) {
      await refused(await send('POST', `${url}/api/rollback`, body), 'invalid_request');
    }
    for (const unknown of ['x', '../..', 'b-20261122-120934-k7m2x9qfab']) {
      await refused(await send('POST', `${url}/api/rollback`, { operation_id: unknown }), 'not_found');
      await refused(await fetch(`${url}/api/v1/operations/${encodeURIComponent(unknown)}`), 'not_found');
    }
  });
});

describe('a batch into a folder', () => {
  it('gives each result a file of its own, reads nothing outside the roots, and is undone', async () => {
    await writeFile(join(folder, 'a.png'), await png());
    await writeFile(join(folder, 'a.bmp'), bmp(8, 6));
    await symlink('/etc/hostname', join(folder, 'out.jpg'));
    await symlink(join(folder, 'a.jpg'), join(folder, 'twice.jpg'));
    const out = join(folder, 'out');
    const batch = await order({ source: source(), destination: { kind: 'folder', path: out } });
    expect(batch).toMatchObject({ total: 5, skipped: [{ path: 'out.jpg' }], skipped_total: 1 });
    await becomes(batch.batch_id, 'completed');
    const names = (await readdir(out, { recursive: true })).sort();
    expect(names).toEqual(['a-2.png', 'a.jpg', 'a.png', 'b.JPG', 'sub', 'sub/c.jpeg']);
    const again = await order({ source: source(), destination: { kind: 'folder', path: out } });
    expect(again.total).toBe(5);
    await becomes(again.batch_id, 'completed');
    const { operation_id: first } = await undo({ operation_ids: [batch.batch_id, again.batch_id] });
    await undone(first);
    const left = (await readdir(out, { recursive: true })).sort();
    expect(left).toEqual(['sub']);
  });
});

describe('the history', () => {
  it('is listed newest first, filtered, page by page', async () => {
    const { batch_id: id } = await order({ source: source(), tags: ['last'] });
    await becomes(id, 'completed');
    const list = async (query: string) =>
      answered(await fetch(`${url}/api/v1/operations${query}`), operationListSchema);
    const all = await list('?limit=200');
    expect(all.next_cursor).toBeNull();
    expect(all.operations.find(({ operation_id: known }) => known === id)).toMatchObject({ tags: ['last'], total: 3 });
    const paged: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await list(`?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      paged.push(...page.operations.map(({ operation_id: known }) => known));
      cursor = page.next_cursor;
    }
    expect(paged).toEqual(all.operations.map(({ operation_id: known }) => known));
    const rollbacks = await list('?kind=rollback&state=completed');
    expect(rollbacks.operations.length).toBeGreaterThan(0);
    expect(rollbacks.operations.every(({ kind, state }) => kind === 'rollback' && state === 'completed')).toBe(true);
    await refused(await fetch(`${url}/api/v1/operations?kind=other`), 'invalid_request');
  });
});
