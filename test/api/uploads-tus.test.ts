/**
 * Property: an upload that is cut goes on where it ended; what is complete becomes the original of exactly one photo, without
 * being copied; what is no photo, too large, another's or over leaves nothing. Numbers in brackets are those of the list of
 * hostile inputs.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Upload } from 'tus-js-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { batchCreatedSchema, photosAddedSchema } from '../../src/contracts/http-batches.ts';
import { makeUploadId, momentOfUpload, uploadSchema } from '../../src/contracts/http-uploads.ts';
import { makeBatchId } from '../../src/contracts/ids.ts';
import { uploadKey } from '../../src/storage/keys.ts';
import { openHandles } from './support/open-handles.ts';
import { jpeg, noisyJpeg } from './support/photos.ts';
import { answered, eventually, refused, startApi, type RunningApi } from './support/running-api.ts';

const LIMIT = 300_000;
let api: RunningApi;
let photo: Buffer;
beforeAll(async () => {
  photo = await noisyJpeg(400, 300);
  expect(photo.length).toBeLessThan(LIMIT);
  api = await startApi({ UPLOAD_MAX_BYTES: String(LIMIT), API_KEYS: 'alice,bob' });
});
afterAll(() => api.close());

const tus = (method: string, path: string, headers: Record<string, string> = {}, body?: Uint8Array, key = 'alice') =>
  fetch(new URL(path, api.url), {
    method,
    headers: { 'Tus-Resumable': '1.0.0', authorization: `Bearer ${key}`, ...headers },
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  });
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const BYTES = { 'content-type': 'application/offset+octet-stream' };

async function create(length: number, name = 'a.jpg', key = 'alice'): Promise<string> {
  const headers = { 'upload-length': String(length), 'upload-metadata': `filename ${base64(name)}` };
  const answer = await tus('POST', '/api/v1/uploads', headers, undefined, key);
  expect(answer.status).toBe(201);
  return answer.headers.get('location') ?? '';
}

const write = (address: string, offset: number, bytes: Uint8Array, key = 'alice') =>
  tus('PATCH', address, { ...BYTES, 'upload-offset': String(offset) }, bytes, key);
const idOf = (address: string): string => address.slice(address.lastIndexOf('/') + 1);

async function uploaded(name = 'a.jpg', content = photo, key = 'alice'): Promise<string> {
  const address = await create(content.length, name, key);
  expect((await write(address, 0, content, key)).status).toBe(204);
  return idOf(address);
}

const order = (body: object, key = 'alice') =>
  fetch(`${api.url}/api/v1/batches`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });
const from = (ids: string[], more: object = {}) => ({ source: { kind: 'uploads', ids }, ...more });

/** Names of the files that uploads have left, without their folders. */
const left = async (): Promise<string[]> => {
  const root = join(api.root, 'uploads');
  if (!existsSync(root)) return [];
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  return found.flatMap((entry) => (entry.isFile() ? [entry.name] : [])).sort();
};
let before: string[];
beforeEach(async () => {
  before = await left();
});
const newFiles = async (): Promise<string[]> => (await left()).filter((name) => !before.includes(name));

