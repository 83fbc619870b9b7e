/** Property: what a batch would make of uploads is told without using them; what could not be ordered is refused as the order would be. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batchCreatedSchema } from '../../src/contracts/http-batches.ts';
import { planSchema } from '../../src/contracts/http-plan.ts';
import { png } from './support/photos.ts';
import { send } from './support/real-house.ts';
import { answered, refused, startApi, type RunningApi } from './support/running-api.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

async function upload(name: string, photo: Buffer, sent = photo.length): Promise<string> {
  const tus = { 'Tus-Resumable': '1.0.0' };
  const metadata = `filename ${Buffer.from(name).toString('base64')}`;
  const created = await fetch(`${api.url}/api/v1/uploads`, {
    method: 'POST',
    headers: { ...tus, 'upload-length': String(photo.length), 'upload-metadata': metadata },
  });
  const address = created.headers.get('location') ?? '';
  await fetch(new URL(address, api.url), {
    method: 'PATCH',
    headers: { ...tus, 'content-type': 'application/offset+octet-stream', 'upload-offset': '0' },
    body: new Uint8Array(photo.subarray(0, sent)),
  });
  return address.slice(address.lastIndexOf('/') + 1);
}

const ask = (path: string, ids: readonly string[]): Promise<Response> =>
  send('POST', `${api.url}${path}`, { source: { kind: 'uploads', ids }, options: { scale: 2 } });

it('says what would be made of uploads, as often as it is asked, and leaves them for the order', async () => {
  const ids = [await upload('a.png', await png(40, 30)), await upload('b.png', await png(20, 10))];
  for (let times = 0; times < 2; times += 1) {
    const plan = await answered(await ask('/api/v1/plan', ids), planSchema);
    expect(plan.total).toMatchObject({ photos: 2, planned: 2, refused: 0 });
    expect(plan.photos[0]).toMatchObject({ name: 'a.png', width: 40, height: 30, result_width: 80, result_height: 60 });
  }
  expect(await answered(await ask('/api/v1/batches', ids), batchCreatedSchema)).toMatchObject({ total: 2 });
  await refused(await ask('/api/v1/plan', ids), 'upload_used');
});

it('refuses what could not be ordered', async () => {
  const photo = await png(40, 30);
  await refused(await ask('/api/v1/plan', ['u-none']), 'upload_missing');
  await refused(await ask('/api/v1/plan', [await upload('a.png', photo, 10)]), 'upload_incomplete');
  const id = await upload('a.png', photo);
  await refused(await ask('/api/v1/plan', [id, id]), 'invalid_request');
});
