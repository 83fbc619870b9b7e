/**
 * Property: photos of a bucket are enhanced as they were when the batch was ordered, each fetched when its turn comes; what
 * changed, is gone, forbidden or cut off is one photo that failed with a sentence; and nobody reads but where it is allowed.
 */
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { batchCreatedSchema, photoListSchema, photosAddedSchema } from '../../src/contracts/http-batches.ts';
import { planSchema } from '../../src/contracts/http-plan.ts';
import { ENHANCE_BATCH } from '../../src/contracts/workflow-api.ts';
import { uploadsPrefix } from '../../src/storage/keys.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { replayHistories } from '../support/histories.ts';
import { S3_PROGRAM, startS3Server, type S3Server } from '../support/s3-server.ts';
import { jpeg, png } from './support/photos.ts';
import { makeFolder, openRealHouse, send, type RealHouse } from './support/real-house.ts';
import { answered, eventually, refused } from './support/running-api.ts';

const SILENCE_MS = 600;
const MAX_BYTES = 3_000_000;
const slowDown = { kind: 'answer', status: '503 Slow Down', code: 'SlowDown' } as const;
const forbidden = { kind: 'answer', status: '403 Forbidden', code: 'AccessDenied' } as const;

describe.skipIf(S3_PROGRAM === undefined)('a batch of a bucket', () => {
  let server: S3Server;
  let proxy: FaultProxy;
  let house: RealHouse;
  let photo: Buffer;
  let other: Buffer;
  let batches = 0;

  beforeAll(async () => {
    server = await startS3Server();
    proxy = new FaultProxy(server.port);
    const endpoint = await proxy.listen();
    [photo, other] = await Promise.all([jpeg(), png()]);
    house = await openRealHouse({
      ...server.environment,
      S3_ENDPOINT: endpoint,
      S3_TIMEOUT_MS: String(SILENCE_MS),
      S3_SOURCES: 's3://photos/open, s3://photos/faults/, s3://whole, s3://nowhere/open',
      UPLOAD_MAX_BYTES: String(MAX_BYTES),
      OUTGOING_TIMEOUT_MS: '20000',
    });
    await server.createBucket('photos');
    await server.createBucket('whole');
  });
  afterEach(() => proxy.strike());
  afterAll(async () => {
    await house.close();
    await proxy.close();
    await server.close();
  });

  const put = (key: string, content: Uint8Array, bucket = 'photos') =>
    server.client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: content }));
  const order = (source: object, more: object = {}) =>
    send('POST', `${house.api.url}/api/v1/batches`, { source: { kind: 's3', bucket: 'photos', ...source }, ...more });
  const ordered = async (source: object, more: object = {}) => {
    const batch = await answered(await order(source, more), batchCreatedSchema);
    batches += 1;
    return batch;
  };
  const photosOf = async (id: string) =>
    (await answered(await fetch(`${house.api.url}/api/v1/batches/${id}/photos?limit=500`), photoListSchema)).photos;
  const ended = async (id: string) => {
    await expect
      .poll(async () => (await house.api.service.view(id))?.open, { timeout: 60_000, interval: 100 })
      .toBe(false);
    return photosOf(id);
  };

  it('takes what is below the prefix and named like a photo; what cannot be had fails alone and says why', async () => {
    await put('open/mixed/a.jpg', photo);
    await put('open/mixed/broken.jpg', Buffer.from('<html>no photo</html>'));
    await put('open/mixed/empty.jpg', Buffer.alloc(0));
    await put('open/mixed/large.jpg', Buffer.concat([photo, Buffer.alloc(MAX_BYTES)]));
    await put('open/mixed/notes.txt', Buffer.from('text'));
    await put('open/mixed/.thumbs/a.jpg', photo);
    await put('open/mixed/sub/b ü&+%41?#.png', other);
    await put('open/mixed-not/c.jpg', photo);
    const batch = await ordered({ prefix: '/open/mixed/' });
    expect(batch).toMatchObject({ total: 5, skipped_total: 1, skipped: [{ path: 'notes.txt' }] });
    const photos = await ended(batch.batch_id);
    expect(photos.map(({ filename, error_code: code }) => [filename, code])).toEqual([
      ['a.jpg', null],
      ['broken.jpg', 'unsupported_format'],
      ['empty.jpg', 'empty_file'],
      ['large.jpg', 'file_too_large'],
      ['sub/b ü&+%41?#.png', null],
    ]);
    expect(await house.api.store.list(`${uploadsPrefix(batch.batch_id)}/00000`)).toEqual(['000', '004']);
    const flat = await ordered({ prefix: 'open/mixed', recursive: false });
    expect(flat.total).toBe(4);
    await ended(flat.batch_id);
  });

  it('takes objects by their keys, whatever they are called', async () => {
    await put('open/keys/no-name', photo);
    const keys = ['open/keys/no-name', 'open/keys/gone.jpg'];
    const { batch_id: id } = await ordered({ keys });
    const photos = await ended(id);
    expect(photos.map(({ error_code: code }) => code)).toEqual([null, 'source_missing']);
    expect(photos[1]?.error).toBe('There is no s3://photos/open/keys/gone.jpg.');
    await refused(await order({ keys, prefix: 'open' }), 'invalid_request');
    await refused(await order({ keys: [keys[0], keys[0]] }), 'invalid_request');
    await refused(await order({ keys: [keys[1]] }), 'source_missing');
  });

  it('notices that an object changed or went since the order, and mixes nothing', async () => {
    await put('open/changed/a.jpg', photo);
    await put('open/changed/b.jpg', photo);
    await put('open/changed/c.jpg', photo);
    await house.stopWorkers();
    const { batch_id: id } = await ordered({ prefix: 'open/changed' });
    await put('open/changed/a.jpg', other);
    await server.client.send(new DeleteObjectCommand({ Bucket: 'photos', Key: 'open/changed/b.jpg' }));
    await house.startWorkers();
    const photos = await ended(id);
    expect(photos.map(({ error_code: code }) => code)).toEqual(['source_changed', 'source_missing', null]);
    expect(photos[0]?.error).toBe('s3://photos/open/changed/a.jpg changed after the batch was made.');
  });

  it('reads nothing but what is allowed, and asks nobody about the rest', async () => {
    proxy.seen.length = 0;
    const closed = [
      { prefix: 'secret' }, { prefix: 'opening' }, {}, { bucket: 'other', prefix: 'open' }, { keys: ['open/a.jpg', 'secret/a.jpg'] },
      { prefix: 'open/../secret' }, { prefix: 'open//x' }, { bucket: 'arn:aws:s3:us-east-1:1:accesspoint/x' }, { bucket: '../x' }, { keys: [''] },
    ]; // prettier-ignore
    for (const source of closed) {
      const problem = await refused(await order(source), 'invalid_request');
      expect(problem.errors?.[0]?.pointer).toMatch(/^\/source\/(prefix|keys|bucket)/);
    }
    await refused(
      await order({ kind: 'urls', bucket: undefined, urls: ['s3://photos/open/a.jpg'] }),
      'url_not_allowed',
    );
    expect(proxy.seen).toEqual([]);
  });

  it('says in a sentence that a bucket is not there, or not for us', async () => {
    const missing = await refused(await order({ bucket: 'nowhere', prefix: 'open' }), 'bucket_refused');
    expect(missing.detail).toBe('There is no bucket nowhere.');
    await refused(await order({ prefix: 'open/nothing' }), 'no_files');
    await proxy.strike({ to: /list-type/, does: forbidden });
    const closed = await refused(await order({ prefix: 'open' }), 'bucket_refused');
    expect(closed.detail).toBe('The credentials of this server may not list s3://photos/open.');
    await proxy.strike({ to: /list-type/, does: slowDown });
    await refused(await order({ prefix: 'open' }), 'storage_unavailable');
  });

  it('has one failed photo for one object that may not be read', async () => {
    await put('open/forbidden/a.jpg', photo);
    await put('open/forbidden/b.jpg', photo);
    await proxy.strike({ to: /^GET \S+forbidden\/b/, does: forbidden });
    const photos = await ended((await ordered({ prefix: 'open/forbidden' })).batch_id);
    expect(photos.map(({ error_code: code }) => code)).toEqual([null, 'bucket_refused']);
    expect(photos[1]?.error).toBe('The credentials of this server may not read s3://photos/open/forbidden/b.jpg.');
  });

  it('goes on where a body was cut off, waits for a busy server, and gives up on one that stays away', async () => {
    const large = Buffer.concat([photo, Buffer.alloc(2_000_000)]);
    for (const name of ['cut', 'busy', 'slow', 'dead', 'half']) await put(`faults/${name}.jpg`, large);
    await proxy.strike(
      { to: /^GET \S+cut\.jpg/, times: 2, does: { kind: 'cut answer', afterBytes: 300_000 } },
      { to: /^GET \S+busy\.jpg/, times: 2, does: slowDown },
      { to: /^GET \S+slow\.jpg/, does: { kind: 'slow answer', bytesPerSecond: 1_500_000 } },
      { to: /^GET \S+dead\.jpg/, does: { kind: 'cut answer', afterBytes: 0 } },
      { to: /^GET \S+half\.jpg/, times: 1, does: { kind: 'cut answer', afterBytes: 300_000 } },
      { to: /^GET \S+half\.jpg/, does: { kind: 'silence' } },
    );
    const { batch_id: id } = await ordered({ prefix: 'faults' }, { max_workers: 5 });
    const photos = await ended(id);
    expect(Object.fromEntries(photos.map(({ filename, error_code: code }) => [filename, code]))).toEqual({
      'busy.jpg': null,
      'cut.jpg': null,
      'dead.jpg': 'address_unreachable',
      'half.jpg': 'address_unreachable',
      'slow.jpg': null,
    });
    expect(await house.api.store.list(`${uploadsPrefix(id)}/00000`)).toHaveLength(3);
    // Back again, a retry fetches what is missing, and nothing else.
    await proxy.strike();
    proxy.seen.length = 0;
    await send('POST', `${house.api.url}/api/v1/batches/${id}/retry`);
    batches += 1; // a history of its own
    const isDone = async () => (await photosOf(id)).every(({ status }) => status === 'completed');
    await expect.poll(isDone, { timeout: 60_000, interval: 100 }).toBe(true);
    expect(new Set(proxy.seen.map((line) => /(\w+)\.jpg/.exec(line)?.[1]))).toEqual(new Set(['dead', 'half']));
  }, 120_000);

  it('stops at once when it is cancelled, however silent the server is', async () => {
    await put('open/silent/a.jpg', photo);
    await proxy.strike({ to: /^GET \S+silent\/a/, does: { kind: 'silence' } });
    const { batch_id: id } = await ordered({ prefix: 'open/silent' });
    await eventually(() => expect(proxy.seen.some((line) => line.includes('silent/a.jpg'))).toBe(true));
    await send('POST', `${house.api.url}/api/v1/batches/${id}/cancel`);
    expect((await house.api.service.view(id))?.state).toBe('cancelled');
    // Nobody is asked again: neither by the client, which would try four times, nor by a new attempt.
    const asked = proxy.seen.length;
    await sleep(2 * SILENCE_MS);
    expect(proxy.seen.length).toBe(asked);
  });

  it('gives every result below a folder a place of its own, wherever its key leads', async () => {
    const keys = [
      'same.jpg', 'same.png', 'SAME.jpg', 'x/../../../escape.jpg', '/root.jpg', 'a//b.jpg', 'c\\d.jpg', `${'ö'.repeat(200)}.jpg`, './dot.jpg',
    ]; // prettier-ignore
    for (const key of keys) {
      // A server that keeps objects as files may refuse what no file can be called.
      await put(key, photo, 'whole').catch(() => undefined);
    }
    const folder = await makeFolder(house.photosDir);
    const into = { destination: { kind: 'folder', path: join(folder, 'in', 'there') } };
    const { batch_id: id } = await ordered({ bucket: 'whole', keys }, into);
    const done = (await ended(id)).filter(({ status }) => status === 'completed');
    expect(done.length).toBeGreaterThanOrEqual(5);
    const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    expect(files).toHaveLength(done.length);
    expect(files.every(({ parentPath }) => parentPath.startsWith(join(folder, 'in', 'there')))).toBe(true);
  });

  it('adds what lies in a bucket to an open batch, once under its key', async () => {
    await put('open/added/a.jpg', photo);
    await put('open/added/b.jpg', photo);
    const opened = await send('POST', `${house.api.url}/api/v1/batches`, { open: true });
    const { batch_id: id } = await answered(opened, batchCreatedSchema);
    batches += 1;
    const add = async (source: object) =>
      fetch(`${house.api.url}/api/v1/batches/${id}/photos`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'once' },
        body: JSON.stringify({ source: { kind: 's3', bucket: 'photos', ...source } }),
      });
    const first = await answered(await add({ prefix: 'open/added' }), photosAddedSchema);
    expect(first).toMatchObject({ from: 0, count: 2, repeated: false, skipped: [] });
    await put('open/added/c.jpg', photo);
    expect((await answered(await add({ prefix: 'open/added' }), photosAddedSchema)).task_ids).toEqual(first.task_ids);
    await refused(await send('POST', `${house.api.url}/api/v1/batches/${id}/photos`, {}), 'invalid_request');
    await send('POST', `${house.api.url}/api/v1/batches/${id}/seal`);
    expect((await ended(id)).map(({ filename, status }) => [filename, status])).toEqual([
      ['a.jpg', 'completed'],
      ['b.jpg', 'completed'],
    ]);
  });

  it('plans by the first bytes of each object, and says of what it cannot know', async () => {
    await put('open/plan/a.jpg', photo);
    await put('open/plan/b.jpg', Buffer.from('no photo at all'));
    await put('open/plan/away.jpg', photo);
    await put('open/plan/large.jpg', Buffer.concat([photo, Buffer.alloc(2_500_000)]));
    await proxy.strike({ to: /^GET \S+away\.jpg/, does: { kind: 'silence' } });
    const source = { kind: 's3', bucket: 'photos', prefix: 'open/plan' };
    const plan = await answered(await send('POST', `${house.api.url}/api/v1/plan`, { source }), planSchema);
    expect(plan.total).toMatchObject({ photos: 4, planned: 2, refused: 1, unknown: 1 });
    expect(plan.photos.map(({ name, status, error_code: code }) => [name, status, code])).toEqual([
      ['a.jpg', 'planned', null],
      ['away.jpg', 'unknown', null],
      ['b.jpg', 'refused', 'unsupported_format'],
      ['large.jpg', 'planned', null],
    ]);
    await refused(
      await send('POST', `${house.api.url}/api/v1/plan`, { source: { ...source, prefix: 'secret' } }),
      'invalid_request',
    );
  }, 60_000);

  it('reads a bucket of more objects than one answer lists, page by page', async () => {
    for (let at = 0; at < 1100; at += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, more) => put(`many/${at + more}.jpg`, photo, 'whole')));
    }
    await house.stopWorkers();
    const batch = await ordered({ bucket: 'whole', prefix: 'many' });
    expect(batch.total).toBe(1100);
    await send('POST', `${house.api.url}/api/v1/batches/${batch.batch_id}/cancel`);
    await house.startWorkers();
    await ended(batch.batch_id);
  }, 120_000);

  it('replays every history this file made', async () => {
    const name = () => 'photos that are fetched from a bucket';
    expect(await replayHistories(house.env, ENHANCE_BATCH, name)).toBe(batches);
  });
});
