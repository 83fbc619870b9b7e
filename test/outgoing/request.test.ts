// Property: an outgoing request is bounded in redirects, time and bytes, uses no proxy, and ends when it is told to.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { sendRequest, type OutgoingRequest } from '../../src/outgoing/request.ts';
import { makeGuard, serve, type LocalServer } from './support.ts';

const open: LocalServer[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of open.splice(0)) await server.close();
});
const serving = async (...args: Parameters<typeof serve>): Promise<LocalServer> => {
  const server = await serve(...args);
  open.push(server);
  return server;
};

/** One address of this machine is open, as if it were public; all others are refused. */
const guard = makeGuard({
  ranges: ['127.0.0.2/32'],
  names: { 'photos.test': [['127.0.0.2']], 'inside.test': [['127.0.0.1']] },
});
const ask = (url: string, change: Partial<OutgoingRequest> = {}) =>
  sendRequest(guard, { url, redirects: 3, timeoutMs: 2000, signal: new AbortController().signal, ...change });

async function read(url: string, maxBytes: number, change: Partial<OutgoingRequest> = {}): Promise<string> {
  const chunks: Uint8Array[] = [];
  const answer = await ask(url, change);
  for await (const chunk of answer.body(maxBytes)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('redirects', () => {
  it('[48] to a private address are refused before anything is connected to', async () => {
    for (const inside of [
      'http://127.0.0.1:PORT/',
      'http://inside.test:PORT/',
      'http://169.254.169.254/',
      'file:///etc/passwd',
      'http://a:b@photos.test/',
    ]) {
      const target = await serving((_request, response) => response.end('secret'));
      const server = await serving((_request, response) => {
        response.writeHead(302, { location: inside.replace('PORT', String(target.port)) }).end();
      });
      await expect(ask(`http://photos.test:${server.port}/`)).rejects.toMatchObject({ code: 'url_not_allowed' });
      expect(target.connections).toEqual([]);
    }
  });

  it('are followed where they are allowed, so many and no more', async () => {
    const server = await serving((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left > 0) response.writeHead(307, { location: `/${left - 1}` }).end();
      else response.end('photo');
    });
    expect(await read(`http://photos.test:${server.port}/3`, 100)).toBe('photo');
    await expect(ask(`http://photos.test:${server.port}/4`)).rejects.toMatchObject({ code: 'url_not_allowed' });
    const answer = await ask(`http://photos.test:${server.port}/4`, { redirects: 0 });
    expect(answer.status).toBe(307);
    answer.close();
  });
});

describe('an answer', () => {
  it('that is too long is cut off, whether its length was said or not', async () => {
    const server = await serving((request, response) => {
      if (request.url === '/said') response.setHeader('content-length', 10_000_000);
      response.on('error', () => undefined);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    for (const path of ['/said', '/endless']) {
      await expect(read(`http://photos.test:${server.port}${path}`, 1_000_000)).rejects.toMatchObject({
        code: 'file_too_large',
      });
    }
  });

  it('that breaks off, or never comes, is an address that does not answer', async () => {
    const server = await serving((request, response) => {
      if (request.url === '/cut')
        response.writeHead(200, { 'content-length': 100 }).write('half', () => response.destroy());
      if (request.url === '/drip') response.write('x'); // and nothing more
    });
    const at = `http://photos.test:${server.port}`;
    const code = { code: 'address_unreachable' };
    await expect(read(`${at}/cut`, 1000)).rejects.toMatchObject(code);
    for (const path of ['/drip', '/never'])
      await expect(read(`${at}${path}`, 1000, { timeoutMs: 300 })).rejects.toMatchObject(code);
    await expect(ask('http://photos.test:1029/', { timeoutMs: 300 })).rejects.toMatchObject(code);
  });

  it('is not waited for when the caller stops', async () => {
    const server = await serving(() => undefined);
    const stop = new AbortController();
    const asked = ask(`http://photos.test:${server.port}/`, { signal: stop.signal });
    await sleep(50);
    stop.abort(new Error('cancelled'));
    await expect(asked).rejects.toThrow('cancelled');
  });
});

it('no proxy of the environment is asked', async () => {
  const proxy = await serving((_request, response) => response.end('from the proxy'));
  const server = await serving((_request, response) => response.end('from the server'));
  for (const name of ['http_proxy', 'HTTP_PROXY', 'ALL_PROXY', 'https_proxy'])
    vi.stubEnv(name, `http://127.0.0.1:${proxy.port}`);
  vi.stubEnv('NODE_USE_ENV_PROXY', '1');
  expect(await read(`http://photos.test:${server.port}/`, 100)).toBe('from the server');
  expect(proxy.connections).toEqual([]);
});

it('a body is sent as it is, under the headers that were given', async () => {
  const seen: unknown[] = [];
  const server = await serving((request, response) => {
    void (async () => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      seen.push(request.method, request.headers['x-test'], request.headers.host, body);
      response.end();
    })();
  });
  await read(`http://photos.test:${server.port}/`, 100, { method: 'POST', headers: { 'x-test': '1' }, body: 'grüße' });
  expect(seen).toEqual(['POST', '1', `photos.test:${server.port}`, 'grüße']);
});
