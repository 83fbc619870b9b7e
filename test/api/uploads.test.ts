/**
 * Property: whatever comes in through a form, the answer is the documented problem, the server lives on, and what was
 * refused leaves no file behind. Numbers in brackets are those of the list of hostile inputs.
 */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { photoName } from '../../src/api/uploads/photo-name.ts';
import { batchAcceptedSchema, taskAcceptedSchema } from '../../src/contracts/http.ts';
import { jpeg, noisyJpeg, png, pngBomb } from './support/photos.ts';
import { send } from './support/real-house.ts';
import { answerOf, partHead, sendRaw, uploadHead } from './support/raw-request.ts';
import { openHandles } from './support/open-handles.ts';
import { answered, eventually, form, post, refused, startApi, type RunningApi } from './support/running-api.ts';

const LIMIT = 64 * 1024;
const IDLE_MS = 800;

let api: RunningApi;
let before: string[];
beforeAll(async () => {
  api = await startApi({ UPLOAD_MAX_BYTES: String(LIMIT), UPLOAD_IDLE_TIMEOUT_MS: String(IDLE_MS) });
});
afterAll(() => api.close());
beforeEach(async () => {
  before = await api.files();
});

const single = (query = ''): string => `${api.url}/api/v1/enhance${query}`;
const batch = (query = ''): string => `${api.url}/api/v1/enhance/batch${query}`;
const nothingKept = (): Promise<void> => eventually(async () => expect(await api.files()).toEqual(before));

