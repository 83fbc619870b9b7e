/** Property: scripts and styles of the page come compressed to whoever takes that, and are the same bytes to everybody. */
import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi, type RunningApi } from './support/running-api.ts';

const CODE = 'export const answer = 42;\n'.repeat(100);
let api: RunningApi;
beforeAll(async () => {
  api = await startApi();
  const assets = join(api.root, 'web/assets');
  await mkdir(assets, { recursive: true });
  await Promise.all([
    writeFile(join(assets, 'index-Abc1.js'), CODE),
    writeFile(join(assets, 'index-Abc1.js.gz'), gzipSync(CODE)),
    writeFile(join(assets, 'plain.css'), 'p{}'),
  ]);
});
afterAll(() => api.close());

/** As it comes over the line: fetch would unpack it. */
const get = (path: string, encodings: string) =>
  new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
    request(`${api.url}${path}`, { headers: { 'accept-encoding': encodings } }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(pieces) }),
      );
    })
      .on('error', reject)
      .end();
  });

it('sends what the build has compressed', async () => {
  const { status, headers, body } = await get('/assets/index-Abc1.js', 'gzip, deflate, br');
  expect(status).toBe(200);
  expect(headers).toMatchObject({ 'content-encoding': 'gzip', 'content-type': 'text/javascript; charset=utf-8' });
  expect(headers['vary']).toContain('Accept-Encoding');
  expect(body.length).toBeLessThan(CODE.length / 2);
  expect(gunzipSync(body).toString()).toBe(CODE);
});

it('sends it plain to whoever does not take that', async () => {
  for (const encodings of ['identity', 'gzip;q=0, identity']) {
    const { headers, body } = await get('/assets/index-Abc1.js', encodings);
    expect(headers['content-encoding']).toBeUndefined();
    expect(headers['vary']).toContain('Accept-Encoding');
    expect(body.toString()).toBe(CODE);
  }
});

it('sends plain what has no compressed form', async () => {
  expect((await get('/assets/plain.css', 'gzip')).body.toString()).toBe('p{}');
  expect((await get('/assets/missing.js', 'gzip')).status).toBe(404);
});
