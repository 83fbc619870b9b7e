/**
 * Property: each photo that has settled is told of once a round, in groups, whatever breaks in between: what an attempt wrote
 * down before it died is what the next one sends.
 */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createAnnounceActivities } from '../../src/activities/announce-photos.ts';
import { parseConfig } from '../../src/contracts/config.ts';
import { WEBHOOK_EVENTS, type DeliverWebhookInput, type WebhookEvent } from '../../src/contracts/webhooks.ts';
import { WebhookLog } from '../../src/storage/webhook-log.ts';
import {
  completedOutcome,
  failedOutcome,
  makeHeader,
  makeRecord,
  newBatchId,
  openHouse,
} from '../support/journal-fixtures.ts';

let house: Awaited<ReturnType<typeof openHouse>>;
let log: WebhookLog;
let started: DeliverWebhookInput[];
/** Deliveries that can still be started before Temporal is away. */
let room: number;
let open: boolean;
beforeEach(async () => {
  house = await openHouse();
  log = new WebhookLog(house.store);
  started = [];
  room = Number.POSITIVE_INFINITY;
  open = true;
});
afterEach(() => house.close());

async function batchOf(total: number, events: readonly WebhookEvent[] = WEBHOOK_EVENTS): Promise<string> {
  const batchId = newBatchId();
  const webhook = { url: 'https://example.org/', events: [...events] };
  const photos = Array.from({ length: total }, (_, index) => makeRecord(index));
  await house.journal.createBatch(makeHeader(batchId, total, { webhook }), photos);
  return batchId;
}

const look = (batchId: string, round = 0) =>
  createAnnounceActivities({
    journal: house.journal,
    webhooks: log,
    config: parseConfig({}),
    now: Date.now,
    startDelivery: (input) => {
      if ((room -= 1) < 0) return Promise.reject(new Error('Temporal is away'));
      started.push(input);
      return Promise.resolve();
    },
    isOpen: () => Promise.resolve(open),
  }).announcePhotos({ batchId, pages: [{ page: 0, round }] });

/** Index and round of every photo that is told of by what was sent on its way, in order. */
async function told(batchId: string, event: WebhookEvent): Promise<string[]> {
  const seen: string[] = [];
  for (const id of new Set(started.map(({ messageId }) => messageId))) {
    const message = await log.message(batchId, id);
    if (message?.event !== event) continue;
    const { data } = JSON.parse(message.body) as { data: { photos: { index: number; round: number }[] } };
    seen.push(...data.photos.map(({ index, round }) => `${index}.${round}`));
  }
  return seen;
}

it('tells what is new since the last look, and says when a page is done', async () => {
  const batchId = await batchOf(3);
  expect(await look(batchId)).toEqual({ messages: 0, finished: [], ended: false });
  await house.journal.record(batchId, completedOutcome(1));
  expect(await look(batchId)).toEqual({ messages: 1, finished: [], ended: false });
  expect(await look(batchId)).toEqual({ messages: 0, finished: [], ended: false });
  await house.journal.record(batchId, completedOutcome(0));
  await house.journal.record(batchId, failedOutcome(2));
  open = false;
  expect(await look(batchId)).toEqual({ messages: 2, finished: [0], ended: true });
  expect(await told(batchId, 'photo.completed')).toEqual(['1.0', '0.0']);
  expect(await told(batchId, 'photo.failed')).toEqual(['2.0']);
});

it('tells of a photo again in the round that does it again, and waits for that', async () => {
  const batchId = await batchOf(2);
  await house.journal.record(batchId, completedOutcome(0));
  await house.journal.record(batchId, failedOutcome(1));
  expect((await look(batchId)).finished).toEqual([0]);
  expect((await look(batchId, 1)).finished).toEqual([]);
  await house.journal.record(batchId, completedOutcome(1, 1));
  expect((await look(batchId, 1)).finished).toEqual([0]);
  expect(await told(batchId, 'photo.completed')).toEqual(['0.0', '1.1']);
});

it('sends what an attempt that broke off had written down, and nothing twice', async () => {
  const batchId = await batchOf(450);
  for (let index = 0; index < 450; index++) await house.journal.record(batchId, completedOutcome(index));
  room = 2;
  await expect(look(batchId)).rejects.toMatchObject({ type: 'internal' });
  room = Number.POSITIVE_INFINITY;
  await look(batchId);
  const photos = await told(batchId, 'photo.completed');
  expect(photos).toEqual(Array.from({ length: 450 }, (_, index) => `${index}.0`));
  expect((await log.messageIds(batchId)).length).toBe(5);
});

it('tells of events that were asked for only, and of no batch that has no webhook', async () => {
  const batchId = await batchOf(2, ['photo.failed']);
  await house.journal.record(batchId, completedOutcome(0));
  await house.journal.record(batchId, failedOutcome(1));
  expect((await look(batchId)).messages).toBe(1);
  expect(started.map(({ event }) => event)).toEqual(['photo.failed']);
  const silent = newBatchId();
  await house.journal.createBatch(makeHeader(silent, 1), [makeRecord(0)]);
  expect(await look(silent)).toEqual({ messages: 0, finished: [], ended: true });
});
