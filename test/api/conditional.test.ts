/**
 * Property: every JSON answer that is asked for again and again has an ETag of its content; who names it gets 304 and no body
 * until something has changed. Answers may be kept by the caller alone, and only if it asks before it uses them.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeHeader, makeRecord, newBatchId } from '../support/journal-fixtures.ts';
import { refused, startApi, type RunningApi } from './support/running-api.ts';

let api: RunningApi;
let batchId: string;
beforeAll(async () => {
  api = await startApi();
  const { tags: _tags, ...header } = makeHeader(newBatchId(), 2, { tenant: 'local' });
  ({ batchId } = await api.service.submit({ ...header, photos: [makeRecord(0), makeRecord(1)] }));
});
afterAll(() => api.close());

const paths = (): string[] => [
  `/api/v1/batches/${batchId}/photos`,
  `/api/v1/operations/${batchId}`,
  '/api/v1/tasks',
  `/api/v1/status/${batchId}.0`,
  `/api/batch-progress/${batchId}`,
];
const ask = (path: string, etag?: string, method = 'GET'): Promise<Response> =>
  fetch(`${api.url}${path}`, { method, ...(etag === undefined ? {} : { headers: { 'if-none-match': etag } }) });

it('is told not to send again what the caller has, in any form it may name it', async () => {
  for (const path of paths()) {
    const first = await ask(path);
    expect(first.status, path).toBe(200);
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^W\/"[\w-]{20,}"$/);
    expect(first.headers.get('cache-control')).toBe('no-cache, private');
    const body = await first.text();
    for (const named of [etag, etag.slice(2), `"other", ${etag}`, '*']) {
      const second = await ask(path, named);
      expect(second.status, `${path} ${named}`).toBe(304);
      expect(second.headers.get('etag')).toBe(etag);
      expect(await second.text()).toBe('');
    }
    const stale = await ask(path, 'W/"of something else"');
    expect(stale.status).toBe(200);
    expect(await stale.text()).toBe(body);
    const head = await ask(path, undefined, 'HEAD');
    expect(head.headers.get('etag')).toBe(etag);
    expect(await head.text()).toBe('');
  }
});

it('has a new tag when something has changed', async () => {
  const path = `/api/v1/status/${batchId}.1`;
  const before = (await ask(path)).headers.get('etag') ?? '';
  await api.service.complete(batchId, 1, Buffer.from('enhanced'));
  const after = await ask(path, before);
  expect(after.status).toBe(200);
  expect(after.headers.get('etag')).not.toBe(before);
});

it('leaves errors, probes and changes as they are: nobody may keep them', async () => {
  const missing = await ask('/api/v1/status/b-20261122-120934-k7m2x9qfab.0', '*');
  expect(missing.headers.get('cache-control')).toBe('no-store');
  expect(missing.headers.get('etag')).toBeNull();
  await refused(missing, 'not_found');
  for (const path of ['/health', '/livez', '/readyz', '/']) {
    const probe = await ask(path, '*');
    expect(probe.status, path).not.toBe(304);
    expect(probe.headers.get('cache-control'), path).toBe('no-store');
  }
  const pause = await ask(`/api/v1/batches/${batchId}/pause`, '*', 'POST');
  expect(pause.status).toBe(200);
  expect(pause.headers.get('etag')).toBeNull();
});
