/**
 * Property: a download that was cut goes on to the same bytes, at whatever byte it was cut; when the file has changed since it
 * begins again instead, and never are two versions glued together. Twenty gigabytes cost no memory.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchAcceptedSchema } from '../../src/contracts/http.ts';
import { resultKey } from '../../src/storage/keys.ts';
import { completedOutcome, makeHeader, makeRecord, newBatchId } from '../support/journal-fixtures.ts';
import { png } from './support/photos.ts';
import { openHandles } from './support/open-handles.ts';
import { answered, eventually, form, post, refused, startApi, type RunningApi } from './support/running-api.ts';
import { openRemoteZip, readZipBuffer } from './support/zip-files.ts';

const run = promisify(execFile);
const hasCurl = await run('curl', ['--version']).then(
  () => true,
  () => false,
);

let api: RunningApi;
beforeAll(async () => {
  api = await startApi({ DOWNLOAD_IDLE_TIMEOUT_MS: '1000' });
});
afterAll(() => api.close());

async function batchOf(photos: readonly (readonly [name: string, result?: Buffer])[]): Promise<string> {
  const original = await png();
  const data = form('files', ...photos.map(([name]) => [original, name] as const));
  const { batch_task_id: id } = await answered(
    await post(`${api.url}/api/v1/enhance/batch`, data),
    batchAcceptedSchema,
  );
  for (const [index, [, result]] of photos.entries()) if (result) await api.service.complete(id, index, result);
  return id;
}

const address = (id: string, query = ''): string => `${api.url}/api/v1/batch/download/${id}${query}`;
const whole = async (url: string): Promise<{ bytes: Buffer; etag: string }> => {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return { bytes: Buffer.from(await response.arrayBuffer()), etag: response.headers.get('etag') ?? '' };
};

/** Takes the first bytes of a download and then leaves. */
const cutAfter = (url: string, bytes: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    get(url, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size < bytes) return;
        response.destroy();
        resolve(Buffer.concat(chunks).subarray(0, bytes));
      });
      response.on('error', () => undefined);
    }).on('error', reject);
  });

