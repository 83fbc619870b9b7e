import { createHash } from 'node:crypto';
import type { BatchToClose } from '../contracts/activities.ts';
import type { BatchHeader } from '../contracts/batch.ts';
import type { Config } from '../contracts/config.ts';
import type { RollbackHeader, RollbackSummary } from '../contracts/operations.ts';
import {
  PHOTO_EVENTS,
  type DeliverWebhookInput,
  type PageInRound,
  type WebhookEvent,
  type WebhookMessage,
} from '../contracts/webhooks.ts';
import type { Journal } from '../storage/journal.ts';
import type { WebhookLog } from '../storage/webhook-log.ts';

/** Has those told who asked for it. Writes down what is to be told and starts a workflow; never waits for a receiver. */
export interface Announcer {
  /** The photos of this page are being worked on from now on. */
  pageOpened(header: BatchHeader, page: PageInRound): Promise<void>;
  batchEnded(ended: BatchToClose): Promise<void>;
  /** `runId` is of the workflow that did it: one that runs again tells again. */
  rolledBack(header: RollbackHeader, summary: RollbackSummary, runId: string): Promise<void>;
}

export interface AnnouncerDependencies {
  readonly journal: Pick<Journal, 'header'>;
  readonly webhooks: WebhookLog;
  readonly config: Pick<Config, 'WEBHOOK_ATTEMPTS' | 'WEBHOOK_RETRY_MS'>;
  readonly now: () => number;
  /** Starts the workflow that delivers a message; one that was started is as good as started. */
  readonly startDelivery: (input: DeliverWebhookInput) => Promise<void>;
  /** Has the workflow that tells of photos look at a page, or, without one, look once more. */
  readonly watchPhotos: (header: BatchHeader, page: PageInRound | null) => Promise<void>;
}

const tellsPhotos = ({ webhook }: BatchHeader): boolean =>
  PHOTO_EVENTS.some((event) => webhook?.events.includes(event));

export function createAnnouncer(deps: AnnouncerDependencies): Announcer {
  return {
    async pageOpened(header, page) {
      if (tellsPhotos(header)) await deps.watchPhotos(header, page);
    },

    async batchEnded({ batchId, executionId, status, total, completed, failed }) {
      const header = await deps.journal.header(batchId);
      if (!header) return;
      const counts = { status, total, completed, failed };
      // The same end has the same name, however often it is announced: receivers tell by it what they have seen.
      const identity = [executionId, ...Object.values(counts)].join(' ');
      await announce(deps, header, { event: `batch.${status}`, identity, data: counts });
      if (tellsPhotos(header)) await deps.watchPhotos(header, null);
    },

    async rolledBack({ operationId, targets }, { status, counts }, runId) {
      for (const { batchId, photos } of targets) {
        const header = await deps.journal.header(batchId);
        if (!header) continue;
        await announce(deps, header, {
          event: 'batch.rolled_back',
          identity: [runId, operationId, batchId].join(' '),
          data: { operation_id: operationId, status, whole_batch: photos === null, ...counts },
        });
      }
    },
  };
}

async function announce(
  deps: AnnouncerDependencies,
  header: BatchHeader,
  { event, identity, data }: { event: WebhookEvent; identity: string; data: object },
): Promise<void> {
  if (!header.webhook?.events.includes(event)) return;
  const hash = createHash('sha256').update(identity).digest('hex');
  const message = writeMessage(deps, header, { messageId: `msg_${hash.slice(0, 24)}`, event, data });
  await deps.webhooks.create(header.batchId, message);
  await dispatch(deps, header, message);
}

/** A message as it will be sent, with the rules for sending it. */
export function writeMessage(
  { config, now }: Pick<AnnouncerDependencies, 'config' | 'now'>,
  { batchId, tags = [] }: BatchHeader,
  { messageId, event, data }: { messageId: string; event: WebhookEvent; data: object },
): WebhookMessage {
  const createdAt = now();
  return {
    messageId,
    event,
    createdAt,
    body: JSON.stringify({
      type: event,
      timestamp: new Date(createdAt).toISOString(),
      data: { batch_id: batchId, ...data, tags },
    }),
    attempts: config.WEBHOOK_ATTEMPTS,
    firstPauseMs: config.WEBHOOK_RETRY_MS,
  };
}

/** Sends a message that is in the log on its way. */
export async function dispatch(
  { startDelivery }: Pick<AnnouncerDependencies, 'startDelivery'>,
  { batchId, tenant }: BatchHeader,
  { messageId, event, attempts, firstPauseMs }: WebhookMessage,
): Promise<void> {
  await startDelivery({ batchId, messageId, tenant, event, attempts, firstPauseMs });
}