describe('an upload', () => {
  it('comes from a tus client in pieces and becomes the original of a photo, without being copied', async () => {
    const address = await new Promise<string>((resolve, reject) => {
      const upload: Upload = new Upload(photo, {
        endpoint: `${api.url}/api/v1/uploads`,
        headers: { authorization: 'Bearer alice' },
        chunkSize: 20_000,
        metadata: { filename: '../été/holiday.jpg', filetype: 'image/jpeg' },
        onError: reject,
        onSuccess: () => resolve(upload.url ?? ''),
      });
      upload.start();
    });
    const id = idOf(address);
    expect(await answered(await tus('GET', `/api/v1/uploads/${id}`), uploadSchema)).toMatchObject({
      filename: 'holiday.jpg',
      length: photo.length,
      complete: true,
      photo: { format: 'jpeg', width: 400, height: 300 },
    });
    const bytes = (await newFiles()).find((name) => name.endsWith('.bytes')) ?? '';
    const { ino } = await stat(join(api.root, 'uploads', id.slice(9, 11), bytes));
    const batch = await answered(await order(from([id])), batchCreatedSchema);
    const copy = await api.store.localCopy(uploadKey(batch.batch_id, 0));
    expect((await stat(copy.path)).ino).toBe(ino);
    expect(await readFile(copy.path)).toEqual(photo);
    const [record] = await api.journal.page(batch.batch_id, 0);
    expect(record).toMatchObject({ name: 'holiday.jpg', bytes: photo.length, kilopixels: 120 });
    expect(await newFiles()).toEqual([`${id}.${batch.batch_id}.json`]);
  });

  it('goes on where a cut connection left it, with nothing lost and nothing twice', async () => {
    const address = await create(photo.length);
    for (let cut = 1; cut < 4; cut += 1) {
      const offset = Number((await tus('HEAD', address)).headers.get('upload-offset'));
      const socket = connect(api.port, '127.0.0.1');
      socket.write(
        `PATCH ${address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer alice\r\nTus-Resumable: 1.0.0\r\n` +
          `Upload-Offset: ${offset}\r\nContent-Type: ${BYTES['content-type']}\r\nContent-Length: ${photo.length - offset}\r\n\r\n`,
      );
      socket.write(photo.subarray(offset, offset + 15_000));
      const bytes = join(api.root, 'uploads', idOf(address).slice(9, 11), `${idOf(address)}.bytes`);
      await eventually(async () => expect((await stat(bytes)).size).toBe(offset + 15_000));
      socket.destroy();
    }
    const head = await tus('HEAD', address);
    expect([head.status, head.headers.get('upload-length')]).toEqual([200, String(photo.length)]);
    expect(head.headers.get('upload-metadata')).toBe(`filename ${base64('a.jpg')}`);
    const offset = Number(head.headers.get('upload-offset'));
    expect(offset).toBe(45_000);
    expect((await write(address, offset, photo.subarray(offset))).headers.get('upload-offset')).toBe(
      String(photo.length),
    );
    const batch = await answered(await order(from([idOf(address)])), batchCreatedSchema);
    expect(await api.store.read(uploadKey(batch.batch_id, 0))).toEqual(photo);
  });

  it('may bring its first bytes when it is created, and leaves nothing when that breaks off', async () => {
    const answer = await tus('POST', '/api/v1/uploads', { ...BYTES, 'upload-length': String(photo.length) }, photo);
    expect([answer.status, answer.headers.get('upload-offset')]).toEqual([201, String(photo.length)]);
    before = await left();
    const socket = connect(api.port, '127.0.0.1');
    socket.write(
      `POST /api/v1/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer alice\r\nTus-Resumable: 1.0.0\r\n` +
        `Upload-Length: 50000\r\nContent-Type: ${BYTES['content-type']}\r\nContent-Length: 50000\r\n\r\n`,
    );
    socket.write(photo.subarray(0, 20_000));
    await eventually(async () => expect(await newFiles()).toHaveLength(2));
    socket.destroy();
    await eventually(async () => expect(await newFiles()).toEqual([]));
  });

  it('[16] refuses the wrong offset and changes nothing; of two writers at once the bytes stay intact', async () => {
    const address = await create(photo.length);
    await write(address, 0, photo.subarray(0, 1000));
    await refused(await write(address, 500, photo.subarray(500, 2000)), 'upload_conflict');
    expect((await tus('HEAD', address)).headers.get('upload-offset')).toBe('1000');
    const slow = connect(api.port, '127.0.0.1');
    slow.on('error', () => undefined);
    slow.write(
      `PATCH ${address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer alice\r\nTus-Resumable: 1.0.0\r\n` +
        `Upload-Offset: 1000\r\nContent-Type: ${BYTES['content-type']}\r\nContent-Length: ${photo.length - 1000}\r\n\r\n`,
    );
    slow.write(photo.subarray(1000, 3000));
    const bytes = join(api.root, 'uploads', idOf(address).slice(9, 11), `${idOf(address)}.bytes`);
    await eventually(async () => expect((await stat(bytes)).size).toBe(3000));
    // The later one is let in once the earlier has written down what it had.
    await refused(await write(address, 1000, photo.subarray(1000)), 'upload_conflict');
    const offset = Number((await tus('HEAD', address)).headers.get('upload-offset'));
    expect(offset).toBe(3000);
    expect((await write(address, offset, photo.subarray(offset))).status).toBe(204);
    expect(await readFile(bytes)).toEqual(photo);
    slow.destroy();
  });

  it('announces the largest size, and refuses more before a byte is taken', async () => {
    const options = await fetch(`${api.url}/api/v1/uploads`, { method: 'OPTIONS' });
    expect(Object.fromEntries(options.headers)).toMatchObject({
      'tus-version': '1.0.0',
      'tus-max-size': String(LIMIT),
      'tus-extension': 'creation,creation-with-upload,termination,expiration',
    });
    await refused(await tus('POST', '/api/v1/uploads', { 'upload-length': String(LIMIT + 1) }), 'file_too_large');
    const address = await create(1000);
    await refused(await write(address, 0, photo.subarray(0, 1001)), 'file_too_large');
    expect((await tus('HEAD', address)).headers.get('upload-offset')).toBe('0');
    expect((await tus('DELETE', address)).status).toBe(204);
    expect(await newFiles()).toEqual([]);
  });

  it('[20, 26] is removed, with the reason, when it turns out to be no photo', async () => {
    const junk = await create(1000);
    await refused(await write(junk, 0, Buffer.alloc(1000, 'x')), 'unsupported_format');
    expect((await tus('HEAD', junk)).status).toBe(404);
    await refused(await tus('POST', '/api/v1/uploads', { 'upload-length': '0' }), 'empty_file');
    expect(await newFiles()).toEqual([]);
  });

  it('refuses what is not the protocol, each with a problem', async () => {
    const plain = await fetch(`${api.url}/api/v1/uploads`, {
      method: 'POST',
      headers: { authorization: 'Bearer alice' },
    });
    expect(plain.headers.get('tus-version')).toBe('1.0.0');
    await refused(plain, 'tus_version');
    await refused(await tus('POST', '/api/v1/uploads'), 'invalid_request');
    await refused(await tus('POST', '/api/v1/uploads', { 'upload-length': '-1' }), 'invalid_request');
    await refused(await tus('POST', '/api/v1/uploads', { 'upload-length': '1e3' }), 'invalid_request');
    await refused(await tus('POST', '/api/v1/uploads', { 'upload-defer-length': '1' }), 'invalid_request');
    const long = { 'upload-length': '9', 'upload-metadata': `filename ${base64('x'.repeat(5000))}` };
    await refused(await tus('POST', '/api/v1/uploads', long), 'invalid_request');
    await refused(await tus('POST', '/api/v1/uploads', { ...long, 'upload-metadata': 'a b c' }), 'invalid_request');
    for (const id of ['..%2f..%2fetc', 'u-x', '%00', idOf(await create(10)).toUpperCase()]) {
      await refused(
        await tus('PATCH', `/api/v1/uploads/${id}`, { ...BYTES, 'upload-offset': '0' }, photo),
        'not_found',
      );
    }
  });

  it('is nobody else’s', async () => {
    const address = await create(photo.length);
    expect((await tus('HEAD', address, {}, undefined, 'bob')).status).toBe(404);
    await refused(await write(address, 0, photo, 'bob'), 'not_found');
    await refused(await tus('DELETE', address, {}, undefined, 'bob'), 'not_found');
    expect((await write(address, 0, photo)).status).toBe(204);
    const problem = await refused(await order(from([idOf(address)]), 'bob'), 'upload_missing');
    expect(problem.errors).toEqual([
      { pointer: '/source/ids/0', detail: expect.stringContaining(idOf(address)) as string },
    ]);
    await answered(await order(from([idOf(address)])), batchCreatedSchema);
    await refused(await order(from([idOf(address)]), 'bob'), 'upload_missing');
  });
});

