/**
 * Property: a batch tells how it ended, signed and by event, through a workflow of its own: a receiver that fails, hangs, or
 * answers without end is tried a bounded number of times, and neither a photo nor a cancel ever waits for it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { batchControlledSchema, batchCreatedSchema } from '../../src/contracts/http-batches.ts';
import { webhookListSchema, webhookReplayedSchema } from '../../src/contracts/http-webhooks.ts';
import { DELIVER_WEBHOOK, TELL_PHOTOS } from '../../src/contracts/webhooks.ts';
import { replayHistories } from '../support/histories.ts';
import { jpeg } from './support/photos.ts';
import { openRealHouse, send, type RealHouse } from './support/real-house.ts';
import { answered, eventually, form, post, refused } from './support/running-api.ts';

const OPEN = '127.0.0.2';
const PHOTOS_A_FORM = 20;
const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const [first, second] = [1, 2].map((fill) => `whsec_${Buffer.alloc(24, fill).toString('base64')}`);
const SETTINGS = {
  OUTGOING_RANGES: `${OPEN}/32`,
  WEBHOOK_SECRETS: `${first},${second}`,
  WEBHOOK_ATTEMPTS: '3',
  WEBHOOK_RETRY_MS: '100',
  WEBHOOK_TIMEOUT_MS: '1500',
};

interface Message {
  readonly type: string;
  readonly data: { batch_id: string; photos?: { task_id: string }[] };
}

interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

let house: RealHouse;
let receiver: string;
let photo: Buffer;
let received: Received[] = [];
/** `time` counts the attempts at this message, from 1. */
let answer: (response: ServerResponse, time: number) => void;
const server = createServer((request, response) => {
  void (async () => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    received.push({ headers: request.headers, body });
    const id = request.headers['webhook-id'];
    answer(response, received.filter(({ headers }) => headers['webhook-id'] === id).length);
  })();
});

beforeAll(async () => {
  [house, photo] = await Promise.all([openRealHouse(SETTINGS), jpeg()]);
  await new Promise<void>((resolve) => server.listen(0, OPEN, resolve));
  receiver = `http://${OPEN}:${(server.address() as AddressInfo).port}/hook`;
});
afterAll(async () => {
  server.closeAllConnections();
  await Promise.all([house.close(), new Promise((resolve) => server.close(resolve))]);
});
beforeEach(() => {
  received = [];
  answer = (response) => response.end('thanks');
  Object.assign(house.engine, { ms: 0, broken: undefined });
});

const order = (body: object) => send('POST', `${house.api.url}/api/v1/batches`, body);
const at = (id: string, rest = '') => `${house.api.url}/api/v1/batches/${id}${rest}`;
const deliveries = async (id: string) =>
  (await answered(await fetch(at(id, '/webhooks')), webhookListSchema)).deliveries;

/** An open batch of one photo, or of these, sealed: it ends by itself. */
async function batchTelling(webhook: object, photos: readonly Buffer[] = [photo]): Promise<string> {
  const { batch_id: id } = await answered(await order({ open: true, webhook }), batchCreatedSchema);
  for (let from = 0; from < photos.length; from += PHOTOS_A_FORM) {
    const some = photos.slice(from, from + PHOTOS_A_FORM);
    const files = some.map((content, place): [Buffer, string] => [content, `${from + place}.jpg`]);
    await post(at(id, '/photos'), form('files', ...files));
  }
  await send('POST', at(id, '/seal'));
  return id;
}
const ended = (id: string) => eventually(async () => expect((await house.api.service.view(id))?.open).toBe(false));

/** Messages of other batches may still be under way. */
const messagesOf = (id: string) =>
  received
    .map(({ headers, body }) => ({ headers, ...(JSON.parse(body) as Message) }))
    .filter(({ data }) => data.batch_id === id);

