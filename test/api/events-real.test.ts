/**
 * Property: over the real service, a real Temporal server and real workers, a follower hears of every photo and of the end
 * across a restart of the API; `Prefer: wait` answers when the work has ended; a batch that was written down but never
 * started is started by the same request sent again.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApp } from '../../src/api/app.ts';
import { letGo, openHouse } from '../../src/api/house.ts';
import { listen } from '../../src/api/server.ts';
import { batchCreatedSchema, batchSchema } from '../../src/contracts/http-batches.ts';
import {
  batchAcceptedSchema,
  batchStatusSchema,
  taskAcceptedSchema,
  taskStatusSchema,
} from '../../src/contracts/http.ts';
import { EventReader } from './support/event-reader.ts';
import { jpeg, png } from './support/photos.ts';
import { openRealHouse, send, type RealHouse } from './support/real-house.ts';
import { answered, form, post } from './support/running-api.ts';

let house: RealHouse;
let photo: Buffer;
let broken: Buffer;
beforeAll(async () => {
  photo = await jpeg();
  broken = await png(5, 7);
  house = await openRealHouse();
  house.engine.broken = broken;
});
afterAll(() => house.close());

async function submit(...contents: Buffer[]): Promise<string> {
  const files = contents.map((content, index) => [content, `${index}.jpg`] as const);
  const response = await post(`${house.api.url}/api/v1/enhance/batch`, form('files', ...files));
  return (await answered(response, batchAcceptedSchema)).batch_task_id;
}

it('tells of every photo and of the end, across a restart', async () => {
  house.engine.ms = 2000;
  const batchId = await submit(photo, photo, broken, photo, photo, photo, photo, photo);
  const replicaHouse = openHouse(house.api.house);
  const replica = await listen(createApp(replicaHouse), replicaHouse.config, () => letGo(replicaHouse));
  const reader = await EventReader.open(`${replica.url}/api/v1/batches/${batchId}/events`);
  await reader.until(() => reader.wasTold('processing'));
  await reader.until(() => reader.all('progress').some(({ completed }) => completed > 0));
  await replica.close();
  await reader.until(({ ending }) => ending !== undefined);
  expect(reader.ending).toBe('ended');

  const headers = { 'last-event-id': reader.lastEventId ?? '' };
  const back = await EventReader.open(`${house.api.url}/api/v1/batches/${batchId}/events`, headers);
  await back.until(({ ending }) => ending !== undefined);
  const told = new Map([...reader.photos(), ...back.photos()]);
  expect([...told].sort(([left], [right]) => left - right)).toEqual(
    Array.from({ length: 8 }, (_, index) => [index, index === 2 ? 'failed' : 'completed']),
  );
  expect(back.all('end')).toMatchObject([{ state: 'partial_completed', completed: 7, failed: 1 }]);
  const last = { 'last-event-id': back.lastEventId ?? '' };
  expect((await EventReader.open(`${house.api.url}/api/v1/batches/${batchId}/events`, last)).status).toBe(204);

  // Taken up again, there is something to follow again.
  await send('POST', `${house.api.url}/api/v1/batches/${batchId}/retry`);
  const again = await EventReader.open(`${house.api.url}/api/v1/batches/${batchId}/events`, last);
  await again.until(({ ending }) => ending === 'ended');
  expect(again.photos().get(2)).toBe('failed');
  expect(again.all('end')).toHaveLength(1);
});

it('says of a cancelled batch which photos were given up', async () => {
  house.engine.ms = 30_000;
  const batchId = await submit(photo, photo);
  const reader = await EventReader.open(`${house.api.url}/api/v1/batches/${batchId}/events`);
  await reader.until(() => reader.wasTold('processing'));
  await send('POST', `${house.api.url}/api/v1/batches/${batchId}/cancel`);
  await reader.until(({ ending }) => ending === 'ended');
  expect(reader.all('end')).toMatchObject([{ state: 'cancelled' }]);
  expect([...reader.photos().values()]).not.toContain('processing');
});

it('answers a caller that prefers to wait when the work has ended', async () => {
  house.engine.ms = 300;
  const prefer = (seconds: number) => ({ headers: { prefer: `respond-async, wait=${seconds}` } });
  const one = await post(`${house.api.url}/api/v1/enhance`, form('file', [photo, 'a.jpg']), prefer(50));
  expect(one.headers.get('preference-applied')).toBe('wait=50');
  const task = await answered(one, taskAcceptedSchema);
  expect(task).toMatchObject({ status: 'completed', result_url: `/api/v1/download/${task.task_id}` });
  const many = await post(
    `${house.api.url}/api/v1/enhance/batch`,
    form('files', [photo, 'a.jpg'], [broken, 'b.png']),
    prefer(50),
  );
  expect(await answered(many, batchAcceptedSchema)).toMatchObject({
    status: 'partial_completed',
    completed_files: 1,
    failed_files: 1,
  });

  house.engine.ms = 1500;
  const batchId = await submit(photo, photo);
  const status = await fetch(`${house.api.url}/api/v1/status/${batchId}.0`, prefer(50));
  expect(await answered(status, taskStatusSchema)).toMatchObject({ status: 'completed' });
  const whole = await fetch(`${house.api.url}/api/v1/batch/status/${batchId}`, prefer(50));
  expect(await answered(whole, batchStatusSchema)).toMatchObject({ status: 'completed', completed_files: 2 });
  const ended = await fetch(`${house.api.url}/api/v1/batches/${batchId}`, prefer(50));
  expect(await answered(ended, batchSchema)).toMatchObject({ state: 'completed' });
});

it('answers it as things are when its time is over, and one that does not say so at once', async () => {
  house.engine.ms = 6000;
  const since = Date.now();
  const batch = await send('POST', `${house.api.url}/api/v1/batches`, { open: true });
  const { batch_id: open } = await answered(batch, batchCreatedSchema);
  for (const prefer of ['wait=0', 'wait=soon', 'return=minimal', '']) {
    const response = await fetch(`${house.api.url}/api/v1/batches/${open}`, { headers: { prefer } });
    expect(response.headers.get('preference-applied'), prefer).toBeNull();
    await answered(response, batchSchema);
  }
  const waited = await fetch(`${house.api.url}/api/v1/batches/${open}`, { headers: { prefer: 'wait=1' } });
  expect(await answered(waited, batchSchema)).toMatchObject({ open: true });
  expect(Date.now() - since).toBeGreaterThanOrEqual(1000);
  const long = fetch(`${house.api.url}/api/v1/batches/${open}`, { headers: { prefer: 'wait=100000' } });
  await send('POST', `${house.api.url}/api/v1/batches/${open}/seal`);
  const response = await long;
  expect(response.headers.get('preference-applied')).toBe('wait=60');
  expect(await answered(response, batchSchema)).toMatchObject({ state: 'completed' });
});

it('starts a batch that was written down and never started when the same request comes again', async () => {
  house.engine.ms = 0;
  const { service, store } = house.api;
  const key = { headers: { 'idempotency-key': 'broke off', prefer: 'wait=50' } };
  // The first try dies between the journal and Temporal: what it wrote is there, its answer is not.
  const submitReal = service.submit;
  service.submit = async (batch) => {
    const { photos, tags: _tags, ...described } = batch;
    const kilopixels = photos.reduce((sum, { kilopixels }) => sum + kilopixels, 0);
    const header = {
      ...described,
      destination: { kind: 'store' as const },
      open: false,
      createdAt: Date.now(),
      priority: 3,
    };
    await house.api.journal.createBatch({ ...header, total: photos.length, kilopixels }, photos);
    throw new Error('the process died here');
  };
  const first = await post(`${house.api.url}/api/v1/enhance`, form('file', [photo, 'a.jpg']), key);
  expect(first.status).toBe(500);
  service.submit = submitReal;
  const second = await answered(
    await post(`${house.api.url}/api/v1/enhance`, form('file', [photo, 'a.jpg']), key),
    taskAcceptedSchema,
  );
  expect(second.status).toBe('completed');
  const third = await answered(
    await post(`${house.api.url}/api/v1/enhance`, form('file', [photo, 'a.jpg']), key),
    taskAcceptedSchema,
  );
  expect(third.task_id).toBe(second.task_id);
  const uploads = (await house.api.files()).filter((path) => path.includes(`${second.operation_id}/uploads/`));
  expect(uploads).toHaveLength(1);
  expect(await store.list('idempotency')).toHaveLength(1);
});
