/**
 * Property: what a tenant may send and have under way holds for every door and every way of sending, and each refusal says in
 * `RateLimit` what the limit is.
 */
import { connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { batchCreatedSchema, photosAddedSchema } from '../../src/contracts/http-batches.ts';
import { jpeg } from './support/photos.ts';
import { answered, eventually, form, post, refused, startApi, type RunningApi } from './support/running-api.ts';

let api: RunningApi;
afterEach(() => api.close());

const ORDER = '{"open":true}';

const sendJson = (path: string, body: string | ReadableStream): Promise<Response> =>
  fetch(`${api.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    ...(typeof body === 'string' ? {} : { duplex: 'half' as const }),
  });

/** A body whose length nobody announces. */
const streamed = (text: string): ReadableStream =>
  new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });

it('a body of unknown length is cut off when it has brought what was left, and does nothing', async () => {
  api = await startApi({ TENANT_BYTES_PER_HOUR: '1000' });
  const small = await sendJson('/api/v1/batches', streamed(ORDER));
  expect(small.status).toBe(200);
  expect(small.headers.get('ratelimit-policy')).toBe('"bytes";q=1000;w=3600');
  const before = api.service.submitted.length;
  await refused(await sendJson('/api/v1/batches', streamed(ORDER.padEnd(50_000))), 'rate_limited');
  expect(api.service.submitted).toHaveLength(before);
  const used = await sendJson('/api/v1/batches', streamed(ORDER));
  expect(used.headers.get('ratelimit')).toMatch(/^"bytes";r=0;t=\d+$/);
  expect(Number(used.headers.get('retry-after'))).toBeGreaterThan(0);
  await refused(used, 'rate_limited');
  expect((await fetch(`${api.url}/api/v1/tasks`)).status).toBe(200);
});

it('an upload of unknown length that goes on after its refusal is ended, and gives its slot back', async () => {
  api = await startApi({ TENANT_BYTES_PER_HOUR: '100000' });
  const head =
    'POST /api/v1/enhance HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=B\r\n' +
    'Transfer-Encoding: chunked\r\n\r\n';
  const part = '--B\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n';
  const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
  const socket = connect(api.port, '127.0.0.1');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(head + chunk(part));
  const timer = setInterval(() => socket.write(chunk('x'.repeat(60_000))), 5);
  socket.once('close', () => clearInterval(timer));
  const chunks: Buffer[] = [];
  socket.on('data', (data) => chunks.push(data)).on('error', () => undefined);
  await closed;
  expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 429 /);
  await eventually(() => expect(api.house.uploads.slots.taken).toBe(0));
  expect(await api.files()).toEqual([]);
});

it('a form to an open batch is refused by the photos it has, and a small one taken', async () => {
  api = await startApi({ TENANT_PHOTOS_IN_FLIGHT: '3' });
  const { batch_id } = await answered(await sendJson('/api/v1/batches', ORDER), batchCreatedSchema);
  const files = await api.files();
  api.service.photosInFlight = () => Promise.resolve(2);
  const photo = await jpeg();
  const add = (count: number) =>
    post(
      `${api.url}/api/v1/batches/${batch_id}/photos`,
      form('files', ...Array.from({ length: count }, (_, at) => [photo, `${at}.jpg`] as const)),
    );
  const refusal = await add(2);
  expect(refusal.headers.get('ratelimit-policy')).toBe('"photos";q=3');
  expect(refusal.headers.get('ratelimit')).toBe('"photos";r=1');
  await refused(refusal, 'too_many_photos');
  expect(await api.files()).toEqual(files);
  await answered(await add(1), photosAddedSchema);
});

it('photos that are to be done again count like new ones', async () => {
  api = await startApi({ TENANT_PHOTOS_IN_FLIGHT: '3' });
  const photo = await jpeg();
  const sent = await post(`${api.url}/api/v1/enhance/batch`, form('files', [photo, 'a.jpg'], [photo, 'b.jpg']));
  const { batch_task_id: id } = (await sent.json()) as { batch_task_id: string };
  for (const index of [0, 1]) await api.service.fail(id, index, 'out_of_memory');
  api.service.photosInFlight = () => Promise.resolve(2);
  const again = [
    () => sendJson(`/api/v1/batches/${id}/resume`, ''),
    () => sendJson(`/api/v1/batches/${id}/retry`, ''),
    () => sendJson('/api/resume-operation', JSON.stringify({ operation_id: id })),
  ];
  for (const ask of again) await refused(await ask(), 'too_many_photos');
  api.service.photosInFlight = () => Promise.resolve(1);
  for (const ask of again) expect((await ask()).status).toBe(200);
});
