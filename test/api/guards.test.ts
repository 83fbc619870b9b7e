/**
 * Property: who may not, gets the documented refusal and learns nothing: keys, tenants, pages of other origins, rebound
 * names, wrong methods and paths, bodies that are no JSON. Numbers are those of the list of hostile inputs.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { batchAcceptedSchema, taskAcceptedSchema, taskListSchema } from '../../src/contracts/http.ts';
import { jpeg } from './support/photos.ts';
import { sendRaw } from './support/raw-request.ts';
import { answered, form, post, refused, startApi, type RunningApi } from './support/running-api.ts';

let api: RunningApi;
afterEach(() => api.close());

const bearer = (key: string): RequestInit => ({ headers: { authorization: `Bearer ${key}` } });
const from = (origin: string): RequestInit => ({ headers: { origin } });

const enhance = async (init: RequestInit = {}): Promise<Response> =>
  post(`${api.url}/api/v1/enhance`, form('file', [await jpeg(), 'a.jpg']), init);

describe('addresses and bodies', () => {
  it('[44] answers 405 with Allow for a wrong method, 404 for a wrong path', async () => {
    api = await startApi();
    const wrong = await fetch(`${api.url}/api/v1/enhance`);
    expect(wrong.headers.get('allow')).toBe('POST, OPTIONS');
    await refused(wrong, 'method_not_allowed');
    for (const [path, allow] of [
      ['/health', 'GET, HEAD, OPTIONS'],
      ['/api/v1/tasks/x', 'DELETE, OPTIONS'],
    ] as const) {
      const response = await fetch(`${api.url}${path}`, { method: 'PUT' });
      expect(response.headers.get('allow')).toBe(allow);
      await refused(response, 'method_not_allowed');
    }
    const options = await fetch(`${api.url}/health`, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS']);
    for (const path of ['/nothing', '/api/v1/enhance/x', '/api/nothing', '/..%2f..%2fetc/passwd', '/.env']) {
      await refused(await fetch(`${api.url}${path}`, { method: 'POST' }), 'not_found');
      await refused(await fetch(`${api.url}${path}`), 'not_found');
    }
  });

  it('[18] answers 404 for identifiers that are none', async () => {
    api = await startApi();
    const unknown = 'b-20261122-120934-k7m2x9qfab';
    for (const id of ['x', '%2e%2e', '..%2F..%2Fetc', `${unknown}.0`, unknown, '%00', 'a'.repeat(500)]) {
      for (const path of ['/api/v1/status', '/api/v1/download', '/api/v1/batch/status', '/api/v1/batch/download']) {
        await refused(await fetch(`${api.url}${path}/${id}`), 'not_found');
      }
      await refused(await fetch(`${api.url}/api/batch-progress/${id}`), 'not_found');
      await refused(await fetch(`${api.url}/api/v1/tasks/${id}`, { method: 'DELETE' }), 'not_found');
    }
    await refused(await fetch(`${api.url}/api/v1/status/%zz`), 'invalid_request');
  });

  it('refuses cursors that no answer gave, in every list', async () => {
    api = await startApi();
    for (const list of ['tasks', 'operations']) {
      for (const cursor of ['zzz', '0', 'b-20261127-000000-aaaaaaaaaa', '..', '20261127-000000.b-1']) {
        const problem = await refused(await fetch(`${api.url}/api/v1/${list}?cursor=${cursor}`), 'invalid_request');
        expect(problem.errors?.map(({ pointer }) => pointer)).toEqual(['cursor']);
      }
    }
  });

  it('[43] refuses bodies that are no JSON object of the documented shape', async () => {
    api = await startApi();
    const send = (body: string | Buffer<ArrayBuffer>, type = 'application/json'): Promise<Response> =>
      fetch(`${api.url}/api/resume-operation`, { method: 'POST', headers: { 'content-type': type }, body });
    await refused(await send('{"operation_id":'), 'invalid_request');
    await refused(await send('"text"'), 'invalid_request');
    await refused(await send(Buffer.from('{"operation_id":"x"}', 'utf16le')), 'invalid_request');
    await refused(await send('{}', 'application/json; charset=latin1'), 'unsupported_media_type');
    await refused(await send('operation_id=x', 'application/x-www-form-urlencoded'), 'unsupported_media_type');
    await refused(await send(`{"operation_id":"${'x'.repeat(5_000_000)}"}`), 'body_too_large');
    await refused(await send('{"operation_id":"x","__proto__":{"a":1}}'), 'invalid_request');
    await refused(await fetch(`${api.url}/api/resume-operation`, { method: 'POST' }), 'invalid_request');
  });

  it('keeps nothing of the inside in the answer to an unexpected error, but logs it', async () => {
    api = await startApi();
    api.service.recentPhotos = () => Promise.reject(new TypeError('secret at /home/someone/store'));
    const problem = await refused(await fetch(`${api.url}/api/v1/tasks`), 'internal');
    expect(JSON.stringify(problem)).not.toContain('secret');
    expect(JSON.stringify(api.logged())).toContain('secret at');
    expect(api.logged().some((line) => line['traceId'] === problem.traceId && line['level'] === 50)).toBe(true);
  });

  it('takes over the trace of its caller', async () => {
    api = await startApi();
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
    const response = await fetch(`${api.url}/health`, { headers: { traceparent } });
    expect(response.headers.get('x-trace-id')).toBe(traceId);
  });
});

describe('[45] API keys', () => {
  const KEYS = 'first-key-of-this-test,second-key-of-this-test';

  it('are demanded, as Bearer or X-API-Key, and never logged', async () => {
    api = await startApi({ API_KEYS: KEYS });
    for (const init of [{}, bearer('wrong'), bearer(''), { headers: { 'x-api-key': 'first-key' } }]) {
      const response = await enhance(init);
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
      await refused(response, 'unauthorized');
    }
    await answered(await enhance(bearer('first-key-of-this-test')), taskAcceptedSchema);
    await answered(await enhance({ headers: { 'X-API-Key': 'second-key-of-this-test' } }), taskAcceptedSchema);
    for (const open of ['/', '/health', '/livez', '/docs', '/openapi.json']) {
      expect((await fetch(`${api.url}${open}`)).status, open).toBe(200);
    }
    expect(JSON.stringify(api.logged())).not.toContain('key-of-this-test');
  });

  it('separate tenants: what is another’s is unknown', async () => {
    api = await startApi({ API_KEYS: KEYS });
    const mine = bearer('first-key-of-this-test');
    const theirs = bearer('second-key-of-this-test');
    const data = form('files', [await jpeg(), 'a.jpg']);
    const accepted = await post(`${api.url}/api/v1/enhance/batch`, data, mine);
    const { batch_task_id: id } = await answered(accepted, batchAcceptedSchema);
    const paths = ['status/ID.0', 'download/ID.0', 'batch/status/ID', 'batch/download/ID'].map(
      (path) => `/api/v1/${path}`,
    );
    for (const path of [...paths, '/api/batch-progress/ID']) {
      await refused(await fetch(`${api.url}${path.replace('ID', id)}`, theirs), 'not_found');
    }
    await refused(await fetch(`${api.url}/api/v1/tasks/${id}.0`, { ...theirs, method: 'DELETE' }), 'not_found');
    const list = async (init: RequestInit) => answered(await fetch(`${api.url}/api/v1/tasks`, init), taskListSchema);
    expect((await list(theirs)).total_tasks).toBe(0);
    expect((await list(mine)).total_tasks).toBe(1);
  });
});

describe('[46] pages of other origins', () => {
  it('may not change anything, and are shown nothing', async () => {
    api = await startApi();
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1']) {
      await refused(await enhance(from(origin)), 'forbidden_origin');
      const read = await fetch(`${api.url}/health`, from(origin));
      expect([read.status, read.headers.get('access-control-allow-origin')]).toEqual([200, null]);
    }
    expect(await api.files()).toEqual([]);
  });

  it('may when they are the server’s own page, or send no Origin', async () => {
    api = await startApi();
    await answered(await enhance(from(api.url)), taskAcceptedSchema);
    await answered(await enhance(), taskAcceptedSchema);
  });

  it('may when they are listed, after asking first', async () => {
    api = await startApi({ CORS_ORIGINS: 'https://page.example' });
    const response = await enhance(from('https://page.example'));
    expect(response.headers.get('access-control-allow-origin')).toBe('https://page.example');
    expect(response.headers.get('vary')).toContain('Origin');
    await answered(response, taskAcceptedSchema);
    await refused(await enhance(from('https://page.example.evil.example')), 'forbidden_origin');
    const preflight = await fetch(`${api.url}/api/v1/tasks/x`, {
      method: 'OPTIONS',
      headers: { origin: 'https://page.example', 'access-control-request-method': 'DELETE' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-methods')).toContain('DELETE');
    expect(preflight.headers.get('access-control-allow-headers')).toContain('Authorization');
  });

  it('may all when `*` is configured; also an error can be read', async () => {
    api = await startApi({ CORS_ORIGINS: '*' });
    await answered(await enhance(from('https://anywhere.example')), taskAcceptedSchema);
    const problem = await fetch(`${api.url}/api/v1/status/x`, from('https://anywhere.example'));
    expect(problem.headers.get('access-control-allow-origin')).toBe('https://anywhere.example');
    await refused(problem, 'not_found');
  });

  it('reach nothing under a name that was rebound to this machine', async () => {
    api = await startApi();
    const ask = (host: string) => sendRaw(api.port, `GET /health HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    expect((await ask(`evil.example:${api.port}`)).status).toBe(403);
    for (const host of ['localhost', `127.0.0.1:${api.port}`, '[::1]'])
      expect((await ask(host)).status, host).toBe(200);
  });
});

describe('headers', () => {
  beforeAll(async () => {
    api = await startApi();
  });
  afterAll(() => undefined);

  it('allow the built page and nothing inline', async () => {
    const response = await fetch(`${api.url}/`, { headers: { accept: 'text/html' } });
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain('unsafe');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(response.headers.get('x-powered-by')).toBeNull();
    expect(response.headers.get('strict-transport-security')).toBeNull();
  });
});
