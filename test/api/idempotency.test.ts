/**
 * Property: a request that is sent again under its Idempotency-Key is done once and gets the first answer, whoever answers it,
 * whenever, and wherever the first try broke off; another request under that key is refused; nothing of a refused one stays.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { connect } from 'node:net';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createApp } from '../../src/api/app.ts';
import { letGo, openHouse } from '../../src/api/house.ts';
import { listen } from '../../src/api/server.ts';
import { batchCreatedSchema, photosAddedSchema } from '../../src/contracts/http-batches.ts';
import { rollbackAnswerSchema } from '../../src/contracts/http-operations.ts';
import { batchAcceptedSchema, taskAcceptedSchema } from '../../src/contracts/http.ts';
import { batchPrefix } from '../../src/storage/keys.ts';
import { jpeg, png } from './support/photos.ts';
import { answerOf, partHead, uploadHead } from './support/raw-request.ts';
import { answered, eventually, form, post, refused, startApi, type RunningApi } from './support/running-api.ts';

let photo: Buffer;
let other: Buffer;
let api: RunningApi;
beforeAll(async () => {
  photo = await jpeg();
  other = await png(9, 9);
});
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

const under = (key: string) => ({ headers: { 'idempotency-key': key } });
const sendJson = (path: string, body: unknown, key?: string, url = api.url): Promise<Response> =>
  fetch(`${url}${path}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { 'idempotency-key': key }) },
  });
const uploads = async (): Promise<string[]> => (await api.files()).filter((path) => path.includes('/uploads/')).sort();
const replayed = (response: Response): boolean => response.headers.get('idempotency-replayed') === 'true';

describe('[11] the same request under the same key gets the first answer', () => {
  it('for a form with one photo, whatever its boundary', async () => {
    const send = (): Promise<Response> =>
      post(`${api.url}/api/v1/enhance?scale=2`, form('file', [photo, 'a.jpg']), under('one'));
    const first = await send();
    const answer = await answered(first, taskAcceptedSchema);
    expect(replayed(first)).toBe(false);
    const kept = await uploads();
    const second = await send();
    expect(await answered(second, taskAcceptedSchema)).toEqual(answer);
    expect(replayed(second)).toBe(true);
    expect(second.headers.get('location')).toBe(first.headers.get('location'));
    expect(api.service.submitted).toHaveLength(1);
    expect(await uploads()).toEqual(kept);
  });

  it('for a form with several photos', async () => {
    const send = (): Promise<Response> =>
      post(`${api.url}/api/v1/enhance/batch`, form('files', [photo, 'a.jpg'], [other, 'b.png']), under('several'));
    const answer = await answered(await send(), batchAcceptedSchema);
    expect(await answered(await send(), batchAcceptedSchema)).toEqual(answer);
    expect(api.service.submitted).toHaveLength(1);
    expect(await uploads()).toHaveLength(2);
  });

  it('for a batch in JSON, whatever the order of its fields, and for photos that are added to it', async () => {
    const first = await sendJson('/api/v1/batches', { open: true, tags: ['a'] }, '"quoted"');
    const batch = await answered(first, batchCreatedSchema);
    const again = await sendJson('/api/v1/batches', '{"tags": ["a"], "open": true}', 'quoted');
    expect(await answered(again, batchCreatedSchema)).toEqual(batch);
    expect(replayed(again)).toBe(true);
    const path = `${api.url}/api/v1/batches/${batch.batch_id}/photos`;
    const added = await answered(await post(path, form('files', [photo, 'a.jpg']), under('add')), photosAddedSchema);
    expect(added).toMatchObject({ from: 0, count: 1 });
    const twice = await post(path, form('files', [photo, 'a.jpg']), under('add'));
    expect(await answered(twice, photosAddedSchema)).toEqual(added);
    expect(await uploads()).toHaveLength(1);
    await refused(await post(path, form('files', [other, 'a.jpg']), under('add')), 'idempotency_key_reused');
    expect(await uploads()).toHaveLength(1);
  });

  it('for a rollback', async () => {
    const made = await answered(
      await post(`${api.url}/api/v1/enhance`, form('file', [photo, 'a.jpg'])),
      taskAcceptedSchema,
    );
    const body = { operation_id: made.operation_id };
    const first = await answered(await sendJson('/api/rollback', body, 'undo'), rollbackAnswerSchema);
    expect(first.created).toBe(true);
    expect(await answered(await sendJson('/api/rollback', body, 'undo'), rollbackAnswerSchema)).toEqual(first);
    expect((await answered(await sendJson('/api/rollback', body), rollbackAnswerSchema)).created).toBe(false);
  });

  it('after a restart, and from another server', async () => {
    const answer = await answered(await sendJson('/api/v1/batches', { open: true }, 'kept'), batchCreatedSchema);
    const house = openHouse(api.house);
    const replica = await listen(createApp(house), house.config, () => letGo(house));
    try {
      const again = await sendJson('/api/v1/batches', { open: true }, 'kept', replica.url);
      expect(await answered(again, batchCreatedSchema)).toEqual(answer);
    } finally {
      await replica.close();
    }
  });
});

it('[12] refuses another request under the key, and keeps nothing of it', async () => {
  const url = `${api.url}/api/v1/enhance`;
  await answered(await post(url, form('file', [photo, 'a.jpg']), under('k')), taskAcceptedSchema);
  const kept = await api.files();
  for (const [address, body] of [
    [url, form('file', [other, 'a.jpg'])],
    [url, form('file', [photo, 'renamed.jpg'])],
    [`${url}?scale=2`, form('file', [photo, 'a.jpg'])],
  ] as const) {
    await refused(await post(address, body, under('k')), 'idempotency_key_reused');
  }
  await refused(await sendJson('/api/v1/batches', { open: true }, 'k'), 'idempotency_key_reused');
  expect(api.service.submitted).toHaveLength(1);
  expect(await api.files()).toEqual(kept);
});

it('[13] says 409 with Retry-After while the first is still coming in, and answers it to the next', async () => {
  const body = Buffer.concat([Buffer.from(partHead('file')), photo, Buffer.from('\r\n--B--\r\n')]);
  const head = uploadHead('/api/v1/enhance', body.length).replace('\r\n\r\n', '\r\nIdempotency-Key: slow\r\n\r\n');
  const whole = Buffer.concat([Buffer.from(head.slice(0, head.indexOf('\r\n\r\n') + 4)), body]);
  const socket = connect(api.port, '127.0.0.1');
  await once(socket, 'connect');
  const cut = whole.length - 20;
  socket.write(whole.subarray(0, cut));
  await eventually(async () => expect((await api.files()).join()).toContain('0.claim.json'));
  for (let turn = 0; turn < 2; turn++) {
    const second = await post(`${api.url}/api/v1/enhance`, form('file', [photo, 'a.jpg']), under('slow'));
    expect(second.headers.get('retry-after')).toMatch(/^\d+$/);
    await refused(second, 'idempotency_in_progress');
  }
  socket.write(whole.subarray(cut));
  const first = await answerOf(socket, 3000);
  expect(first.status).toBe(200);
  const next = await post(`${api.url}/api/v1/enhance`, form('file', [photo, 'a.jpg']), under('slow'));
  expect(await answered(next, taskAcceptedSchema)).toEqual(JSON.parse(first.body));
  expect(api.service.submitted).toHaveLength(1);
});

it('lets one of many at once through', async () => {
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => post(`${api.url}/api/v1/enhance`, form('file', [photo, 'a.jpg']), under('race'))),
  );
  const bodies = new Set<string>();
  for (const answer of answers) {
    if (answer.status === 200) bodies.add(await answer.text());
    else await refused(answer, 'idempotency_in_progress');
  }
  expect(bodies.size).toBe(1);
  expect(api.service.submitted).toHaveLength(1);
  expect(await uploads()).toHaveLength(1);
});

it('forgets a request that was refused, so that it can be corrected', async () => {
  const url = `${api.url}/api/v1/enhance`;
  await refused(await post(url, form('file', [Buffer.from('text'), 'a.jpg']), under('k')), 'unsupported_format');
  expect(await api.files()).toEqual([]);
  await answered(await post(url, form('file', [photo, 'a.jpg']), under('k')), taskAcceptedSchema);
});

it('takes up a try that failed on our side with the same batch', async () => {
  api.service.temporalIsAway = true;
  const send = (content = photo): Promise<Response> =>
    post(`${api.url}/api/v1/enhance`, form('file', [content, 'a.jpg']), under('k'));
  await refused(await send(), 'temporal_unavailable');
  expect(await uploads()).toEqual([]);
  api.service.temporalIsAway = false;
  await refused(await send(other), 'idempotency_key_reused');
  await answered(await send(), taskAcceptedSchema);
  expect(api.service.submitted).toHaveLength(1);
});

describe('a server that died under a key', () => {
  const send = (): Promise<Response> => sendJson('/api/v1/batches', { open: true }, 'k');
  const claimPath = async (): Promise<string> =>
    (await api.files()).find((path) => path.endsWith('0.claim.json')) ?? 'none';

  /** Takes the answer away and leaves the claim of another process, as a crash does. */
  async function leaveClaim(life: { host?: string; pid: number; renewedAt?: number }): Promise<string> {
    await answered(await send(), batchCreatedSchema);
    const batchId = api.service.submitted[0]?.batchId ?? '';
    const now = Date.now();
    const dead = { host: hostname(), instance: 'dead', at: now, renewedAt: now, batchId, released: false, ...life };
    await writeFile(await claimPath(), JSON.stringify(dead));
    await rm(join(await claimPath(), '../answer.json'));
    return batchId;
  }

  it('before its answer: the next try finds the batch that it made', async () => {
    const made = await leaveClaim({ pid: spawnSync(process.execPath, ['-e', '']).pid });
    const next = await answered(await send(), batchCreatedSchema);
    expect(next.batch_id).toBe(made);
    expect(api.service.submitted).toHaveLength(1);
    expect(api.service.startedAgain).toEqual([made]);
    expect(await answered(await send(), batchCreatedSchema)).toEqual(next);
    expect(api.service.startedAgain).toHaveLength(1);
  });

  it('before it made the batch: the next try makes it, under the same ID, also with the pid of the dead', async () => {
    const batchId = await leaveClaim({ pid: process.pid });
    await api.store.removeAll(batchPrefix(batchId));
    expect((await answered(await send(), batchCreatedSchema)).batch_id).toBe(batchId);
    expect(api.service.startedAgain).toEqual([]);
    expect(api.service.submitted.map((batch) => batch.batchId)).toEqual([batchId, batchId]);
  });

  it('on another host is believed while its lease runs', async () => {
    const batchId = await leaveClaim({ host: 'elsewhere', pid: 1 });
    await refused(await send(), 'idempotency_in_progress');
    const claim = JSON.parse(await readFile(await claimPath(), 'utf8')) as object;
    await writeFile(await claimPath(), JSON.stringify({ ...claim, renewedAt: Date.now() - 60_000 }));
    expect((await answered(await send(), batchCreatedSchema)).batch_id).toBe(batchId);
  });
});