describe('a batch of uploads', () => {
  it('has them in the order they were named in', async () => {
    const contents = await Promise.all([30, 40, 50].map((size) => jpeg(size, size)));
    const ids = await Promise.all(contents.map((content, index) => uploaded(`${index}.jpg`, content)));
    const batch = await answered(await order(from(ids.toReversed())), batchCreatedSchema);
    expect((await api.journal.page(batch.batch_id, 0)).map(({ name }) => name)).toEqual(['2.jpg', '1.jpg', '0.jpg']);
    expect(await api.store.read(uploadKey(batch.batch_id, 0))).toEqual(contents[2]);
  });

  it('names the upload that is unknown, unfinished, named twice or used, and uses none of the others', async () => {
    const good = await uploaded();
    const half = idOf(await create(100));
    const unknown = makeUploadId(Date.now(), Buffer.alloc(26, 7));
    for (const [ids, code, at] of [
      [[good, unknown], 'upload_missing', 1],
      [['../../etc/passwd'], 'upload_missing', 0],
      [[good, half], 'upload_incomplete', 1],
      [[good, good], 'invalid_request', 1],
    ] as const) {
      const problem = await refused(await order(from([...ids])), code);
      expect(problem.errors).toEqual([
        { pointer: `/source/ids/${at}`, detail: expect.stringContaining(ids[at] ?? '') as string },
      ]);
    }
    const { batch_id } = await answered(await order(from([good])), batchCreatedSchema);
    const again = await refused(await order(from([good])), 'upload_used');
    expect(again.detail).toContain(batch_id);
    expect((await tus('HEAD', `/api/v1/uploads/${good}`)).status).toBe(409);
  });

  it('uses each upload once, also when ten requests want it at once', async () => {
    const ids = await Promise.all([uploaded('a.jpg'), uploaded('b.jpg')]);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, turn) => order(from(turn % 2 ? ids : ids.toReversed()))),
    );
    expect(answers.map(({ status }) => status).sort((left, right) => left - right)).toEqual([
      200,
      ...Array.from({ length: 9 }, () => 409),
    ]);
    for (const answer of answers) if (answer.status !== 200) await refused(answer, 'upload_used');
  });

  it('is one batch for each Idempotency-Key, however often it is ordered', async () => {
    const ids = [await uploaded('a.jpg'), await uploaded('b.jpg')];
    const body = JSON.stringify(from(ids));
    const headers = { 'content-type': 'application/json', authorization: 'Bearer alice', 'idempotency-key': 'order 7' };
    const twice = (): Promise<Response> => fetch(`${api.url}/api/v1/batches`, { method: 'POST', headers, body });
    const first = await answered(await twice(), batchCreatedSchema);
    expect((await answered(await twice(), batchCreatedSchema)).batch_id).toBe(first.batch_id);
    const [record] = await api.journal.page(first.batch_id, 0);
    expect(await api.store.read(record?.original.kind === 'upload' ? record.original.key : '')).toEqual(photo);
  });

  it('gives them back when it does not come about', async () => {
    const id = await uploaded();
    const files = await api.files();
    api.service.temporalIsAway = true;
    await refused(await order(from([id])), 'temporal_unavailable');
    api.service.temporalIsAway = false;
    expect(await api.files()).toEqual(files);
    await answered(await order(from([id])), batchCreatedSchema);
  });

  it('has those whose result would be too large as failed photos', async () => {
    const wide = await uploaded('wide.jpg', await jpeg(2000, 10));
    const small = await uploaded('small.jpg', await jpeg(10, 10));
    const tight = { ...from([wide, small]), options: { width: 90, height: 90 } };
    const problem = await order(tight);
    const text = await problem.text();
    expect(problem.status, text).toBe(200);
    const batch = batchCreatedSchema.parse(JSON.parse(text));
    expect(batch).toMatchObject({ total: 2, failed: 1 });
  });

  it('may be as large as a batch can be', async () => {
    const ids = Array.from({ length: 100_000 }, (_, index) => {
      const random = Buffer.alloc(26);
      for (let digit = 0; digit < 5; digit += 1) random[digit] = Math.floor(index / 32 ** digit) % 32;
      return makeUploadId(Date.now(), random);
    });
    const problem = await refused(await order(from(ids)), 'upload_missing');
    expect(problem.errors).toHaveLength(1);
    await refused(await order(from([...ids, 'one more'])), 'invalid_request');
  });
});

