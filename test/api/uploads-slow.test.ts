/**
 * Property: a client that sends its headers drop by drop, nothing at all, or its body too slowly is cut off after the time
 * allowed, whatever it sends to; one that sends steadily is not, however long it takes.
 */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { jpeg } from './support/photos.ts';
import { openHandles } from './support/open-handles.ts';
import { answerOf, uploadHead } from './support/raw-request.ts';
import { eventually, startApi, type RunningApi } from './support/running-api.ts';

const IDLE_MS = 600;
let api: RunningApi;
beforeAll(async () => {
  api = await startApi({ UPLOAD_IDLE_TIMEOUT_MS: String(IDLE_MS) });
});
afterAll(() => api.close());

/** Drips a text into a connection, a character every 50 ms, until it is closed or all is said. */
function drip(text: string, begin = ''): { socket: Socket; closed: Promise<void> } {
  const socket = connect(api.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(begin);
  let at = 0;
  const timer = setInterval(() => socket.write(text[at++ % text.length] ?? ''), 50);
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      clearInterval(timer);
      resolve();
    });
    socket.resume();
  });
  return { socket, closed };
}

it('[10] cuts headers that never end, and connections that say nothing', async () => {
  const before = openHandles();
  const slow = Array.from({ length: 20 }, () => drip('X-A: b\r\n', 'GET / HTTP/1.1\r\nHost: localhost\r\n'));
  const silent = Array.from({ length: 20 }, () => connect(api.port, '127.0.0.1').resume());
  await Promise.all([
    ...slow.map(({ closed }) => closed),
    ...silent.map((socket) => new Promise((resolve) => socket.once('close', resolve))),
  ]);
  await eventually(() => expect(openHandles()).toBeLessThanOrEqual(before + 1));
});

it('[10] cuts a resumable upload that drips, with 408, and keeps what came', async () => {
  const created = await fetch(`${api.url}/api/v1/uploads`, {
    method: 'POST',
    headers: { 'Tus-Resumable': '1.0.0', 'Upload-Length': '5000' },
  });
  const address = created.headers.get('location') ?? '';
  const { socket, closed } = drip(
    'x',
    `PATCH ${address} HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n` +
      'Content-Type: application/offset+octet-stream\r\nContent-Length: 5000\r\n\r\n',
  );
  const { status } = await answerOf(socket, 20 * IDLE_MS);
  await closed;
  expect(status).toBe(408);
  await eventually(() => expect(api.house.uploads.slots.taken).toBe(0));
  const head = await fetch(`${api.url}${address}`, { method: 'HEAD', headers: { 'Tus-Resumable': '1.0.0' } });
  expect(Number(head.headers.get('upload-offset'))).toBeGreaterThan(0);
});

it('cuts an upload that creeps, however steadily', async () => {
  const patient = await startApi({ UPLOAD_IDLE_TIMEOUT_MS: '1500' });
  const socket = connect(patient.port, '127.0.0.1').resume();
  socket.on('error', () => undefined);
  socket.write(uploadHead('/api/v1/enhance', 10_000_000));
  // More than counts as progress in 1.5 seconds, and less than the least rate.
  const timer = setInterval(() => socket.write('x'.repeat(90)), 100);
  const { status } = await answerOf(socket, 15_000);
  clearInterval(timer);
  expect(status).toBe(408);
  await eventually(() => expect(patient.house.uploads.slots.taken).toBe(0));
  await patient.close();
});

it('lets a steady upload take longer than any idle time', async () => {
  const photo = await jpeg();
  const size = 12_000;
  const created = await fetch(`${api.url}/api/v1/uploads`, {
    method: 'POST',
    headers: { 'Tus-Resumable': '1.0.0', 'Upload-Length': String(size) },
  });
  const content = Buffer.concat([photo, Buffer.alloc(size)]).subarray(0, size);
  let at = 0;
  const steady = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (at >= size) return controller.close();
      await new Promise((resolve) => setTimeout(resolve, IDLE_MS / 4));
      controller.enqueue(content.subarray(at, at + 1000));
      at += 1000;
    },
  });
  const began = performance.now();
  const answer = await fetch(`${api.url}${created.headers.get('location')}`, {
    method: 'PATCH',
    headers: { 'Tus-Resumable': '1.0.0', 'Upload-Offset': '0', 'Content-Type': 'application/offset+octet-stream' },
    body: steady,
    duplex: 'half',
  });
  expect(answer.status).toBe(204);
  expect(performance.now() - began).toBeGreaterThan(2 * IDLE_MS);
});

it('refuses a form whose part has headers without end', async () => {
  const head = `--B\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n${'X-A: b\r\n'.repeat(50_000)}\r\n`;
  const body = `${head}x\r\n--B--\r\n`;
  const answer = await fetch(`${api.url}/api/v1/enhance`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=B' },
    body,
  });
  expect(answer.status).toBe(400);
  expect(await api.files()).toEqual([]);
});
