/**
 * Property: a client that leaves at any moment after its headers, also before anybody looks at its body, takes no upload slot
 * and no Idempotency-Key with it, and nothing of its request stays.
 */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batchCreatedSchema } from '../../src/contracts/http-batches.ts';
import { taskAcceptedSchema } from '../../src/contracts/http.ts';
import { jpeg } from './support/photos.ts';
import { answered, eventually, form, post, startApi, type RunningApi } from './support/running-api.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const FORM = 'Content-Type: multipart/form-data; boundary=B';

/** Sends the headers of a request with a body, and leaves after so many milliseconds without any of it. */
async function leave(method: string, path: string, headers: readonly string[], afterMs: number): Promise<void> {
  const socket = connect(api.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const head = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', ...headers, 'Content-Length: 100000', '', ''];
  socket.write(head.join('\r\n'));
  if (afterMs > 0) await sleep(afterMs);
  socket.destroy();
}

const noSlotIsTaken = (): Promise<void> => eventually(() => expect(api.house.uploads.slots.taken).toBe(0));

it('gives the slot back when the client leaves within milliseconds of its headers', async () => {
  const opened = await fetch(`${api.url}/api/v1/batches`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ open: true }),
  });
  const { batch_id } = await answered(opened, batchCreatedSchema);
  const files = await api.files();
  const tus = ['Tus-Resumable: 1.0.0', 'Upload-Length: 100000', 'Content-Type: application/offset+octet-stream'];
  for (let round = 0; round < 10; round++) {
    for (const afterMs of [0, 1, 2, 3]) {
      await Promise.all([
        leave('POST', '/api/v1/enhance', [FORM], afterMs),
        leave('POST', '/api/v1/enhance/batch', [FORM], afterMs),
        leave('POST', `/api/v1/batches/${batch_id}/photos`, [FORM], afterMs),
        leave('POST', '/api/v1/uploads', tus, afterMs),
      ]);
    }
  }
  await noSlotIsTaken();
  await eventually(async () => expect(await api.files()).toEqual(files));
});

it('gives the Idempotency-Key back as well', async () => {
  const photo = await jpeg();
  for (const [round, afterMs] of [0, 0, 0, 1, 2, 3].entries()) {
    const key = `left-${round}`;
    await leave('POST', '/api/v1/enhance', [FORM, `Idempotency-Key: ${key}`], afterMs);
    await eventually(async () => {
      const again = await post(`${api.url}/api/v1/enhance`, form('file', [photo, 'a.jpg']), {
        headers: { 'idempotency-key': key },
      });
      await answered(again, taskAcceptedSchema);
    });
  }
  await noSlotIsTaken();
});