describe('an open batch', () => {
  it('takes uploads as it takes forms, once for each Idempotency-Key', async () => {
    const { batch_id } = await answered(await order({ open: true }), batchCreatedSchema);
    const ids = [await uploaded('a.jpg'), await uploaded('b.jpg')];
    const add = (upload_ids: string[], key: string) =>
      fetch(`${api.url}/api/v1/batches/${batch_id}/photos`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer alice', 'idempotency-key': key },
        body: JSON.stringify({ upload_ids }),
      });
    const added = await answered(await add(ids, 'one'), photosAddedSchema);
    expect(added).toMatchObject({ from: 0, count: 2, repeated: false });
    expect(await answered(await add(ids, 'one'), photosAddedSchema)).toEqual(added);
    await refused(await add(ids, 'two'), 'upload_used');
    const [record] = await api.journal.page(batch_id, 0);
    const key = record?.original.kind === 'upload' ? record.original.key : '';
    expect(await api.store.read(key)).toEqual(photo);
  });
});

describe('the shelf', () => {
  it('[16] removes what is over, tells so for a while, and keeps the rest', async () => {
    const { shelf } = api.house.uploads;
    const hour = 3_600_000;
    const old = async (hours: number): Promise<string> => {
      const createdAt = Date.now() - hours * hour;
      const id = makeUploadId(createdAt, api.house.random(26));
      const tenant = `key-${createHash('sha256').update('alice').digest('hex').slice(0, 16)}`;
      await shelf.create({ id, tenant, name: 'a', metadata: {}, length: 100, createdAt });
      return id;
    };
    const [young, over, longOver] = [await old(71), await old(73), await old(150)];
    expect((await tus('HEAD', `/api/v1/uploads/${over}`)).status).toBe(410);
    await api.house.uploads.sweep({ alone: false });
    expect((await newFiles()).filter((name) => !name.startsWith(young))).toEqual([`${over}.json`]);
    expect(await newFiles()).toContain(`${young}.bytes`);
    await refused(
      await tus('PATCH', `/api/v1/uploads/${over}`, { ...BYTES, 'upload-offset': '0' }, photo),
      'upload_expired',
    );
    await refused(await tus('GET', `/api/v1/uploads/${over}`), 'upload_expired');
    const problem = await refused(await order(from([over])), 'upload_expired');
    expect(problem.errors?.map(({ pointer }) => pointer)).toEqual(['/source/ids/0']);
    expect((await tus('HEAD', `/api/v1/uploads/${longOver}`)).status).toBe(404);
    expect(Math.abs((momentOfUpload(young) ?? 0) - (Date.now() - 71 * hour))).toBeLessThan(60_000);
  });

  it('settles what a process that died had begun', async () => {
    const { shelf } = api.house.uploads;
    const [lost, kept] = [await uploaded(), await uploaded()];
    const { batch_id } = await answered(await order({ open: true }), batchCreatedSchema);
    await shelf.claim([lost], { batchId: makeBatchId(new Date(), api.house.random(10)) });
    await shelf.claim([kept], { batchId: batch_id });
    // While the one that claimed it may be alive nothing is decided.
    await api.house.uploads.sweep({ alone: false });
    await refused(await order(from([lost])), 'upload_used');
    await api.house.uploads.sweep({ alone: true });
    expect((await newFiles()).filter((name) => name.startsWith(kept))).toEqual([`${kept}.${batch_id}.json`]);
    await answered(await order(from([lost])), batchCreatedSchema);
  });
});

