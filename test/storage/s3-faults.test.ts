/** A store that is slow, busy, cut off or silent costs bounded time; nothing half is visible and no write is taken for another's. */
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/contracts/config.ts';
import { openStore } from '../../src/storage/open-store.ts';
import type { Store } from '../../src/storage/store.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { S3_PROGRAM, startS3Server, type S3Server } from '../support/s3-server.ts';

const MiB = 1024 * 1024;
const ATTEMPTS = 4;
const SILENCE_MS = 800;

const away = { code: 'storage_unavailable' };
const slowDown = { kind: 'answer', status: '503 Slow Down', code: 'SlowDown' } as const;

describe.skipIf(S3_PROGRAM === undefined)('a store with faults in between', () => {
  let server: S3Server;
  let proxy: FaultProxy;
  let folder: string;
  let store: Store;
  let environment: Record<string, string>;
  beforeAll(async () => {
    server = await startS3Server();
    proxy = new FaultProxy(server.port);
    folder = await mkdtemp(join(tmpdir(), 'darkroom-s3-faults-'));
    environment = {
      ...server.environment,
      STORE: 's3',
      S3_ENDPOINT: await proxy.listen(),
      S3_BUCKET: await server.createBucket('faults'),
      S3_TIMEOUT_MS: String(SILENCE_MS),
      DATA_DIR: folder,
    };
  });
  // A client that met many faults tries less often for a while: each test has its own.
  beforeEach(async () => {
    store = await openStore(parseConfig(environment), randomUUID);
  });
  afterEach(() => proxy.strike());
  afterAll(async () => {
    await proxy.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function* flow(content: Uint8Array) {
    for (let at = 0; at < content.length; at += MiB) yield content.subarray(at, at + MiB);
  }
  const unfinished = async (): Promise<number> =>
    (await server.client.send(new ListMultipartUploadsCommand({ Bucket: 'faults' }))).Uploads?.length ?? 0;

  it('knows its own conditional write again when the answer to it was lost', async () => {
    await proxy.strike({ to: /^PUT/, times: 1, does: { kind: 'lose answer' } });
    expect(await store.write('lost/answer', Buffer.from('ours'), { onlyIfAbsent: true })).toMatchObject({ bytes: 4 });
    expect(await store.write('lost/answer', Buffer.from('theirs'), { onlyIfAbsent: true })).toBeUndefined();
    expect((await store.read('lost/answer'))?.toString()).toBe('ours');
  });

  it('knows its own object in parts again when the answer to their completion was lost', async () => {
    const content = randomBytes(6 * MiB);
    for (const onlyIfAbsent of [true, false]) {
      await proxy.strike({ to: /^POST \S+uploadId=/, times: 1, does: { kind: 'lose answer' } });
      const key = `lost/parts-${onlyIfAbsent}`;
      expect(await store.write(key, flow(content), { onlyIfAbsent })).toMatchObject({ bytes: content.length });
      expect(proxy.seen.filter((line) => line.startsWith('POST') && line.includes('uploadId='))).toHaveLength(2);
      expect((await store.stat(key))?.bytes).toBe(content.length);
    }
  });

  it('does what a busy server asks: waits, and tries again', async () => {
    await proxy.strike({ times: ATTEMPTS - 1, does: slowDown });
    await store.write('busy', Buffer.from('x'));
    expect(proxy.seen).toHaveLength(ATTEMPTS);
    expect((await store.read('busy'))?.toString()).toBe('x');
  });

  it.each([
    ['busy', slowDown],
    ['down', { kind: 'cut request', afterBytes: 0 } as const],
    ['silent', { kind: 'silence' } as const],
  ])('gives up after four attempts when the server stays %s', async (_name, does) => {
    await proxy.strike({ does });
    const since = Date.now();
    await expect(store.write('never', Buffer.from('x'))).rejects.toMatchObject(away);
    expect(proxy.seen).toHaveLength(ATTEMPTS);
    expect(Date.now() - since).toBeLessThan(ATTEMPTS * SILENCE_MS + 12_000);
    const asked = [store.read('never'), store.stat('never'), store.list('never'), store.localCopy('never')];
    for (const end of await Promise.allSettled(asked)) expect(end).toMatchObject({ status: 'rejected', reason: away });
    await proxy.strike();
    expect(await store.read('never')).toBeUndefined();
  });

  it('says that a full store is full', async () => {
    await proxy.strike({ does: { kind: 'answer', status: '507 Insufficient Storage', code: 'NoSpaceLeftOnDevice' } });
    await expect(store.write('full', Buffer.from('x'))).rejects.toMatchObject({ code: 'storage_full' });
  });

  it('goes on in the middle of a body that was cut, also in a range', async () => {
    const content = randomBytes(5 * MiB);
    await store.write('cut/body', content);
    await proxy.strike({ to: /^GET/, times: 3, does: { kind: 'cut answer', afterBytes: MiB } });
    expect((await buffer(await store.open('cut/body'))).equals(content)).toBe(true);
    expect(proxy.seen.length).toBeGreaterThan(3);
    await proxy.strike({ to: /^GET/, times: 1, does: { kind: 'cut answer', afterBytes: MiB } });
    const range = { start: MiB + 1, end: 4 * MiB };
    expect((await buffer(await store.open('cut/body', range))).equals(content.subarray(MiB + 1, 4 * MiB + 1))).toBe(
      true,
    );
  });

  it('never mixes an object with its successor', async () => {
    await store.write('cut/replaced', randomBytes(5 * MiB));
    await proxy.strike({ to: /^GET/, times: 1, does: { kind: 'cut answer', afterBytes: MiB } });
    const stream = await store.open('cut/replaced');
    proxy.seen.length = 0;
    await store.write('cut/replaced', randomBytes(5 * MiB));
    await expect(buffer(stream)).rejects.toMatchObject(away);
  });

  it('gives a body up that falls silent for good, and leaves no copy of half of it', async () => {
    await store.write('silent/body', randomBytes(2 * MiB));
    await proxy.strike({ times: 1, does: { kind: 'cut answer', afterBytes: MiB } }, { does: { kind: 'silence' } });
    await expect(store.localCopy('silent/body')).rejects.toMatchObject(away);
    expect(existsSync(join(folder, 'lent')) ? await readdir(join(folder, 'lent')) : []).toEqual([]);
  });

  it('takes a slow answer for what it is', async () => {
    const content = randomBytes(MiB);
    await store.write('slow/body', content);
    await proxy.strike({ to: /^GET/, does: { kind: 'slow answer', bytesPerSecond: 600_000 } });
    const since = Date.now();
    expect((await buffer(await store.open('slow/body'))).equals(content)).toBe(true);
    expect(Date.now() - since).toBeGreaterThan(SILENCE_MS);
  });

  it('shows nothing of an upload that is cut in mid-body for good, and takes it later', async () => {
    const content = randomBytes(6 * MiB);
    await proxy.strike({ to: /partNumber=2/, does: { kind: 'cut request', afterBytes: 100_000 } });
    await expect(store.write('cut/upload', flow(content))).rejects.toMatchObject(away);
    expect(await store.stat('cut/upload')).toBeUndefined();
    expect(await unfinished()).toBe(0);
    await proxy.strike({ to: /partNumber=2/, times: 2, does: { kind: 'cut request', afterBytes: 100_000 } });
    expect(await store.write('cut/upload', flow(content))).toMatchObject({ bytes: content.length });
  });
});