describe('an archive', () => {
  it('is the same bytes in any pieces', async () => {
    const id = await batchOf([
      ['a.jpg', randomBytes(3000)],
      ['été 🏖️.jpg', randomBytes(1)],
      ['failed.jpg'],
      ['b.jpg', randomBytes(70_000)],
    ]);
    await api.service.fail(id, 2, 'image_unreadable');
    const { bytes, etag } = await whole(address(id));
    const range = async (text: string): Promise<Response> =>
      fetch(address(id), { headers: { range: text, 'if-range': etag } });
    const cuts = [0, 1, 29, 30, 50, 3000, 3050, 3100, 3200, 70_000, bytes.length - 22, bytes.length - 1];
    const ends = [...cuts, ...Array.from({ length: 60 }, () => Math.floor(Math.random() * bytes.length))].sort(
      (a, b) => a - b,
    );
    for (let at = 0; at + 1 < ends.length; at += 1) {
      const [start = 0, end = 0] = ends.slice(at, at + 2);
      const part = await range(`bytes=${start}-${end}`);
      expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes ${start}-${end}/${bytes.length}`]);
      expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(start, end + 1)), `${start}-${end}`).toBe(
        true,
      );
    }
    const suffix = await range('bytes=-100');
    expect(Buffer.from(await suffix.arrayBuffer())).toEqual(bytes.subarray(-100));
    const outside = await range(`bytes=${bytes.length}-`);
    expect(outside.headers.get('content-range')).toBe(`bytes */${bytes.length}`);
    await refused(outside, 'range_not_satisfiable');
    // Several ranges at once, and units nobody knows, are answered with all of it.
    for (const odd of ['bytes=0-1,5-9', 'pages=1-2', 'bytes=x']) expect((await range(odd)).status).toBe(200);
    const head = await fetch(address(id), { method: 'HEAD', headers: { range: 'bytes=0-9' } });
    expect([head.status, head.headers.get('content-length'), head.headers.get('accept-ranges')]).toEqual([
      200,
      String(bytes.length),
      'bytes',
    ]);
    const beyond = await fetch(address(id), { method: 'HEAD', headers: { range: `bytes=${bytes.length}-` } });
    expect(beyond.status).toBe(200);
  });

  it('says what failed, and why, beside what is there', async () => {
    const id = await batchOf([['a.jpg', randomBytes(10)], ['broken.jpg'], ['later.jpg']]);
    await api.service.fail(id, 1, 'image_unreadable');
    const members = await readZipBuffer((await whole(address(id))).bytes);
    expect(JSON.parse(String(members.get('manifest.json')))).toMatchObject({
      total_files: 3,
      completed_files: 1,
      failed_files: 1,
      photos: [{ file: 'a_enhanced.png', task_id: `${id}.0`, warnings: ['made by a test'] }],
      failed: [
        {
          task_id: `${id}.1`,
          original: { name: 'broken.jpg' },
          error_code: 'image_unreadable',
          error: 'The photo is damaged.',
        },
      ],
    });
  });

  it('holds chosen photos, and nothing before the end when told so', async () => {
    const id = await batchOf([['a.jpg', randomBytes(10)], ['b.jpg', randomBytes(20)], ['later.jpg']]);
    const chosen = await whole(address(id, `?task_ids=${id}.1`));
    expect([...(await readZipBuffer(chosen.bytes)).keys()]).toEqual(['b_enhanced.png', 'manifest.json']);
    expect(chosen.etag).not.toBe((await whole(address(id))).etag);
    await refused(await fetch(address(id, `?task_ids=${id}.9`)), 'invalid_request');
    await refused(await fetch(address(id, `?task_ids=${id}.2`)), 'not_completed');
    await refused(await fetch(address(id, '?partial=false')), 'not_completed');
    await api.service.complete(id, 2, randomBytes(5));
    expect((await fetch(address(id, '?partial=false'))).status).toBe(200);
  });

  it.skipIf(!hasCurl)('[51] goes on with `curl -C -` after it was cut at half, to the same bytes', async () => {
    const id = await batchOf([
      ['a.jpg', randomBytes(6_000_000)],
      ['b.jpg', randomBytes(6_000_000)],
    ]);
    const { bytes } = await whole(address(id));
    const path = join(api.root, 'resumed.zip');
    await writeFile(path, await cutAfter(address(id), Math.floor(bytes.length / 2)));
    await run('curl', ['--silent', '--fail', '-C', '-', '-o', path, address(id)]);
    expect((await readFile(path)).equals(bytes)).toBe(true);
  });

  it('begins again when a result was removed meanwhile, also for clients that do not say which version they have', async () => {
    const id = await batchOf([
      ['a.jpg', randomBytes(4_000_000)],
      ['b.jpg', randomBytes(4_000_000)],
    ]);
    const before = await whole(address(id));
    await cutAfter(address(id), 3_000_000);
    await eventually(async () => {
      const same = await fetch(address(id), { headers: { range: 'bytes=3000000-' } });
      await same.body?.cancel();
      expect(same.status).toBe(206);
    });
    const removed = { index: 0, epoch: 1, attempts: 0, finishedAt: Date.now() } as const;
    await api.journal.record(id, { ...removed, status: 'removed', reason: 'deleted' });
    const after = await whole(address(id));
    expect(after.etag).not.toBe(before.etag);
    expect([...(await readZipBuffer(after.bytes)).keys()]).toEqual(['b_enhanced.png', 'manifest.json']);
    for (const headers of [{ 'if-range': before.etag }, {}] as const) {
      const again = await fetch(address(id), { headers: { range: 'bytes=3000000-', ...headers } });
      expect([again.status, Buffer.from(await again.arrayBuffer()).equals(after.bytes)]).toEqual([200, true]);
    }
    await refused(await fetch(address(id), { headers: { 'if-match': before.etag } }), 'precondition_failed');
    const rest = await fetch(address(id), { headers: { range: 'bytes=100-', 'if-range': after.etag } });
    expect(Buffer.from(await rest.arrayBuffer()).equals(after.bytes.subarray(100))).toBe(true);
  });

  it('is told from others by its tag alone: no date says that it is the same', async () => {
    const id = await batchOf([['a.jpg', randomBytes(1000)], ['b.jpg', randomBytes(1000)], ['broken.jpg']]);
    const first = await fetch(address(id));
    expect([first.headers.get('last-modified'), (await first.arrayBuffer()).byteLength > 2000]).toEqual([null, true]);
    await api.service.fail(id, 2, 'image_unreadable');
    const { bytes } = await whole(address(id));
    const later = new Date(Date.now() + 60_000).toUTCString();
    const { finishedAt = 0 } = (await api.journal.outcome(id, 1)) ?? {};
    const same = new Date(finishedAt).toUTCString();
    for (const headers of [{ 'if-modified-since': later }, { range: 'bytes=5-', 'if-range': same }]) {
      const answer = await fetch(address(id), { headers });
      expect([answer.status, Buffer.from(await answer.arrayBuffer()).equals(bytes)]).toEqual([200, true]);
    }
  });

  it('does not resume a batch that still grows for clients that do not say which version they have', async () => {
    const id = await batchOf([['a.jpg', randomBytes(1000)], ['later.jpg']]);
    const { bytes, etag } = await whole(address(id));
    expect((await fetch(address(id), { headers: { range: 'bytes=5-' } })).status).toBe(200);
    const said = await fetch(address(id), { headers: { range: 'bytes=5-', 'if-range': etag } });
    expect(Buffer.from(await said.arrayBuffer())).toEqual(bytes.subarray(5));
  });

  it('[51] lets go of a reader that takes nothing, and of one that leaves', async () => {
    const id = await batchOf([['a.jpg', randomBytes(30_000_000)]]);
    const handles = openHandles();
    const standing = await new Promise<IncomingMessage>((resolve) => get(address(id), resolve));
    standing.pause();
    await eventually(() => expect(openHandles()).toBeLessThanOrEqual(handles));
    const error = await new Promise((resolve) => standing.on('error', resolve).resume());
    expect(error).toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('twenty gigabytes', () => {
  const FILE = 64 * 1024 * 1024;
  const FILES = 320;
  const STREAMED = 1024 ** 3;
  let id: string;

  /** Results that take no room: files of zeros that were never written. */
  beforeAll(async () => {
    id = newBatchId();
    const header = makeHeader(id, FILES, { tenant: 'local' });
    await api.journal.createBatch(
      header,
      Array.from({ length: FILES }, (_, index) => makeRecord(index)),
    );
    let zeros = 0;
    for (let done = 0; done < FILE; done += 1_048_576) zeros = crc32(Buffer.alloc(1_048_576), zeros);
    for (let index = 0; index < FILES; index += 1) {
      const key = resultKey(id, index, 0, 'sparse', '.jpg');
      await api.store.write(key, new Uint8Array());
      await truncate(join(api.root, 'store', key), FILE);
      const outcome = completedOutcome(index, 0, key);
      if (outcome.status !== 'completed') continue;
      await api.journal.record(id, { ...outcome, result: { ...outcome.result, bytes: FILE, crc32: zeros } });
    }
  }, 60_000);
  afterAll(() => api.store.removeAll('batches'));

  it('have a sound directory, read from afar, and members that are where it says', async () => {
    const head = await fetch(address(id), { method: 'HEAD' });
    const bytes = Number(head.headers.get('content-length'));
    expect(bytes).toBeGreaterThan(20 * 1024 ** 3);
    const zip = await openRemoteZip(address(id), bytes);
    expect(zip.entries).toHaveLength(FILES + 1);
    expect(new Set(zip.entries.map(({ fileName }) => fileName)).size).toBe(FILES + 1);
    expect(zip.entries.slice(0, -1).every(({ uncompressedSize }) => uncompressedSize === FILE)).toBe(true);
    // The last ones lie beyond what 32 bits can say.
    for (const index of [0, FILES - 1, FILES]) {
      const content = await zip.content(index);
      expect(crc32(content)).toBe(zip.entries[index]?.crc32);
    }
    expect(JSON.parse(String(await zip.content(FILES)))).toMatchObject({ completed_files: FILES });
  }, 60_000);

  it('flow through without staying in memory', async () => {
    const before = process.memoryUsage.rss();
    let taken = 0;
    let chunks = 0;
    let most = 0;
    const response = await new Promise<IncomingMessage>((resolve) => get(address(id), resolve));
    for await (const chunk of response) {
      taken += (chunk as Buffer).length;
      if (chunks++ % 1000 === 0) most = Math.max(most, process.memoryUsage.rss() - before);
      if (taken >= STREAMED) break;
    }
    expect(taken).toBeGreaterThanOrEqual(STREAMED);
    expect(most).toBeLessThan(200 * 1024 * 1024);
  }, 120_000);
});

describe('a photo', () => {
  it('answers conditional requests as RFC 9110 has it', async () => {
    const content = randomBytes(500);
    const url = `${api.url}/api/v1/download/${await batchOf([['été "1".jpg', content]])}.0`;
    const first = await fetch(url);
    await first.arrayBuffer();
    const [etag, modified] = [first.headers.get('etag') ?? '', first.headers.get('last-modified') ?? ''];
    expect(Date.parse(modified)).toBe(1_700_000_000_000);
    expect(first.headers.get('content-disposition')).toBe(
      `attachment; filename="?t? _1__enhanced.png"; filename*=UTF-8''%C3%A9t%C3%A9%20_1__enhanced.png`,
    );
    const before = new Date(1_600_000_000_000).toUTCString();
    for (const [headers, status] of [
      [{ 'if-none-match': etag }, 304],
      [{ 'if-none-match': `"x", W/${etag}` }, 304],
      [{ 'if-none-match': '*' }, 304],
      [{ 'if-none-match': '"x"', 'if-modified-since': modified }, 200],
      [{ 'if-modified-since': modified }, 304],
      [{ 'if-modified-since': before }, 200],
      [{ 'if-modified-since': 'yesterday' }, 200],
      [{ 'if-match': etag }, 200],
      [{ 'if-match': '*' }, 200],
      [{ 'if-match': '"x"' }, 412],
      [{ 'if-unmodified-since': modified }, 200],
      [{ 'if-unmodified-since': before }, 412],
      [{ range: 'bytes=0-9', 'if-range': modified }, 206],
      [{ range: 'bytes=0-9', 'if-range': before }, 200],
      [{ range: 'bytes=0-9', 'if-range': `W/${etag}` }, 200],
      [{ range: 'bytes=0-9', 'if-none-match': etag }, 304],
    ] as const) {
      const response = await fetch(url, { headers: { 'cache-control': 'no-cache', ...headers } });
      await response.arrayBuffer();
      expect([headers, response.status]).toEqual([headers, status]);
    }
  });
});