it('lets as many come in at once as are allowed, and others know when to try again', async () => {
  const busy = await startApi({ UPLOAD_MAX_CONCURRENT: '2' });
  try {
    const sockets = [0, 1].map(() => connect(busy.port, '127.0.0.1'));
    for (const socket of sockets) {
      socket.on('error', () => undefined);
      socket.write(
        `POST /api/v1/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nTus-Resumable: 1.0.0\r\nUpload-Length: 5000\r\n` +
          `Content-Type: ${BYTES['content-type']}\r\nContent-Length: 5000\r\n\r\nxxx`,
      );
    }
    await eventually(() => expect(busy.house.uploads.slots.taken).toBe(2));
    const third = await fetch(`${busy.url}/api/v1/uploads`, {
      method: 'POST',
      headers: { 'Tus-Resumable': '1.0.0', 'upload-length': '10', ...BYTES },
      body: 'xxx',
    });
    expect(third.headers.get('retry-after')).toBe('2');
    await refused(third, 'uploads_busy');
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(photo)]), 'a.jpg');
    await refused(await fetch(`${busy.url}/api/v1/enhance`, { method: 'POST', body: form }), 'uploads_busy');
    for (const socket of sockets) socket.destroy();
    await eventually(() => expect(busy.house.uploads.slots.taken).toBe(0));
  } finally {
    await busy.close();
  }
});