describe('a webhook', () => {
  it('is told how the batch ended, once, under a signature that can be verified', async () => {
    const id = await batchTelling({ url: receiver, secret });
    await eventually(() => expect(received.length).toBe(1));
    const [{ headers, body }] = received as [Received];
    const verified = new Webhook(secret).verify(body, headers as Record<string, string>);
    expect(verified).toMatchObject({
      type: 'batch.completed',
      data: { batch_id: id, status: 'completed', total: 1, completed: 1, failed: 0 },
    });
    expect(() => new Webhook(first ?? '').verify(body, headers as Record<string, string>)).toThrow(/signature/);
    await eventually(async () =>
      expect(await deliveries(id)).toMatchObject([
        {
          delivery_id: headers['webhook-id'],
          event: 'batch.completed',
          state: 'delivered',
          attempts: [{ status: 200 }],
        },
      ]),
    );
    // The secret is in no answer.
    for (const path of ['', '/webhooks', '/photos'])
      expect(await (await fetch(at(id, path))).text()).not.toContain('whsec');
  });

  it('is signed with every secret of the server, so that one can be replaced', async () => {
    await batchTelling({ url: receiver });
    await eventually(() => expect(received.length).toBe(1));
    const [{ headers, body }] = received as [Received];
    for (const key of [first, second]) new Webhook(key ?? '').verify(body, headers as Record<string, string>);
  });

  it('is told of the events it asked for, and of no other', async () => {
    const quiet = await batchTelling({ url: receiver, events: ['batch.failed', 'batch.cancelled'] });
    await ended(quiet);
    house.engine.broken = photo;
    const failing = await batchTelling({ url: receiver, events: ['batch.failed', 'batch.cancelled'] });
    await eventually(() => expect(received.length).toBe(1));
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({ type: 'batch.failed', data: { batch_id: failing } });
    expect(await deliveries(quiet)).toEqual([]);
  });

  it('[49] that fails is tried so often and no more, then can be sent again with the same bytes', async () => {
    answer = (response) => response.writeHead(500).end();
    const id = await batchTelling({ url: receiver, secret });
    await ended(id);
    await eventually(async () => expect((await deliveries(id))[0]?.state).toBe('given_up'));
    const [failed] = await deliveries(id);
    expect(failed?.attempts.map(({ status, outcome }) => [status, outcome])).toEqual([
      [500, 'retrying'],
      [500, 'retrying'],
      [500, 'given_up'],
    ]);
    answer = (response) => response.writeHead(204).end();
    const replay = at(id, `/webhooks/${failed?.delivery_id}/replay`);
    await eventually(async () =>
      expect(await answered(await send('POST', replay), webhookReplayedSchema)).toMatchObject({ started: true }),
    );
    await eventually(async () => expect((await deliveries(id))[0]?.state).toBe('delivered'));
    expect(received.length).toBe(4);
    expect(new Set(received.map(({ body, headers }) => `${body} ${headers['webhook-id'] as string}`)).size).toBe(1);
    await refused(await send('POST', at(id, '/webhooks/msg_unknown/replay')), 'not_found');
  });

  it('[49] that is gone, or leads elsewhere, is not asked twice', async () => {
    answer = (response) => response.writeHead(410).end();
    const gone = await batchTelling({ url: receiver, secret });
    await eventually(async () => expect((await deliveries(gone))[0]?.state).toBe('given_up'));
    // Whatever the log says: only when its workflow has ended is it certain that nobody asks again.
    const [{ delivery_id: message } = { delivery_id: '' }] = await deliveries(gone);
    expect(await house.env.client.workflow.getHandle(`${gone}.${message}`).result()).toEqual({ delivered: false });
    expect(received.length).toBe(1);
    received = [];
    answer = (response, time) => response.writeHead(time === 1 ? 302 : 200, { location: receiver }).end();
    const moved = await batchTelling({ url: receiver, secret });
    await eventually(async () => expect((await deliveries(moved))[0]?.state).toBe('delivered'));
    expect((await deliveries(moved))[0]?.attempts.map(({ status }) => status)).toEqual([302, 200]); // never followed
  });

  it('[49] that hangs or answers without end delays neither the next photo nor a cancel', async () => {
    answer = (response, time) => {
      if (time % 2 === 1) return; // silent
      response.on('error', () => undefined);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(1024 * 1024)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    };
    const hanging = await Promise.all([1, 2, 3, 4].map(() => batchTelling({ url: receiver, secret })));
    const startedAt = Date.now();
    await Promise.all(hanging.map((id) => ended(id)));
    expect(Date.now() - startedAt).toBeLessThan(3000);
    house.engine.ms = 30_000;
    const long = await batchTelling({ url: receiver, secret });
    await eventually(async () => expect((await house.api.service.view(long))?.total).toBe(1));
    const before = Date.now();
    const cancelled = await answered(await send('POST', at(long, '/cancel')), batchControlledSchema);
    expect(cancelled.state).toBe('cancelled');
    expect(Date.now() - before).toBeLessThan(3000);
    for (const id of hanging) {
      await eventually(async () => expect((await deliveries(id))[0]?.state).not.toBe('pending'));
    }
  });

  it('is told of a rollback, of the whole batch or of chosen photos, once each time', async () => {
    const events = ['batch.rolled_back'];
    const id = await batchTelling({ url: receiver, events });
    await ended(id);
    const rollBack = (body: object) => send('POST', `${house.api.url}/api/rollback`, body);
    const chosen = await answered(
      await rollBack({ operation_id: id, task_ids: [`${id}.0`] }),
      z.looseObject({ operation_id: z.string() }),
    );
    await eventually(() => expect(messagesOf(id).length).toBe(1));
    await rollBack({ operation_id: id, task_ids: [`${id}.0`] });
    await rollBack({ operation_id: id });
    await eventually(() => expect(messagesOf(id).length).toBe(2));
    const [first, whole] = messagesOf(id);
    expect(first).toMatchObject({
      type: 'batch.rolled_back',
      data: { batch_id: id, operation_id: chosen.operation_id, whole_batch: false, status: 'completed', undone: 1 },
    });
    expect(whole).toMatchObject({ data: { batch_id: id, whole_batch: true, failed: 0 } });
  });

  it('[48] inside is refused with the order, and so is one that nobody could verify', async () => {
    const from = new Date().toISOString();
    for (const url of [
      'http://127.0.0.1:9/',
      'http://[::ffff:10.0.0.1]/',
      'file:///etc/passwd',
      'http://a:b@8.8.8.8/',
    ]) {
      await refused(await order({ open: true, webhook: { url, secret } }), 'url_not_allowed');
    }
    await refused(await order({ open: true, webhook: { url: receiver, secret: 'short' } }), 'invalid_request');
    await refused(await order({ open: true, webhook: { url: receiver, events: [] } }), 'invalid_request');
    // What an earlier test had to tell may come only now.
    const told = received.map(({ body }) => JSON.parse(body) as { timestamp: string });
    expect(told.filter(({ timestamp }) => timestamp >= from)).toEqual([]);
  });
});

