/**
 * Property: a download is the stored result, byte for byte, whole or in ranges; an archive is a sound ZIP of what is done so
 * far, of announced length, with safe and unique names and a manifest; a reader that leaves leaves nothing open.
 */
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resultName, UniqueNames } from '../../src/api/downloads/result-names.ts';
import { batchAcceptedSchema } from '../../src/contracts/http.ts';
import { png } from './support/photos.ts';
import { readZipBuffer } from './support/zip-files.ts';
import { openHandles } from './support/open-handles.ts';
import { answered, eventually, form, post, refused, startApi, type RunningApi } from './support/running-api.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

/** A batch of photos with these names; those with content are completed. */
async function batchOf(photos: readonly (readonly [name: string, result?: Buffer])[]): Promise<string> {
  const original = await png();
  const data = form('files', ...photos.map(([name]) => [original, name] as const));
  const accepted = await post(`${api.url}/api/v1/enhance/batch`, data);
  const { batch_task_id: id } = await answered(accepted, batchAcceptedSchema);
  for (const [index, [, result]] of photos.entries()) if (result) await api.service.complete(id, index, result);
  return id;
}

describe('a photo', () => {
  const content = randomBytes(10_000);
  const sha256 = createHash('sha256').update(content).digest('hex');
  let address: string;
  beforeAll(async () => {
    address = `${api.url}/api/v1/download/${await batchOf([['a.jpg', content]])}.0`;
  });
  const get = (headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
    fetch(address, { method, headers });

  it('comes whole, with a tag that saves the next download', async () => {
    const whole = await get();
    expect(Buffer.from(await whole.arrayBuffer())).toEqual(content);
    expect(whole.headers.get('etag')).toBe(`"${sha256}"`);
    expect((await get({ 'if-none-match': `"${sha256}"` })).status).toBe(304);
  });

  it('comes in ranges', async () => {
    for (const [range, start, end] of [
      ['bytes=100-199', 100, 200],
      ['bytes=9990-', 9990, 10_000],
      ['bytes=-5', 9995, 10_000],
    ] as const) {
      const part = await get({ range });
      expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes ${start}-${end - 1}/10000`]);
      expect(Buffer.from(await part.arrayBuffer())).toEqual(content.subarray(start, end));
    }
    const outside = await get({ range: 'bytes=20000-' });
    expect(outside.headers.get('content-range')).toBe('bytes */10000');
    await refused(outside, 'range_not_satisfiable');
    const changed = await get({ range: 'bytes=0-9', 'if-range': '"another"' });
    expect([changed.status, (await changed.arrayBuffer()).byteLength]).toEqual([200, 10_000]);
  });

  it('answers HEAD without a body', async () => {
    const head = await get({}, 'HEAD');
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10000', '']);
  });
});

it('is gone, with the reason, when it was rolled back', async () => {
  const id = await batchOf([['a.jpg', randomBytes(10)]]);
  const base = { index: 0, epoch: 1, attempts: 0, finishedAt: Date.now() };
  await api.journal.record(id, { ...base, status: 'removed', reason: 'rolled_back' });
  const problem = await refused(await fetch(`${api.url}/api/v1/download/${id}.0`), 'removed');
  expect(problem.detail).toBe('The result was rolled back.');
});

describe('an archive', () => {
  it('holds what is done so far, under unique names, with a manifest, of the announced length', async () => {
    const one = randomBytes(5000);
    const two = randomBytes(70_000);
    const id = await batchOf([
      ['a.jpg', one],
      ['A.JPG', two],
      ['later.jpg'],
      ['../../etc/passwd', one],
      ['CON.png', one],
    ]);
    const response = await fetch(`${api.url}/api/v1/batch/download/${id}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(response.headers.get('content-length')).toBe(String(bytes.length));
    expect(response.headers.get('content-type')).toBe('application/zip');
    const members = await readZipBuffer(bytes);
    const names = ['a_enhanced.png', 'A_enhanced (2).png', 'passwd_enhanced.png', '_CON_enhanced.png', 'manifest.json'];
    expect([...members.keys()]).toEqual(names);
    expect(members.get('A_enhanced (2).png')).toEqual(two);
    const manifest: unknown = JSON.parse(String(members.get('manifest.json')));
    expect(manifest).toMatchObject({
      operation_id: id,
      total_files: 5,
      photos: [
        {
          file: 'a_enhanced.png',
          task_id: `${id}.0`,
          bytes: 5000,
          original: { name: 'a.jpg' },
          sha256: createHash('sha256').update(one).digest('hex'),
          recipe: { model: 'realesr-general-x4v3' },
        },
        {},
        {},
        {},
      ],
    });
  });

  it('is the same, byte for byte, whenever it is asked for', async () => {
    const id = await batchOf([['a.jpg', randomBytes(100)]]);
    const once = await fetch(`${api.url}/api/v1/batch/download/${id}`);
    const first = await once.arrayBuffer();
    const again = await fetch(`${api.url}/api/v1/batch/download/${id}`);
    expect(Buffer.from(await again.arrayBuffer())).toEqual(Buffer.from(first));
    const etag = once.headers.get('etag') ?? '';
    expect((await fetch(again.url, { headers: { 'if-none-match': etag } })).status).toBe(304);
  });

  it('[51] closes everything when its reader leaves', async () => {
    const id = await batchOf([
      ['a.jpg', randomBytes(8_000_000)],
      ['b.jpg', randomBytes(8_000_000)],
    ]);
    const before = openHandles();
    for (const path of [`/api/v1/batch/download/${id}`, `/api/v1/download/${id}.0`]) {
      for (let round = 0; round < 20; round++) {
        const socket = connect(api.port, '127.0.0.1');
        socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
        await new Promise((resolve) => socket.once('data', resolve));
        socket.destroy();
      }
    }
    await eventually(() => expect(openHandles()).toBeLessThanOrEqual(before + 1));
  });

  it('breaks off, rather than end well, when a result disappears under it', async () => {
    const id = await batchOf([
      ['a.jpg', randomBytes(100)],
      ['b.jpg', randomBytes(100)],
    ]);
    for await (const { record, outcome } of api.service.results(id)) {
      if (record.index === 1) await api.store.remove(outcome.result.key);
    }
    const response = await fetch(`${api.url}/api/v1/batch/download/${id}`);
    await expect(response.arrayBuffer()).rejects.toThrow();
    expect((await fetch(`${api.url}/livez`)).status).toBe(200);
  });
});

describe('[17] names of results', () => {
  it('are safe on every system', () => {
    const cases: [original: string, name: string][] = [
      ['holiday.JPG', 'holiday_enhanced.png'],
      ['no extension', 'no extension_enhanced.png'],
      ['a.b.c.jpeg', 'a.b.c_enhanced.png'],
      ['CON', '_CON_enhanced.png'],
      ['aux.tar.gz', '_aux.tar_enhanced.png'],
      ['-rf.jpg', 'rf_enhanced.png'],
      ['.hidden', 'photo_enhanced.png'],
      ['what?<is>"this|.jpg', 'what__is__this__enhanced.png'],
      ['été 🏖️.jpg', 'été 🏖️_enhanced.png'],
      ['=cmd().jpg', 'cmd()_enhanced.png'],
    ];
    for (const [original, name] of cases) expect(resultName(original, '.png')).toBe(name);
    expect(resultName(`${'é'.repeat(300)}.jpg`, '.png')).toBe(`${'é'.repeat(120)}_enhanced.png`);
  });

  it('are unique, also where a name looks like a numbered one', () => {
    const names = new UniqueNames();
    expect(['a.png', 'a (2).png', 'A.png', 'a.png'].map((name) => names.take(name))).toEqual([
      'a.png',
      'a (2).png',
      'A (3).png',
      'a (4).png',
    ]);
  });
});
