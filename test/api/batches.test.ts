/**
 * Property: the routes for batches and operations answer the documented shapes, hold every id against its tenant, and
 * refuse what is not documented before anything is changed.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROUTES } from '../../src/api/routes.ts';
import {
  batchControlledSchema,
  batchCreatedSchema,
  photoListSchema,
  photosAddedSchema,
} from '../../src/contracts/http-batches.ts';
import {
  operationDetailSchema,
  operationListSchema,
  rollbackAnswerSchema,
} from '../../src/contracts/http-operations.ts';
import { batchAcceptedSchema, resumeAnswerSchema } from '../../src/contracts/http.ts';
import { jpeg } from './support/photos.ts';
import { answered, form, refused, startApi, type RunningApi } from './support/running-api.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi({ API_KEYS: 'mine,theirs' });
});
afterAll(() => api.close());

function call(method: string, path: string, options: { body?: unknown; key?: string } = {}): Promise<Response> {
  const { body, key = 'mine' } = options;
  const json = body !== undefined && !(body instanceof FormData);
  return fetch(`${api.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(json ? { 'content-type': 'application/json' } : {}) },
    ...(body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) }),
  });
}

const openBatch = async (): Promise<string> =>
  (await answered(await call('POST', '/api/v1/batches', { body: { open: true } }), batchCreatedSchema)).batch_id;

it('answer their shapes', async () => {
  const id = await openBatch();
  const batch = `/api/v1/batches/${id}`;
  const files = form('files', [await jpeg(), 'a.jpg'], [await jpeg(), 'b.jpg']);
  const added = await call('POST', `${batch}/photos`, { body: files });
  expect(added.headers.get('location')).toBe(`${batch}/photos`);
  expect(await answered(added, photosAddedSchema)).toMatchObject({ count: 2, refused: [] });
  await api.service.complete(id, 1, Buffer.from('enhanced'));
  const list = await answered(await call('GET', `${batch}/photos?status=completed`), photoListSchema);
  expect(list.photos).toMatchObject([{ index: 1, filename: 'b.jpg', result: { url: `/api/v1/download/${id}.1` } }]);
  for (const verb of ['pause', 'seal', 'cancel']) {
    await answered(await call('POST', `${batch}/${verb}`), batchControlledSchema);
  }
  for (const verb of ['resume', 'retry']) await answered(await call('POST', `${batch}/${verb}`), resumeAnswerSchema);
  await answered(await call('PATCH', batch, { body: { priority: 1 } }), batchControlledSchema);
  const undo = await call('POST', '/api/rollback', { body: { operation_id: id } });
  const rollback = await answered(undo, rollbackAnswerSchema);
  expect(undo.headers.get('location')).toBe(rollback.status_url);
  await answered(await call('GET', rollback.status_url), operationDetailSchema);
  expect(await answered(await call('GET', `/api/v1/operations/${id}`), operationDetailSchema)).toMatchObject({
    photos_url: `${batch}/photos`,
  });
  await answered(await call('GET', '/api/v1/operations'), operationListSchema);
});

it('know nothing of another tenant’s batches', async () => {
  const id = await openBatch();
  const concerned = ROUTES.filter(({ path }) => /\{(?:batch|operation|batch_task)_id\}/.test(path));
  expect(concerned.length).toBeGreaterThan(10);
  for (const { method, path, form: takesForm } of concerned) {
    const body = takesForm ? form('files', [await jpeg(), 'a.jpg']) : method === 'patch' ? { priority: 1 } : undefined;
    const address = path.replace(/\{\w+\}/, id);
    await refused(await call(method.toUpperCase(), address, { body, key: 'theirs' }), 'not_found');
  }
  await refused(await call('POST', '/api/rollback', { body: { operation_id: id }, key: 'theirs' }), 'not_found');
  expect(
    (await answered(await call('GET', '/api/v1/operations', { key: 'theirs' }), operationListSchema)).operations,
  ).toEqual([]);
});

it('refuse what is not documented', async () => {
  const id = await openBatch();
  const batch = `/api/v1/batches/${id}`;
  for (const body of [{}, { priority: 0 }, { max_workers: 201 }, { priority: 1.5 }, { state: 'paused' }]) {
    await refused(await call('PATCH', batch, { body }), 'invalid_request');
  }
  for (const query of ['status=done', 'limit=0', 'limit=501', 'cursor=x']) {
    await refused(await call('GET', `${batch}/photos?${query}`), 'invalid_request');
  }
  const extra = form('files', [await jpeg(), 'a.jpg']);
  extra.append('scale', '2');
  await refused(await call('POST', `${batch}/photos`, { body: extra }), 'invalid_request');
  await refused(await call('POST', `${batch}/photos`, { body: form('files') }), 'no_files');
  expect((await api.files()).filter((path) => path.includes('/uploads/') && path.includes(id))).toEqual([]);
  for (const path of ['/api/v1/batches/x', '/api/v1/operations/r-x', `/api/v1/operations/${id}x`]) {
    await refused(await call('GET', path), 'not_found');
  }
  await refused(await call('GET', `/api/v1/operations/${id}?cursor=1`), 'invalid_request');
});

it('say that results are gone when their time was over', async () => {
  const files = form('files', [await jpeg(), 'a.jpg']);
  const accepted = await call('POST', '/api/v1/enhance/batch', { body: files });
  const { batch_task_id: id } = await answered(accepted, batchAcceptedSchema);
  await api.service.complete(id, 0, Buffer.from('enhanced'));
  await api.journal.markExpired(id, { at: Date.now() });
  for (const path of [`/api/v1/download/${id}.0`, `/api/v1/batch/download/${id}`]) {
    expect((await refused(await call('GET', path), 'removed')).detail).toContain('time to be kept');
  }
});
