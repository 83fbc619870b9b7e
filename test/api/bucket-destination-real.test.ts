/**
 * Property: results reach a bucket whole, typed and under names of their own, and nothing that was there or was changed since
 * is ever replaced or removed; after a rollback the bucket is as it was before, whatever happened on the way.
 */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { deliverObject, undoObject } from '../../src/activities/deliver-object.ts';
import { parseConfig } from '../../src/contracts/config.ts';
import { batchCreatedSchema, photoListSchema } from '../../src/contracts/http-batches.ts';
import { openBuckets, type Buckets } from '../../src/storage/buckets.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { S3_PROGRAM, startS3Server, type S3Server } from '../support/s3-server.ts';
import { newBatchId } from '../support/journal-fixtures.ts';
import { jpeg, png } from './support/photos.ts';
import { makeFolder, openRealHouse, send, type RealHouse } from './support/real-house.ts';
import { answered, eventually, refused } from './support/running-api.ts';

const SILENCE_MS = 600;
const slowDown = { kind: 'answer', status: '503 Slow Down', code: 'SlowDown' } as const;
const forbidden = { kind: 'answer', status: '403 Forbidden', code: 'AccessDenied' } as const;

describe.skipIf(S3_PROGRAM === undefined)('results in a bucket', () => {
  let server: S3Server;
  let proxy: FaultProxy;
  let house: RealHouse;
  let photo: Buffer;
  let folder: string;
  let settings: Record<string, string>;

  beforeAll(async () => {
    server = await startS3Server();
    proxy = new FaultProxy(server.port);
    photo = await jpeg();
    settings = {
      ...server.environment,
      S3_ENDPOINT: await proxy.listen(),
      S3_TIMEOUT_MS: String(SILENCE_MS),
      S3_SOURCES: 's3://results/in',
      S3_DESTINATIONS: 's3://results, s3://nowhere',
    };
    house = await openRealHouse(settings);
    await server.createBucket('results');
    folder = await makeFolder(house.photosDir);
    for (const name of ['a.jpg', 'b.jpg']) await writeFile(join(folder, name), photo);
    await writeFile(join(folder, 'c.png'), await png());
  });
  afterEach(() => proxy.strike());
  afterAll(async () => {
    await house.close();
    await proxy.close();
    await server.close();
  });

  const put = (key: string, content: string | Uint8Array) =>
    server.client.send(new PutObjectCommand({ Bucket: 'results', Key: key, Body: content }));
  const get = (key: string) => server.client.send(new GetObjectCommand({ Bucket: 'results', Key: key }));
  const textOf = async (key: string): Promise<string | undefined> => (await get(key)).Body?.transformToString();
  const keysBelow = async (prefix: string): Promise<string[]> => {
    const { Contents = [] } = await server.client.send(new ListObjectsV2Command({ Bucket: 'results', Prefix: prefix }));
    return Contents.map(({ Key = '' }) => Key.slice(prefix.length)).sort();
  };
  const order = (destination: object, source: object = { kind: 'folder', path: folder }) =>
    send('POST', `${house.api.url}/api/v1/batches`, {
      source,
      destination: { kind: 's3', bucket: 'results', ...destination },
    });
  const ordered = async (...asked: Parameters<typeof order>) =>
    (await answered(await order(...asked), batchCreatedSchema)).batch_id;
  const photosOf = async (id: string) =>
    (await answered(await fetch(`${house.api.url}/api/v1/batches/${id}/photos`), photoListSchema)).photos;
  const ended = async (id: string) => {
    await expect
      .poll(async () => (await house.api.service.view(id))?.open, { timeout: 60_000, interval: 100 })
      .toBe(false);
    return photosOf(id);
  };
  const rolledBack = async (id: string) => {
    const { header } = await house.api.service.rollBack({ tenant: 'local', operationIds: [id] });
    return house.env.client.workflow.getHandle(header.operationId).result();
  };

  it('have their true type and name, and a rollback leaves the bucket as it was', async () => {
    await put('plain/theirs.txt', 'theirs');
    const id = await ordered({ prefix: '/plain/out/' });
    const batch = await send('GET', `${house.api.url}/api/v1/batches/${id}`);
    expect(await batch.json()).toMatchObject({ destination: { kind: 's3', path: 's3://results/plain/out' } });
    expect((await ended(id)).map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
    expect(await keysBelow('plain/')).toEqual(['out/a.jpg', 'out/b.jpg', 'out/c.png', 'theirs.txt']);
    const [one, other] = [await get('plain/out/a.jpg'), await get('plain/out/c.png')];
    expect([one.ContentType, other.ContentType]).toEqual(['image/jpeg', 'image/png']);
    expect(await one.Body?.transformToString()).toMatch(/^enhanced /);
    expect(await rolledBack(id)).toMatchObject({ state: 'completed', counts: { undone: 3 } });
    expect(await keysBelow('plain/')).toEqual(['theirs.txt']);
  });

  it('never replace what is there: that photo fails, and its rollback has nothing to undo', async () => {
    await put('there/b.jpg', 'theirs');
    const id = await ordered({ prefix: 'there' });
    const photos = await ended(id);
    expect(photos.map(({ error_code: code }) => code)).toEqual([null, 'destination_changed', null]);
    expect(photos[1]?.error).toBe(
      's3://results/there/b.jpg is there already and not from this batch; it was left alone.',
    );
    expect(await rolledBack(id)).toMatchObject({ counts: { undone: 2, nothing_to_undo: 1, left_changed: 0 } });
    expect(await keysBelow('there/')).toEqual(['b.jpg']);
    expect(await textOf('there/b.jpg')).toBe('theirs');
  });

  it('that someone changed since are left alone and told; one that is gone is undone', async () => {
    const id = await ordered({ prefix: 'since' });
    await ended(id);
    await put('since/a.jpg', 'edited');
    await server.client.send(new DeleteObjectCommand({ Bucket: 'results', Key: 'since/b.jpg' }));
    expect(await rolledBack(id)).toMatchObject({
      state: 'partial_completed',
      counts: { undone: 2, left_changed: 1, failed: 0 },
    });
    expect(await keysBelow('since/')).toEqual(['a.jpg']);
    expect(await textOf('since/a.jpg')).toBe('edited');
  });

  it('wait for a server that is busy or silent, and are one object when an answer was lost', async () => {
    await proxy.strike(
      { to: /^PUT \S+away\/a/, times: 5, does: slowDown },
      { to: /^PUT \S+away\/b/, times: 1, does: { kind: 'lose answer' } },
      { to: /^PUT \S+away\/c/, times: 2, does: { kind: 'silence' } },
    );
    const id = await ordered({ prefix: 'away' });
    expect((await ended(id)).map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
    expect(await rolledBack(id)).toMatchObject({ state: 'completed', counts: { undone: 3 } });
    expect(await keysBelow('away/')).toEqual([]);
  }, 90_000);

  it('fail with a sentence where they may not be written; nothing is kept of a half', async () => {
    await proxy.strike({ to: /^PUT/, does: forbidden });
    const id = await ordered({ prefix: 'closed' });
    const photos = await ended(id);
    expect(photos.map(({ error_code: code }) => code)).toEqual(['bucket_refused', 'bucket_refused', 'bucket_refused']);
    expect(photos[0]?.error).toBe('The credentials of this server may not write s3://results/closed/a.jpg.');
    await proxy.strike();
    expect(await rolledBack(id)).toMatchObject({ counts: { failed: 0, left_changed: 0 } });
    expect(await keysBelow('closed/')).toEqual([]);
  });

  it('go nowhere but where it is allowed, and not over their own source', async () => {
    proxy.seen.length = 0;
    const source = { kind: 's3', bucket: 'results', prefix: 'in/deep' };
    for (const destination of [{ bucket: 'other' }, { prefix: '../x' }, { prefix: 'a//b' }]) {
      const problem = await refused(await order(destination), 'invalid_request');
      expect(problem.errors?.[0]?.pointer).toBe('/destination/prefix');
    }
    for (const prefix of ['in/deep', 'in', '']) {
      expect((await refused(await order({ prefix }, source), 'invalid_request')).detail).toContain('holds the source');
    }
    expect(proxy.seen).toEqual([]);
    expect((await refused(await order({ bucket: 'nowhere' }), 'bucket_refused')).detail).toBe(
      'There is no bucket nowhere.',
    );
  });

  it('are no photos of the next batch when they lie below its source', async () => {
    await put('in/again/a.jpg', photo);
    const source = { kind: 's3', bucket: 'results', prefix: 'in/again' };
    const destination = { prefix: 'in/again/better' };
    expect((await ended(await ordered(destination, source))).map(({ status }) => status)).toEqual(['completed']);
    const again = await ended(await ordered(destination, source));
    expect(again.map(({ filename, error_code: code }) => [filename, code])).toEqual([['a.jpg', 'destination_changed']]);
  });

  describe('when a worker dies at the worst moment', () => {
    let buckets: Buckets;
    let result: { path: string; sha256: string; contentType: string };
    const deps = (over: Partial<Buckets> = {}) => ({
      journal: house.api.journal,
      buckets: { ...buckets, ...over },
      makeNonce: randomUUID,
    });
    const { signal } = new AbortController();
    const delivery = (key: string) => ({
      batchId: newBatchId(),
      index: 0,
      place: { bucket: 'results', key },
      result,
      signal,
    });
    beforeAll(async () => {
      buckets = openBuckets(parseConfig(settings));
      const path = join(house.photosDir, 'result.jpg');
      const content = randomBytes(6 * 1024 * 1024);
      await writeFile(path, content);
      const sha256 = createHash('sha256').update(content).digest('hex');
      result = { path, sha256, contentType: 'image/jpeg' };
    });
    /** Dies after the object was made, before anyone noted its ETag. */
    const dying = {
      write: async (...asked: Parameters<Buckets['write']>) => {
        await buckets.write(...asked);
        throw new Error('killed');
      },
    };

    it('the next attempt knows the object as its own, and so does a rollback', async () => {
      for (const next of ['deliver', 'undo'] as const) {
        const one = delivery(`crash/${next}.jpg`);
        await expect(deliverObject(deps(dying), one)).rejects.toThrow('killed');
        if (next === 'deliver') await deliverObject(deps(), one);
        const undone = await undoObject(deps(), one, { kind: 'remove_object', index: 0, ...one.place });
        expect(undone.result).toBe('undone');
      }
      expect(await keysBelow('crash/')).toEqual([]);
    });

    it('what somebody put there in between is neither ours nor removed', async () => {
      const one = delivery('crash/theirs.jpg');
      await expect(deliverObject(deps(dying), one)).rejects.toThrow('killed');
      await put('crash/theirs.jpg', 'theirs');
      await expect(deliverObject(deps(), one)).rejects.toMatchObject({ code: 'destination_changed' });
      const undone = await undoObject(deps(), one, { kind: 'remove_object', index: 0, ...one.place });
      expect(undone.result).toBe('left_changed');
      expect(await textOf('crash/theirs.jpg')).toBe('theirs');
    });

    it('an object that appears between the look and the write wins, and one changed before its removal stays', async () => {
      const one = delivery('race/a.jpg');
      const late = {
        write: async (...asked: Parameters<Buckets['write']>) => {
          await put('race/a.jpg', 'first');
          return buckets.write(...asked);
        },
      };
      await expect(deliverObject(deps(late), one)).rejects.toMatchObject({ code: 'destination_changed' });
      expect(await textOf('race/a.jpg')).toBe('first');

      const two = delivery('race/b.jpg');
      await deliverObject(deps(), two);
      const edited = {
        remove: async (...asked: Parameters<Buckets['remove']>) => {
          await put('race/b.jpg', 'edited');
          return buckets.remove(...asked);
        },
      };
      const undone = await undoObject(deps(edited), two, { kind: 'remove_object', index: 0, ...two.place });
      expect([undone.result, await textOf('race/b.jpg')]).toEqual(['left_changed', 'edited']);
    });

    it('a cut in the middle leaves neither object nor parts', async () => {
      const one = delivery('cut/a.jpg');
      await proxy.strike({ to: /partNumber=2/, does: { kind: 'cut request', afterBytes: 100_000 } });
      await expect(deliverObject(deps(), one)).rejects.toMatchObject({ code: 'storage_unavailable' });
      await proxy.strike();
      expect(await keysBelow('cut/')).toEqual([]);
      const { Uploads } = await server.client.send(new ListMultipartUploadsCommand({ Bucket: 'results' }));
      expect(Uploads ?? []).toEqual([]);
    });

    it('a photo that was rolled back while it was written is taken away again', async () => {
      const one = delivery('late/a.jpg');
      await house.api.journal.record(one.batchId, {
        status: 'removed',
        reason: 'rolled_back',
        index: 0,
        epoch: 0,
        attempts: 0,
        finishedAt: Date.now(),
      });
      await deliverObject(deps(), one);
      await eventually(async () => expect(await keysBelow('late/')).toEqual([]));
    });
  });
});
