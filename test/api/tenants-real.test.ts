/** Property: a tenant has only so many photos under way, whichever door they come through; what is done makes room again. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batchAcceptedSchema } from '../../src/contracts/http.ts';
import { jpeg } from './support/photos.ts';
import { openRealHouse, send, type RealHouse } from './support/real-house.ts';
import { answered, eventually, form, post, refused } from './support/running-api.ts';

let house: RealHouse;
let photo: Buffer;
beforeAll(async () => {
  [house, photo] = await Promise.all([
    openRealHouse({ API_KEYS: 'one,two', TENANT_PHOTOS_IN_FLIGHT: '3', OUTGOING_RANGES: '127.0.0.2/32' }),
    jpeg(),
  ]);
});
afterAll(() => house.close());

const bearer = (key: string): RequestInit => ({ headers: { authorization: `Bearer ${key}` } });
const photos = (count: number) =>
  form('files', ...Array.from({ length: count }, (_, index) => [photo, `${index}.jpg`] as const));
const submit = (count: number, key: string) =>
  post(`${house.api.url}/api/v1/enhance/batch`, photos(count), bearer(key));

it('[47] a tenant beyond its photos under way gets 429 until some are done; another does not notice', async () => {
  house.engine.ms = 60_000;
  await refused(await submit(4, 'one'), 'too_many_photos');
  const { batch_task_id: id } = await answered(await submit(2, 'one'), batchAcceptedSchema);
  const tenant = (await house.api.journal.header(id))?.tenant ?? '';
  await eventually(async () => expect(await house.api.service.photosInFlight(tenant, 3)).toBe(2));
  const response = await submit(2, 'one');
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  await refused(response, 'too_many_photos');
  for (const source of [
    { kind: 'urls', urls: ['http://127.0.0.2:1029/a.jpg', 'http://127.0.0.2:1029/b.jpg'] },
    { kind: 'uploads', ids: ['u-1', 'u-2'] },
  ]) {
    const ordered = await fetch(`${house.api.url}/api/v1/batches`, {
      method: 'POST',
      headers: { authorization: 'Bearer one', 'content-type': 'application/json' },
      body: JSON.stringify({ source }),
    });
    await refused(ordered, 'too_many_photos');
  }
  await answered(await submit(3, 'two'), batchAcceptedSchema);
  await fetch(`${house.api.url}/api/v1/batches/${id}/cancel`, { method: 'POST', ...bearer('one') });
  await eventually(async () => expect((await submit(3, 'one')).status).toBe(200));
  await refused(await send('POST', `${house.api.url}/api/v1/batches`, { open: true }), 'unauthorized');
});