it('takes keys of plain text and bounded length only', async () => {
  for (const key of ['', '""', 'k'.repeat(256), 'tab\there', 'ü']) {
    const problem = await refused(await sendJson('/api/v1/batches', { open: true }, key), 'invalid_request');
    expect(problem.errors?.[0]?.pointer).toBe('Idempotency-Key');
  }
  await answered(await sendJson('/api/v1/batches', { open: true }, 'k'.repeat(255)), batchCreatedSchema);
  expect(api.service.submitted).toHaveLength(1);
});

it('knows keys by tenant, bounds their number, and forgets those of days that are over', async () => {
  const two = await startApi({ API_KEYS: 'one,two' });
  try {
    const shareOf = (key: string): string => createHash('sha256').update(key).digest('hex').slice(0, 2);
    const send = (key: string, idempotencyKey = 'shared'): Promise<Response> =>
      fetch(`${two.url}/api/v1/batches`, {
        method: 'POST',
        body: '{"open":true}',
        headers: {
          authorization: `Bearer ${key}`,
          'idempotency-key': idempotencyKey,
          'content-type': 'application/json',
        },
      });
    const root = join(two.root, 'store/idempotency');
    await mkdir(join(root, '2020-01-01/some/old/key'), { recursive: true });
    const mine = await answered(await send('one'), batchCreatedSchema);
    const theirs = await answered(await send('two'), batchCreatedSchema);
    expect(mine.batch_id).not.toBe(theirs.batch_id);
    expect(await two.store.list('idempotency')).toEqual([new Date().toISOString().slice(0, 10)]);

    const mineAgain = await send('one');
    expect(((await mineAgain.json()) as { batch_id: string }).batch_id).toBe(mine.batch_id);

    // Both tenants have used their share of keys that begin with the same digits as this one: no other is taken in it.
    const shares = (await two.files())
      .filter((path) => path.endsWith('.claim.json'))
      .map((path) => join(path, '../..'));
    for (const share of shares) {
      await Promise.all(Array.from({ length: 255 }, (_, at) => mkdir(join(share, `filled-${at}`))));
    }
    const digits = basename(shares[0] ?? '');
    const same = Array.from({ length: 5000 }, (_, at) => `key ${at}`).find((key) => shareOf(key) === digits) ?? '';
    const tooMany = await send('one', same);
    expect(tooMany.headers.get('retry-after')).toMatch(/^\d+$/);
    await refused(tooMany, 'too_many_keys');
    expect((await send('one')).status).toBe(200);
    expect(two.service.submitted).toHaveLength(2);
  } finally {
    await two.close();
  }
});
