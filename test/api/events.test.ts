/**
 * Property: whoever follows a batch is told of every photo that settles and of the end, however often it is cut off, whichever
 * server it comes back to and however slowly it reads; and nobody who follows costs more than a connection.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../src/api/app.ts';
import { letGo, openHouse } from '../../src/api/house.ts';
import { listen, type ListeningServer } from '../../src/api/server.ts';
import { makeHeader, makeRecord, newBatchId } from '../support/journal-fixtures.ts';
import { openHandles } from './support/open-handles.ts';
import { EventReader } from './support/event-reader.ts';
import { eventually, refused, startApi, type RunningApi } from './support/running-api.ts';

const CONTENT = Buffer.from('enhanced');

let api: RunningApi;
beforeEach(async () => {
  api = await startApi({ EVENT_HEARTBEAT_MS: '300' });
});
afterEach(() => api.close());

async function makeBatch(
  total: number,
  change: { name?: string; open?: boolean; tenant?: string } = {},
): Promise<string> {
  const { name = 'photo', open = false, tenant = 'local' } = change;
  const photos = Array.from({ length: total }, (_, index) => makeRecord(index, { name: `${name}-${index}.jpg` }));
  const { tags: _tags, ...header } = makeHeader(newBatchId(), total, { open, tenant });
  return (await api.service.submit({ ...header, photos })).batchId;
}

const address = (batchId: string, url = api.url): string => `${url}/api/v1/batches/${batchId}/events`;
const follow = (batchId: string, lastEventId?: string, url?: string): Promise<EventReader> =>
  EventReader.open(address(batchId, url), lastEventId === undefined ? {} : { 'last-event-id': lastEventId });

/** Another server over the same store and journal, as a second replica or the next life of this one. */
async function startReplica(): Promise<ListeningServer> {
  const house = openHouse(api.house);
  return listen(createApp(house), api.house.config, () => letGo(house));
}