describe('a form that is refused leaves nothing', () => {
  afterEach(nothingKept);

  it('[1] without a file', async () => {
    const data = new FormData();
    data.append('scale', '2');
    await refused(await post(single(), data), 'no_files');
    await refused(await post(batch(), data), 'no_files');
  });

  it('[2] with an empty file', async () => {
    await refused(await post(single(), form('file', [Buffer.alloc(0), 'a.jpg'])), 'empty_file');
  });

  it('[3] with an empty file name and a boundary that breaks off', async () => {
    const body =
      '------FormBoundary\r\nContent-Disposition: form-data; name="file"; filename=""\r\n' +
      'Content-Type: application/octet-stream\r\n\r\n\r\n------FormBoundar\r\n';
    const answer = await sendRaw(
      api.port,
      `POST /api/v1/enhance HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n` +
        `Content-Type: multipart/form-data; boundary=----FormBoundary\r\n\r\n${body}`,
    );
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('malformed_multipart');
  });

  it('[3] without a boundary, with a broken part header, with another media type', async () => {
    const send = (type: string, body: string): Promise<Response> =>
      fetch(single(), { method: 'POST', headers: { 'content-type': type }, body });
    await refused(await send('multipart/form-data', 'x'), 'malformed_multipart');
    await refused(await send('multipart/form-data; boundary=B', '--B\r\n\0bad\r\n--B--'), 'malformed_multipart');
    await refused(await send('application/json', '{}'), 'malformed_multipart');
    await refused(await fetch(single(), { method: 'POST' }), 'malformed_multipart');
  });

  it('[4] with an empty field name, or the photo in another field', async () => {
    const photo = await jpeg();
    await refused(await post(single(), form('', [photo, 'a.jpg'])), 'malformed_multipart');
    const problem = await refused(await post(single(), form('photo', [photo, 'a.jpg'])), 'malformed_multipart');
    expect(problem.detail).toBe('The form has a file in field "photo", but photos belong in "file".');
    const data = form('file', [photo, 'a.jpg']);
    data.append('', 'x');
    expect((await post(single(), data)).status).toBe(400);
  });

  it('[5] with field names that would grow arrays and trees', async () => {
    for (const name of ['a[999999999]', `a${'[b]'.repeat(30)}`, '__proto__', 'constructor[prototype][x]']) {
      const data = form('file', [await jpeg(), 'a.jpg']);
      data.append(name, 'x');
      expect((await post(single(), data)).status, name).toBe(400);
    }
  });

  it('[6] with too many files, parts or fields', async () => {
    const photo = await jpeg();
    const files = (count: number) => Array.from({ length: count }, (_, index) => [photo, `${index}.jpg`] as const);
    const many = await refused(await post(batch(), form('files', ...files(21))), 'too_many_files');
    expect(many.detail).toContain('20');
    await refused(await post(batch(), form('files', ...files(1000))), 'too_many_files');
    const data = form('file', [photo, 'a.jpg']);
    for (let index = 0; index < 10_000; index++) data.append(`f${index}`, 'x');
    await refused(await post(single(), data), 'too_many_parts');
    expect((await post(single(), form('file', ...files(2)))).status).toBe(400);
  });

  it('[6] with a field that is too long', async () => {
    const data = form('file', [await jpeg(), 'a.jpg']);
    data.append('quality_level', 'x'.repeat(2000));
    await refused(await post(single(), data), 'malformed_multipart');
  });

  it('[7] one byte over the limit, its length announced or not', async () => {
    const photo = Buffer.concat([await jpeg(), Buffer.alloc(LIMIT)]).subarray(0, LIMIT + 1);
    await refused(await post(single(), form('file', [photo, 'a.jpg'])), 'file_too_large');
    await refused(await post(batch(), form('files', [await jpeg(), 'a'], [photo, 'b'])), 'file_too_large');
    const body = `${partHead('file')}${'x'.repeat(LIMIT + 1)}\r\n--B--\r\n`;
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const answer = await sendRaw(api.port, uploadHead('/api/v1/enhance', 'chunked') + chunked);
    expect([answer.status, answer.body]).toEqual([413, expect.stringContaining('file_too_large')]);
  });

  it('[7] when far more is announced than any form may have, before it is read', async () => {
    const answer = await sendRaw(api.port, uploadHead('/api/v1/enhance', 10 ** 12));
    expect([answer.status, answer.body]).toEqual([413, expect.stringContaining('file_too_large')]);
  });

  it('[8] when the announced length is too small', async () => {
    const answer = await sendRaw(api.port, `${uploadHead('/api/v1/enhance', 150)}${'x'.repeat(1000)}\r\n--B--\r\n`);
    expect(answer.status).toBe(400);
  });

  it('[8, 10] when the client stands still, or sends a byte now and then', async () => {
    const standing = connect(api.port, '127.0.0.1');
    standing.write(uploadHead('/api/v1/enhance', 5000));
    const dripping = connect(api.port, '127.0.0.1');
    dripping.write(uploadHead('/api/v1/enhance', 5000));
    const drip = setInterval(() => dripping.write('x'), 100);
    dripping.on('error', () => undefined);
    const answers = await Promise.all([answerOf(standing, 10_000), answerOf(dripping, 10_000)]);
    clearInterval(drip);
    for (const { status, body } of answers) {
      expect([status, body]).toEqual([408, expect.stringContaining('request_timeout')]);
    }
  });

  it('[14] when the disk has no room left', async () => {
    const full = await startApi({ DISK_RESERVE_BYTES: '999999999999999' });
    try {
      const answer = await post(`${full.url}/api/v1/enhance`, form('file', [await jpeg(), 'a.jpg']));
      await refused(answer, 'storage_full');
      expect(await full.files()).toEqual([]);
    } finally {
      await full.close();
    }
  });

  it('[20, 21, 22] when the content is no photo, whatever its name says', async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>';
    const xxe = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>${svg}`;
    const heic = Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1');
    const others = [
      '<html><script>alert(1)</script>',
      'MZ\x90\0\x03',
      svg,
      xxe,
      '%PDF-1.7\n',
      '%!PS-Adobe-3.0',
      '8BPS\0\x01',
    ];
    for (const content of [...others.map((text) => Buffer.from(text, 'latin1')), heic]) {
      await refused(await post(single(), form('file', [content, 'photo.jpg'])), 'unsupported_format');
    }
  });

  it('[26] when a photo claims more pixels than are allowed', async () => {
    const memory = process.memoryUsage().rss;
    for (const [width, height] of [
      [65_500, 65_500],
      [30_000, 30_000],
    ] as const) {
      const answer = await post(single(), form('file', [await pngBomb(width, height), 'a.png']));
      expect((await refused(answer, 'too_many_pixels')).detail).toContain(`${width} x ${height}`);
    }
    expect(process.memoryUsage().rss - memory).toBeLessThan(100 * 1024 * 1024);
  });

  it('[41] when its header is damaged, or its result would be too large', async () => {
    const header = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(40, 0xff)]);
    await refused(await post(single(), form('file', [header, 'a.png'])), 'image_unreadable');
    await refused(await post(single(), form('file', [Buffer.from('BM'), 'a.bmp'])), 'image_unreadable');
    const small = await startApi({ RESULT_MAX_PIXELS: '100' });
    try {
      const answer = await post(`${small.url}/api/v1/enhance`, form('file', [await jpeg(8, 6), 'a.jpg']));
      await refused(answer, 'result_too_large');
    } finally {
      await small.close();
    }
  });

  it('when no file of a batch is good', async () => {
    const junk = Buffer.from('junk');
    await refused(await post(batch(), form('files', [junk, 'a'], [junk, 'b'])), 'unsupported_format');
    const mixed = form('files', [junk, 'a'], [Buffer.alloc(0), 'b']);
    expect((await refused(await post(batch(), mixed), 'invalid_request')).errors).toHaveLength(2);
  });

  it('[42] when an option of JSON is a text, or no number there is', async () => {
    const numbers = [
      'tile_size',
      'scale',
      'width',
      'height',
      'output_quality',
      'denoise',
      'strength',
      'sharpen',
      'fidelity',
    ];
    const texts = Object.fromEntries(numbers.map((name) => [name, '1']));
    const bodies = [
      [{ open: true, options: texts }, numbers],
      [{ open: true, options: { scale: '2' } }, ['scale']],
      [{ open: true, options: { scale: -2, denoise: null } }, ['scale', 'denoise']],
    ] as const;
    for (const [body, fields] of bodies) {
      const problem = await refused(await send('POST', `${api.url}/api/v1/batches`, body), 'invalid_request');
      expect(problem.errors?.map(({ pointer }) => pointer)).toEqual(fields.map((field) => `/options/${field}`));
    }
    const plan = { source: { kind: 'sizes', photos: [{ width: 10, height: 10 }] }, options: { tile_size: '400' } };
    await refused(await send('POST', `${api.url}/api/v1/plan`, plan), 'invalid_request');
  });

  it('[42] when an option is wrong, with a sentence for each field', async () => {
    const photo = await jpeg();
    const wrong = [
      'tile_size=9999',
      'tile_size=NaN',
      'tile_size=1e309',
      'tile_size=-400',
      'tile_size=300.5',
      'tile_size=',
    ];
    const more = ['quality_level=bogus', 'scale=5', 'max_workers=0', 'enable_rollback=maybe', 'sacle=2', '__proto__=1'];
    for (const option of [...wrong, ...more, 'tile_size=400&tile_size=500']) {
      const problem = await refused(
        await post(single(`?${option}`), form('file', [photo, 'a.jpg'])),
        'invalid_request',
      );
      expect(
        problem.errors?.map(({ pointer }) => pointer),
        option,
      ).toEqual([option.split('=', 1)[0]]);
      expect(problem.detail).toContain(option.split('=', 1)[0]);
    }
    for (const option of [...wrong, ...more]) {
      const data = form('file', [photo, 'a.jpg']);
      data.append(...(option.split('=') as [string, string]));
      const problem = await refused(await post(single(), data), 'invalid_request');
      expect(
        problem.errors?.map(({ pointer }) => pointer),
        option,
      ).toEqual([option.split('=', 1)[0]]);
    }
  });

  it('when query string and form say different things, naming both', async () => {
    const data = form('file', [await jpeg(), 'a.jpg']);
    data.append('scale', '2');
    const problem = await refused(await post(single('?scale=4'), data), 'invalid_request');
    expect(problem.detail).toBe('scale is 4 in the query string but 2 in the form; say it once.');
  });

  it('[9] when two hundred clients cut their uploads, also in file handles', async () => {
    const atStart = openHandles();
    const photo = await jpeg();
    for (let round = 0; round < 10; round++) {
      const sockets = Array.from({ length: 20 }, () => {
        const socket = connect(api.port, '127.0.0.1');
        socket.on('error', () => undefined);
        socket.write(uploadHead('/api/v1/enhance/batch', 50_000, 'files'));
        // A first file that is whole, then a second that breaks off.
        socket.write(Buffer.concat([photo, Buffer.from(`\r\n${partHead('files')}`), Buffer.alloc(20_000)]));
        return socket;
      });
      await sleep(40 + 10 * round);
      for (const socket of sockets) socket.destroy();
    }
    await nothingKept();
    await eventually(() => expect(openHandles()).toBeLessThanOrEqual(atStart + 3));
    const accepted = await post(single(), form('file', [photo, 'a.jpg']));
    const { operation_id } = await answered(accepted, taskAcceptedSchema);
    await api.store.removeAll(['batches', ...operation_id.slice(2, 10).split(/(?<=^\d{4})|(?<=^\d{6})/)].join('/'));
    before = await api.files();
  });
});

it('[24] accepts a truncated photo, whose header is good: it fails when it is decoded', async () => {
  const whole = await noisyJpeg(100, 80);
  const cut = whole.subarray(0, whole.length / 2);
  await answered(await post(single(), form('file', [cut, 'a.jpg'])), taskAcceptedSchema);
});

it('[17] keeps the names of photos as text only', async () => {
  const names: [sent: string, kept: string][] = [
    ['../../etc/passwd', 'passwd'],
    ['C:\\windows\\x.jpg', 'x.jpg'],
    [`${'é'.repeat(300)}.jpg`, `${'é'.repeat(251)}.jpg`],
    ['\u202egpj.exe', 'gpj.exe'],
    ['e\u0301t\u00e9 🏖️.jpg', 'été 🏖️.jpg'],
    ['CON', 'CON'],
    ['-rf.jpg', '-rf.jpg'],
    ['..', 'photo'],
    ['a"b%22.jpg', 'a"b".jpg'],
  ];
  const photo = await png();
  const data = form('files', ...names.map(([sent]) => [photo, sent] as const));
  const { batch_task_id: id } = await answered(await post(batch(), data), batchAcceptedSchema);
  const kept = await api.journal.page(id, 0);
  expect(kept.map(({ name }) => name)).toEqual(names.map(([, name]) => name));
  const uploads = (await api.files()).filter((file) => file.includes(`${id}/uploads`));
  expect(uploads.map((file) => file.slice(file.indexOf(id) + id.length))).toEqual(
    names.map((_, index) => `/uploads/00000/${String(index).padStart(3, '0')}`),
  );
});

it('[17] strips control characters of a name, whichever way they come in', async () => {
  expect(photoName('nul\u0000 bell\u0007 \u009bcsi.jpg')).toBe('nul bell csi.jpg');
  const raw = post(single(), form('file', [await png(), 'nul\u0000.jpg']));
  expect((await raw).status).toBe(400);
  const head = partHead('file').replace('filename="a.jpg"', "filename*=UTF-8''nul%00%0a.png");
  const body = Buffer.concat([Buffer.from(head), await png(), Buffer.from('\r\n--B--\r\n')]);
  const sent = await sendRaw(
    api.port,
    Buffer.concat([Buffer.from(uploadHead('/api/v1/enhance', body.length).replace(partHead('file'), '')), body]),
  );
  const { task_id } = taskAcceptedSchema.parse(JSON.parse(sent.body));
  expect((await api.service.photo(task_id))?.name).toBe('nul.png');
});

it('keeps no bytes of a photo that a batch goes on without', async () => {
  const data = form('files', [Buffer.from('junk'), 'a.jpg'], [await png(), 'b.png']);
  const { batch_task_id: id } = await answered(await post(batch(), data), batchAcceptedSchema);
  const uploads = (await api.files()).filter((file) => file.includes(`${id}/uploads`));
  expect(uploads.map((file) => file.slice(-3))).toEqual(['001']);
});
