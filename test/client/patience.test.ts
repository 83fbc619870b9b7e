/** Property: a client whose tenant may ask no more for now comes back when the server says, at every kind of call, and goes on. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DarkroomClient } from '../../src/client/index.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ID = 'b-20261122-120934-k7m2x9qfab';
const WINDOW_SECONDS = 60;

/** A server that answers one call in a minute, and tells all others when to come again. */
function oneCallAMinute(answer: (init: RequestInit | undefined) => Response) {
  const told: number[] = [];
  let free = Date.now();
  const ask: typeof fetch = (_address, init) => {
    const now = Date.now();
    if (now < free) {
      const seconds = Math.ceil((free - now) / 1000);
      told.push(seconds);
      return Promise.resolve(new Response(null, { status: 429, headers: { 'retry-after': String(seconds) } }));
    }
    free = now + WINDOW_SECONDS * 1000;
    return Promise.resolve(answer(init));
  };
  return { client: new DarkroomClient({ url: 'http://api.test', fetch: ask }), told };
}

/** Lets time pass until it is done. */
async function finish<T>(work: Promise<T>): Promise<T> {
  const settled = { done: false };
  const ended = work.finally(() => (settled.done = true));
  ended.catch(() => undefined);
  while (!settled.done) await vi.advanceTimersByTimeAsync(1000);
  return ended;
}

it('asks again after a minute, and not in between', async () => {
  const { client, told } = oneCallAMinute(() => Response.json({ batch_id: ID }));
  await finish(client.batch(ID));
  expect(await finish(client.batch(ID))).toEqual({ batch_id: ID });
  expect(told).toEqual([WINDOW_SECONDS - 1]);
});

it('goes on with an upload whose pieces were too many', async () => {
  let offset = 0;
  const { client, told } = oneCallAMinute((init) => {
    if (init?.method === 'POST')
      return new Response(null, { status: 201, headers: { location: '/api/v1/uploads/u-1' } });
    if (init?.method === 'PATCH') offset = 5;
    return new Response(null, { status: 200, headers: { 'upload-offset': String(offset) } });
  });
  expect(await finish(client.upload('a.jpg', new Blob(['photo'])))).toBe('u-1');
  expect(offset).toBe(5);
  expect(told.length).toBeGreaterThan(0);
});

it('follows a batch as soon as it may', async () => {
  const { client, told } = oneCallAMinute(() => new Response(null, { status: 204 }));
  await finish(client.follow(ID).next());
  expect(await finish(client.follow(ID).next())).toMatchObject({ done: true });
  expect(told).toEqual([WINDOW_SECONDS - 1]);
});