it('leaves half of the slots to other tenants', async () => {
  const shared = await startApi({ UPLOAD_MAX_CONCURRENT: '2', API_KEYS: 'alice,bob' });
  const begin = (key: string) =>
    fetch(`${shared.url}/api/v1/uploads`, {
      method: 'POST',
      headers: { 'Tus-Resumable': '1.0.0', 'upload-length': '10', authorization: `Bearer ${key}`, ...BYTES },
      body: 'xxx',
    });
  const socket = connect(shared.port, '127.0.0.1').on('error', () => undefined);
  socket.write(
    `POST /api/v1/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer alice\r\nTus-Resumable: 1.0.0\r\n` +
      `Upload-Length: 5000\r\nContent-Type: ${BYTES['content-type']}\r\nContent-Length: 5000\r\n\r\nxxx`,
  );
  await eventually(() => expect(shared.house.uploads.slots.taken).toBe(1));
  await refused(await begin('alice'), 'uploads_busy');
  expect((await begin('bob')).status).toBe(201);
  socket.destroy();
  await shared.close();
});

it('[9] keeps nothing but the resumable part of uploads that clients cut, not a file handle', async () => {
  const addresses = await Promise.all(Array.from({ length: 10 }, () => create(photo.length)));
  const handles = openHandles();
  for (let round = 0; round < 4; round += 1) {
    const sockets = addresses.map((address) => {
      const socket = connect(api.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(
        `PATCH ${address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer alice\r\nTus-Resumable: 1.0.0\r\n` +
          `Upload-Offset: ${round * 5000}\r\nContent-Type: ${BYTES['content-type']}\r\nContent-Length: ${photo.length - round * 5000}\r\n\r\n`,
      );
      socket.write(photo.subarray(round * 5000, (round + 1) * 5000));
      return socket;
    });
    for (const address of addresses) {
      const bytes = join(api.root, 'uploads', idOf(address).slice(9, 11), `${idOf(address)}.bytes`);
      await eventually(async () => expect((await stat(bytes)).size).toBe((round + 1) * 5000));
    }
    for (const socket of sockets) socket.destroy();
  }
  await eventually(() => expect(api.house.uploads.slots.taken).toBe(0));
  await eventually(() => expect(openHandles()).toBeLessThanOrEqual(handles + 3));
  expect(await newFiles()).toHaveLength(20);
  for (const address of addresses) expect((await tus('DELETE', address)).status).toBe(204);
  expect(await newFiles()).toEqual([]);
});