describe('a webhook that asked for photos', () => {
  const PHOTOS = ['photo.completed', 'photo.failed', 'batch.partial_completed'];

  it('is told of each as it is done, by event, and of none twice', async () => {
    const id = await batchTelling({ url: receiver, events: ['photo.completed'] }, [photo]);
    await eventually(() => expect(photosTold(id, 'photo.completed').length).toBe(1));
    expect(photosTold(id, 'photo.completed')[0]).toMatchObject({
      task_id: `${id}.0`,
      filename: '0.jpg',
      status: 'completed',
      round: 0,
      result_url: `/api/v1/download/${id}.0`,
      error: null,
    });
    await photosAreAllTold(id);
    expect(messagesOf(id).length).toBe(1); // of the end it did not ask to be told
    expect(photosTold(id, 'photo.completed').length).toBe(1);
  });

  it('is told of failures with their code, and of a photo again when it was done again', async () => {
    house.engine.broken = photo;
    const id = await batchTelling({ url: receiver, events: PHOTOS }, [photo, await jpeg(20, 20)]);
    await photosAreAllTold(id);
    await eventually(() => expect(messagesOf(id).length).toBe(3));
    expect(photosTold(id, 'photo.failed')).toMatchObject([
      { task_id: `${id}.0`, status: 'failed', error_code: 'image_unreadable', result_url: null, round: 0 },
    ]);
    expect(photosTold(id, 'photo.completed')).toMatchObject([{ task_id: `${id}.1`, index: 1 }]);
    house.engine.broken = undefined;
    received = [];
    const retried = await send('POST', at(id, '/retry'));
    expect(await answered(retried, z.looseObject({}))).toMatchObject({ action: 'retrying' });
    await eventually(() => expect(photosTold(id, 'photo.completed')).toMatchObject([{ task_id: `${id}.0`, round: 1 }]));
    await photosAreAllTold(id);
    expect([...photosTold(id, 'photo.completed'), ...photosTold(id, 'photo.failed')].length).toBe(1);
  });

  it('is told of hundreds in a few messages, each of which can be sent again', async () => {
    const many = 130;
    const id = await batchTelling(
      { url: receiver, events: PHOTOS },
      Array.from({ length: many }, () => photo),
    );
    await photosAreAllTold(id);
    await eventually(() =>
      expect(new Set(photosTold(id, 'photo.completed').map(({ task_id }) => task_id)).size).toBe(many),
    );
    expect(photosTold(id, 'photo.completed').length).toBe(many);
    expect(messagesOf(id).length).toBeLessThan(many / 4);
    const all = await deliveries(id);
    const pages = await answered(await fetch(at(id, '/webhooks?limit=1')), webhookListSchema);
    expect(pages).toMatchObject({ deliveries: [{ delivery_id: all[0]?.delivery_id }], next_cursor: '1' });
    await eventually(async () => expect((await deliveries(id))[0]?.state).toBe('delivered'));
    received = [];
    await answered(await send('POST', at(id, `/webhooks/${all[0]?.delivery_id}/replay`)), webhookReplayedSchema);
    await eventually(() =>
      expect(messagesOf(id).map(({ headers }) => headers['webhook-id'])).toEqual([all[0]?.delivery_id]),
    );
  });

  it('[49] and hangs delays no photo and no cancel', async () => {
    const photos = Array.from({ length: 20 }, () => photo);
    const took = async (events: string[]): Promise<number> => {
      const startedAt = Date.now();
      await ended(await batchTelling({ url: receiver, events }, photos));
      return Date.now() - startedAt;
    };
    house.engine.ms = 50;
    const quiet = await took(['batch.failed']);
    answer = () => undefined; // silent
    const hanging = await took(PHOTOS);
    expect(hanging).toBeLessThan(1.5 * quiet + 1000); // one try alone would take 1.5 s
    house.engine.ms = 30_000;
    const long = await batchTelling({ url: receiver, events: PHOTOS }, [photo]);
    await eventually(async () => expect((await house.api.service.view(long))?.total).toBe(1));
    const before = Date.now();
    await answered(await send('POST', at(long, '/cancel')), batchControlledSchema);
    expect(Date.now() - before).toBeLessThan(3000);
  });

  const photosAreAllTold = async (id: string): Promise<void> => {
    await house.env.client.workflow.getHandle(id).result();
    await house.env.client.workflow.getHandle(`${id}.photos`).result();
  };
  const photosTold = (id: string, event: string) =>
    messagesOf(id).flatMap(({ type, data }) => (type === event ? (data.photos ?? []) : []));
});

it('replays every history this file made', async () => {
  const name = () => 'a webhook is delivered or given up';
  expect(await replayHistories(house.env, DELIVER_WEBHOOK, name)).toBeGreaterThan(8);
  expect(await replayHistories(house.env, TELL_PHOTOS, () => 'photos are told of')).toBeGreaterThan(4);
});
