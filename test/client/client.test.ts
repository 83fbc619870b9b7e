/**
 * Property: the client submits a folder, follows and downloads over connections that break at every turn, and what comes out
 * is what came in: each photo once, every event, the same bytes; what the API refuses it throws, in the API's words.
 */
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ApiError, DarkroomClient, type BatchEvent } from '../../src/client/index.ts';
import { openRealHouse, type RealHouse } from '../api/support/real-house.ts';

let house: RealHouse;
let folder: string;
let breaksAt: (request: string) => 'before' | 'in the answer' | undefined;
const asked: string[] = [];

beforeAll(async () => {
  house = await openRealHouse();
  folder = await mkdtemp(join(tmpdir(), 'darkroom-client-'));
  await mkdir(join(folder, 'photos/holiday'), { recursive: true });
  for (const [at, name] of ['a.jpg', 'b.jpg', 'holiday/c.jpg'].entries()) {
    const photo = sharp({ create: { width: 20 + at, height: 16, channels: 3, background: '#357' } });
    await photo.jpeg().toFile(join(folder, 'photos', name));
  }
  await writeFile(join(folder, 'photos/notes.txt'), 'no photo');
});
afterAll(async () => {
  await house?.close();
  await rm(folder, { recursive: true, force: true });
});
afterEach(() => asked.splice(0));

/** A network that loses requests before they arrive, and answers in the middle of them. */
const network: typeof fetch = async (address, init) => {
  const request = `${init?.method ?? 'GET'} ${new URL(address instanceof Request ? address.url : address).pathname}`;
  asked.push(request);
  const how = breaksAt(request);
  if (how === 'before') throw new TypeError('fetch failed');
  const answer = await fetch(address, init);
  if (how === undefined || !answer.body) return answer;
  const reader = answer.body.getReader();
  let pieces = 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value } = await reader.read();
      pieces += 1;
      if (value === undefined || pieces > 1) {
        await reader.cancel();
        controller.error(new TypeError('terminated'));
      } else controller.enqueue(value.subarray(0, Math.max(1, Math.floor(value.length / 2))));
    },
  });
  return new Response(body, { status: answer.status, headers: answer.headers });
};

const client = () => new DarkroomClient({ url: house.api.url, fetch: network });
const times = (request: RegExp): number => asked.filter((line) => request.test(line)).length;

async function eventsOf(batchId: string): Promise<BatchEvent[]> {
  const events: BatchEvent[] = [];
  for await (const event of client().follow(batchId)) events.push(event);
  return events;
}

it('submits a folder, follows it and downloads it', async () => {
  breaksAt = () => undefined;
  house.engine.ms = 100;
  const batch = await client().submitFolder(join(folder, 'photos'), {
    options: { quality_level: 'fast' },
    tags: ['first'],
  });
  expect(batch).toMatchObject({ total: 3, tags: ['first'] });
  const events = await eventsOf(batch.batch_id);
  expect(events[0]?.type).toBe('snapshot');
  expect(events.at(-1)).toMatchObject({ type: 'end', data: { state: 'completed', completed: 3 } });
  const zip = join(folder, 'first.zip');
  await client().download(batch.batch_id, zip);
  const names = [];
  for await (const photo of client().photos(batch.batch_id, 'completed')) names.push(photo.filename);
  expect(names).toEqual(['a.jpg', 'b.jpg', 'c.jpg']);
  expect((await readFile(zip)).subarray(0, 2).toString()).toBe('PK');
  await expect(stat(`${zip}.part`)).rejects.toThrow();
});

it('does the same over a network that breaks, and nothing twice', async () => {
  const met = new Map<string, number>();
  // The first of every kind is lost on its way, the second in its answer.
  breaksAt = (request) => {
    const kind = request.replace(/[bu]-[\w-]+/g, '…');
    const count = (met.get(kind) ?? 0) + 1;
    met.set(kind, count);
    if (count === 1) return 'before';
    return count === 2 && /GET .*(?:events|download)/.test(kind) ? 'in the answer' : undefined;
  };
  house.engine.ms = 300;
  const before = house.started();
  const batch = await client().submitFolder(join(folder, 'photos'));
  const events = await eventsOf(batch.batch_id);
  expect(times(/events$/)).toBeGreaterThan(2);
  expect(events.at(-1)).toMatchObject({ type: 'end', data: { completed: 3, failed: 0 } });
  expect(house.started() - before).toBe(3);
  const zip = join(folder, 'second.zip');
  await client().download(batch.batch_id, zip);
  expect(times(/download/)).toBe(3);
  const whole = await fetch(`${house.api.url}/api/v1/batch/download/${batch.batch_id}`);
  expect(await readFile(zip)).toEqual(Buffer.from(await whole.arrayBuffer()));
});

it('controls a batch, and undoes it', async () => {
  breaksAt = () => undefined;
  house.engine.ms = 10_000;
  const { batch_id: id } = await client().submitFolder(join(folder, 'photos'), { max_workers: 1 });
  expect(await client().pause(id)).toMatchObject({ changed: true, state: 'paused' });
  expect(await client().change(id, { max_workers: 2, priority: 1 })).toMatchObject({ max_workers: 2, priority: 1 });
  expect(await client().resume(id)).toMatchObject({ action: 'resumed' });
  house.engine.ms = 0;
  await client().cancel(id);
  for await (const { type } of client().follow(id)) if (type === 'end') break;
  expect(await client().rollBack(id)).toMatchObject({ created: true });
});

it('adds photos to an open batch, once however often it has to be said, and seals it', async () => {
  breaksAt = (request) => (request.endsWith('/photos') && times(/\/photos$/) === 1 ? 'in the answer' : undefined);
  const darkroom = client();
  const { batch_id: batchId } = await darkroom.submit({ open: true });
  const ids = [await darkroom.upload('a.jpg', new Blob([await readFile(join(folder, 'photos/a.jpg'))]))];
  expect(await darkroom.addPhotos(batchId, { upload_ids: ids })).toMatchObject({ from: 0, count: 1 });
  expect(times(/\/photos$/)).toBe(2);
  const inside = { kind: 'urls' as const, urls: ['http://10.0.0.1/x.jpg'] };
  await expect(darkroom.addPhotos(batchId, { source: inside })).rejects.toMatchObject({
    problem: { code: 'url_not_allowed' },
  });
  expect(await darkroom.seal(batchId)).toMatchObject({ changed: true, open: false });
  for await (const { type, data } of darkroom.follow(batchId)) if (type === 'end') expect(data.completed).toBe(1);
});

it('throws what the API refuses, with its code, and stops when it is told to', async () => {
  breaksAt = () => undefined;
  const failure = await client()
    .submit({ source: { kind: 'folder', path: '/etc' } })
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ApiError);
  expect(failure).toMatchObject({ status: 400, problem: { code: 'invalid_request' } });
  await expect(client().batch('b-20200101-000000-aaaaaaaaaa')).rejects.toMatchObject({ status: 404 });
  const stop = new AbortController();
  const stopped = new DarkroomClient({ url: house.api.url, signal: stop.signal, fetch: network });
  breaksAt = () => 'before';
  const waiting = stopped.batch('b-20200101-000000-aaaaaaaaaa');
  setTimeout(() => stop.abort(new Error('told to stop')), 50);
  await expect(waiting).rejects.toThrow('told to stop');
});
