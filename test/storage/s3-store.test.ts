/** A store in a bucket passes the suite of all stores on a real S3 server, and leaves neither parts nor copies behind. */
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/contracts/config.ts';
import { openStore } from '../../src/storage/open-store.ts';
import type { Store } from '../../src/storage/store.ts';
import { S3_PROGRAM, startS3Server, type S3Server } from '../support/s3-server.ts';
import { storeSuite } from './store-suite.ts';

const MiB = 1024 * 1024;

describe.skipIf(S3_PROGRAM === undefined)('in a bucket', () => {
  let server: S3Server;
  let folder: string;
  const open = async (bucket: string, settings: Record<string, string> = {}): Promise<Store> => {
    const environment = { STORE: 's3', S3_BUCKET: bucket, S3_PREFIX: 'house/one', DATA_DIR: folder };
    return openStore(parseConfig({ ...server.environment, ...environment, ...settings }), randomUUID);
  };
  beforeAll(async () => {
    server = await startS3Server();
    folder = await mkdtemp(join(tmpdir(), 'darkroom-s3-store-'));
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });
  const partsOf = async (bucket: string): Promise<number> =>
    (await server.client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0;

  storeSuite('S3 store', async () => {
    const bucket = await server.createBucket('suite');
    return {
      store: await open(bucket),
      close: async () => {
        expect(await partsOf(bucket)).toBe(0);
        expect(existsSync(join(folder, 'lent')) ? await readdir(join(folder, 'lent')) : []).toEqual([]);
      },
    };
  });

  describe('large objects and strangers', () => {
    let store: Store;
    beforeAll(async () => {
      store = await open(await server.createBucket('large'));
    });

    it('writes what is larger than a part in parts, and nothing of what breaks after the first', async () => {
      const content = randomBytes(12 * MiB);
      async function* flow(cut?: number) {
        for (let at = 0; at < content.length; at += MiB) {
          if (cut !== undefined && at >= cut) throw new Error('cut');
          yield content.subarray(at, at + MiB);
        }
      }
      expect((await store.write('large/whole', flow()))?.bytes).toBe(content.length);
      expect((await buffer(await store.open('large/whole'))).equals(content)).toBe(true);
      const range = { start: 7 * MiB, end: 7 * MiB + 9 };
      expect(await buffer(await store.open('large/whole', range))).toEqual(content.subarray(7 * MiB, 7 * MiB + 10));
      await expect(store.write('large/cut', flow(9 * MiB))).rejects.toThrow();
      expect(await store.stat('large/cut')).toBeUndefined();
      expect(await partsOf('large')).toBe(0);
    });

    it('has one winner of a conditional write in parts as well', async () => {
      const path = join(folder, 'six');
      await writeFile(path, randomBytes(6 * MiB));
      async function* flow() {
        yield await readFile(path);
      }
      const writers = [1, 2, 3].map(() => store.write('large/contested', flow(), { onlyIfAbsent: true }));
      expect((await Promise.all(writers)).filter((written) => written !== undefined)).toHaveLength(1);
      expect(await partsOf('large')).toBe(0);
    });

    it('removes more objects than one answer lists, and only those below its prefix', async () => {
      const keys = Array.from({ length: 1100 }, (_, index) => `many/${String(index).padStart(4, '0')}`);
      for (let at = 0; at < keys.length; at += 100) {
        await Promise.all(keys.slice(at, at + 100).map((key) => store.write(key, Buffer.from('x'))));
      }
      await store.write('many-more', Buffer.from('x'));
      expect(await store.list('many')).toHaveLength(1100);
      await store.removeAll('many');
      expect(await store.list('many')).toEqual([]);
      expect(await store.stat('many-more')).toBeDefined();
    });

    it('leaves alone what others keep in the bucket, and lists no name that is none of ours', async () => {
      const put = (Key: string) => server.client.send(new PutObjectCommand({ Bucket: 'large', Key, Body: 'x' }));
      await put('house/other');
      await put('house/one/mine/.hidden name');
      await store.write('mine/photo', Buffer.from('x'));
      expect(await store.list('mine')).toEqual(['photo']);
      await store.removeAll('mine');
      expect(await (await open('large', { S3_PREFIX: 'house' })).stat('other')).toBeDefined();
    });

    it('ends uploads in parts that a killed process left, once they are old', async () => {
      await server.client.send(new CreateMultipartUploadCommand({ Bucket: 'large', Key: 'house/one/half' }));
      await server.client.send(new CreateMultipartUploadCommand({ Bucket: 'large', Key: 'elsewhere/half' }));
      await store.sweep(Date.now() - 3_600_000);
      expect(await partsOf('large')).toBe(2);
      await store.sweep(Date.now() + 60_000);
      expect(await partsOf('large')).toBe(1);
    });

    it('gives clients an address of their own when asked to', async () => {
      await store.write('linked', Buffer.from('content'));
      const terms = { fileName: 'Zoë’s photo.jpg', contentType: 'image/jpeg' };
      expect(await store.linkTo('linked', terms)).toBeUndefined();
      const linking = await open('large', { S3_LINK_SECONDS: '60' });
      const answer = await fetch((await linking.linkTo('linked', terms)) ?? '');
      expect(await answer.text()).toBe('content');
      expect(answer.headers.get('content-type')).toBe('image/jpeg');
      expect(answer.headers.get('content-disposition')).toContain(encodeURIComponent('Zoë’s photo.jpg'));
    });

    it('says at once that a bucket does not exist, and names the setting that is missing', async () => {
      await expect(open('nowhere')).rejects.toMatchObject({ code: 'storage_unavailable' });
      await expect(open('')).rejects.toThrow('S3_BUCKET');
    });
  });
});