describe('a stream', () => {
  it('begins with everything, tells each photo and each change, ends with the batch, and is not to be asked for again', async () => {
    const batchId = await makeBatch(3);
    await api.service.complete(batchId, 1, CONTENT);
    const reader = await follow(batchId);
    expect(reader.response.headers).toMatchObject({
      'content-type': expect.stringMatching(/^text\/event-stream/),
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    await reader.until(({ events }) => events.length > 0);
    expect(reader.retry).toBeGreaterThan(0);
    const [snapshot] = reader.all('snapshot');
    expect(snapshot).toMatchObject({ batch: { batch_id: batchId, total: 3, completed: 1 }, next_cursor: null });
    expect(snapshot?.photos.map(({ status }) => status)).toEqual(['queued', 'completed', 'queued']);

    await api.service.fail(batchId, 0, 'image_unreadable');
    await reader.until(() => reader.all('progress').length > 0);
    expect(reader.all('photo')).toMatchObject([{ index: 0, status: 'failed', error_code: 'image_unreadable' }]);
    expect(reader.all('progress').at(-1)).toMatchObject({ completed: 1, failed: 1 });
    await api.service.pause(batchId);
    await reader.until(() => reader.all('batch').some(({ state }) => state === 'paused'));

    await api.service.complete(batchId, 2, CONTENT);
    await reader.until(({ ending }) => ending !== undefined);
    expect(reader.ending).toBe('ended');
    expect(reader.events.at(-1)).toMatchObject({
      name: 'end',
      data: { state: 'partial_completed', completed: 2, failed: 1 },
    });
    expect(reader.all('photo').at(-1)).toMatchObject({ result_url: `/api/v1/download/${batchId}.2` });
    const again = await follow(batchId, reader.lastEventId);
    expect(again.status).toBe(204);
    const anew = await follow(batchId);
    await anew.until(({ ending }) => ending === 'ended');
    expect(anew.events.map(({ name }) => name)).toEqual(['snapshot', 'progress', 'end']);
  });

  it('of a batch that ended goes on when something happened since', async () => {
    const batchId = await makeBatch(2);
    for (const index of [0, 1]) await api.service.complete(batchId, index, CONTENT);
    const reader = await follow(batchId);
    await reader.until(({ ending }) => ending === 'ended');
    await api.service.removePhoto(`${batchId}.1`);
    const after = await follow(batchId, reader.lastEventId);
    await after.until(({ ending }) => ending === 'ended');
    expect(after.all('photo')).toMatchObject([{ index: 1, status: 'removed' }]);
    expect((await follow(batchId, after.lastEventId)).status).toBe(204);
  });

  it('of an open batch grows with it', async () => {
    const batchId = await makeBatch(0, { open: true });
    const reader = await follow(batchId);
    await reader.until(() => reader.all('snapshot').length === 1);
    const photo = { name: 'late.jpg', bytes: 1, original: { kind: 'upload', key: 'none' } as const, kilopixels: 1 };
    await api.service.addPhotos(batchId, { additionId: 'a-1', photos: [photo] });
    await reader.until(() => reader.all('batch').some(({ total }) => total === 1));
    await api.service.complete(batchId, 0, CONTENT);
    await reader.until(() => reader.photos().get(0) === 'completed');
    expect(reader.ending).toBeUndefined();
    await api.service.seal(batchId);
    await reader.until(({ ending }) => ending === 'ended');
  });

  it('says something while nothing happens', async () => {
    const reader = await follow(await makeBatch(1));
    await reader.until(({ comments }) => comments.length >= 2);
    reader.leave();
  });

  it('is known by what it is, not by a body, to HEAD', async () => {
    const response = await fetch(address(await makeBatch(1)), { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    await eventually(() => expect(api.house.events.counts.streams).toBe(0));
  });
});

describe('whoever comes back', () => {
  it('to another server is told exactly what settled while it was away', async () => {
    const batchId = await makeBatch(600);
    for (const index of [0, 1, 510]) await api.service.complete(batchId, index, CONTENT);
    const reader = await follow(batchId);
    await reader.until(() => reader.all('snapshot').length === 1);
    reader.leave();
    for (const index of [2, 511, 599]) await api.service.complete(batchId, index, CONTENT);
    await api.service.fail(batchId, 300, 'out_of_memory');

    const replica = await startReplica();
    const back = await follow(batchId, reader.lastEventId, replica.url);
    await back.until(() => back.all('progress').length > 0);
    expect(back.all('snapshot')).toEqual([]);
    expect(back.all('photo').map(({ index, status }) => [index, status])).toEqual([
      [2, 'completed'],
      [300, 'failed'],
      [511, 'completed'],
      [599, 'completed'],
    ]);
    await replica.close();
    await back.until(({ ending }) => ending === 'ended');
    const third = await EventReader.open(`${address(batchId)}?last_event_id=${back.lastEventId ?? ''}`);
    await third.until(() => third.all('progress').length > 0);
    expect(third.all('photo')).toEqual([]);
    third.leave();
  });

  it('[50] again and again, in the middle of everything, misses nothing', async () => {
    const total = 60;
    const batchId = await makeBatch(total);
    const told = new Map<number, string>();
    let lastEventId: string | undefined;
    let over = false;
    const work = (async () => {
      for (let index = 0; index < total; index++) {
        if (index % 9 === 0) await api.service.fail(batchId, index, 'image_unreadable');
        else await api.service.complete(batchId, index, CONTENT);
        await sleep(25);
      }
    })();
    for (let turn = 0; !over; turn++) {
      const reader = await follow(batchId, lastEventId);
      over = reader.status === 204;
      if (over) break;
      const stay = 1 + (turn % 7);
      await reader.until(({ events, ending }) => ending !== undefined || events.length >= stay);
      reader.leave();
      for (const [index, status] of reader.photos()) told.set(index, status);
      lastEventId = reader.lastEventId ?? lastEventId;
    }
    await work;
    expect(told.size).toBe(total);
    for (const [index, status] of told) expect(status, String(index)).toBe(index % 9 === 0 ? 'failed' : 'completed');
  });

  it('with an ID that is not ours begins anew', async () => {
    const batchId = await makeBatch(1);
    for (const id of ['17', 'at.queued', `at.queued.${'1-1_'.repeat(2000)}`, 'at.queued.zz-zzzzzzzzz_']) {
      const reader = await follow(batchId, id);
      await reader.until(() => reader.all('snapshot').length === 1);
      reader.leave();
    }
  });
});

describe('[50] many', () => {
  it('who follow one batch cost one look a second, no buffers, and nothing once they left', async () => {
    const batchId = await makeBatch(5);
    const looks = vi.spyOn(api.service, 'view');
    const handles = openHandles();
    const readers = await Promise.all(Array.from({ length: 100 }, () => follow(batchId)));
    await Promise.all(readers.map((reader) => reader.until(() => reader.all('snapshot').length === 1)));
    const before = looks.mock.calls.length;
    const since = Date.now();
    for (const index of [0, 1, 2]) {
      await api.service.complete(batchId, index, CONTENT);
      await Promise.all(readers.map((reader) => reader.until(() => reader.photos().get(index) === 'completed')));
    }
    expect(looks.mock.calls.length - before).toBeLessThanOrEqual((Date.now() - since) / 1000 + 2);
    expect(api.house.events.counts).toEqual({ streams: 100, batches: 1 });
    for (const reader of readers) reader.leave();
    await eventually(() => {
      expect(api.house.events.counts).toEqual({ streams: 0, batches: 0 });
      expect(openHandles()).toBeLessThanOrEqual(handles + 5);
    });
  });

  it('are bounded for each tenant and for all', async () => {
    const small = await startApi({
      API_KEYS: 'one,two,three',
      EVENT_STREAMS_PER_TENANT: '2',
      EVENT_STREAMS_MAX: '3',
    });
    try {
      const asKey = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });
      const batches = new Map<string, string>();
      for (const key of ['one', 'two']) {
        const order = { method: 'POST', body: '{"open":true}' };
        const headers = { ...asKey(key).headers, 'content-type': 'application/json' };
        const response = await fetch(`${small.url}/api/v1/batches`, { ...order, headers });
        batches.set(key, ((await response.json()) as { batch_id: string }).batch_id);
      }
      const url = (key: string): string => address(batches.get(key) ?? '', small.url);
      const readers = [];
      for (let turn = 0; turn < 2; turn++) readers.push(await EventReader.open(url('one'), asKey('one').headers));
      const tooMany = await fetch(url('one'), asKey('one'));
      expect(tooMany.headers.get('retry-after')).toMatch(/^\d+$/);
      await refused(tooMany, 'too_many_streams');
      readers.push(await EventReader.open(url('two'), asKey('two').headers));
      const exhausted = await fetch(url('two'), asKey('two'));
      expect(exhausted.headers.get('retry-after')).toMatch(/^\d+$/);
      await refused(exhausted, 'streams_exhausted');
      await refused(await fetch(url('one'), asKey('three')), 'not_found');
      readers[0]?.leave();
      await eventually(() => expect(small.house.events.counts.streams).toBe(2));
      const next = await EventReader.open(url('one'), asKey('one').headers);
      expect(next.status).toBe(200);
      for (const reader of [...readers, next]) reader.leave();
    } finally {
      await small.close();
    }
  });
});

it('who come back at once are told from one reading, within few file handles', async () => {
  const batchId = await makeBatch(60);
  const first = await follow(batchId);
  await first.until(() => first.all('snapshot').length === 1);
  first.leave();
  for (let index = 0; index < 40; index++) await api.service.fail(batchId, index, 'image_unreadable');
  const reads = vi.spyOn(api.service, 'photosAt');
  const readers = await Promise.all(Array.from({ length: 200 }, () => follow(batchId, first.lastEventId)));
  await Promise.all(readers.map((reader) => reader.until(() => reader.photos().size === 40)));
  expect(reads.mock.calls.filter(([, indexes]) => indexes.length > 0).length).toBeLessThan(10);
  for (const reader of readers) reader.leave();
});

describe('[50] a slow reader', () => {
  /** Sends the request and reads nothing. */
  async function connectAndWait(batchId: string): Promise<ReturnType<typeof connect>> {
    const socket = connect(api.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.pause();
    socket.write(`GET /api/v1/batches/${batchId}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    return socket;
  }

  it('is queued nothing, is told everything when it reads, and does not hold up the others', async () => {
    await api.close();
    api = await startApi();
    const total = 300;
    const batchId = await makeBatch(total, { name: 'x'.repeat(40_000) });
    const quick = await follow(batchId);
    const slow = await follow(batchId);
    await slow.until(() => slow.all('snapshot').length === 1);
    slow.response.pause();
    // Twelve megabytes in all: more than the sockets of both sides take.
    for (let start = 0; start < total; start += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (_, at) => api.service.fail(batchId, start + at, 'image_unreadable')),
      );
    }
    await quick.until(({ ending }) => ending === 'ended');
    expect(quick.photos().size).toBe(total);
    expect(slow.ending).toBeUndefined();
    expect(slow.photos().size).toBeLessThan(total);
    slow.response.resume();
    await slow.until(({ ending }) => ending === 'ended');
    expect(slow.photos().size).toBe(total);
    expect([...slow.photos().values()].every((status) => status === 'failed')).toBe(true);
    expect(slow.events.at(-1)?.name).toBe('end');
  });

  it('who never reads is cut off, and its connection is given back', async () => {
    const batchId = await makeBatch(400, { name: 'x'.repeat(15_000) });
    const handles = openHandles();
    const sockets = await Promise.all(Array.from({ length: 5 }, () => connectAndWait(batchId)));
    await eventually(() => expect(api.house.events.counts.streams).toBe(5));
    await Promise.all(Array.from({ length: 400 }, (_, index) => api.service.fail(batchId, index, 'image_unreadable')));
    await eventually(() => expect(api.house.events.counts.streams).toBe(0));
    for (const socket of sockets) socket.destroy();
    await eventually(() => expect(openHandles()).toBeLessThanOrEqual(handles));
  });
});

it('ends between two events when the server stops, and takes nobody new', async () => {
  const batchId = await makeBatch(2);
  const reader = await follow(batchId);
  await reader.until(() => reader.all('snapshot').length === 1);
  const stopped = api.stop();
  await reader.until(({ ending }) => ending !== undefined);
  expect(reader.ending).toBe('ended');
  await stopped;
  const replica = await startReplica();
  await api.service.complete(batchId, 0, CONTENT);
  const back = await follow(batchId, reader.lastEventId, replica.url);
  await back.until(() => back.photos().get(0) === 'completed');
  await replica.close();
});

it('goes on after a look that failed, and loses nothing of it', async () => {
  const batchId = await makeBatch(2);
  const reader = await follow(batchId);
  await reader.until(() => reader.all('snapshot').length === 1);
  const read = vi.spyOn(api.service, 'photosAt').mockRejectedValueOnce(new Error('the disk hiccupped'));
  await api.service.complete(batchId, 0, CONTENT);
  await reader.until(() => reader.photos().get(0) === 'completed');
  expect(read.mock.results[0]?.type).toBe('return');
  expect(reader.ending).toBeUndefined();
  reader.leave();
});

it('answers what is not the caller’s batch with 404', async () => {
  await refused(await fetch(address('b-20261122-120934-k7m2x9qfab')), 'not_found');
  await refused(await fetch(address(await makeBatch(1, { tenant: 'someone else' }))), 'not_found');
  expect(api.house.events.counts).toEqual({ streams: 0, batches: 0 });
});
