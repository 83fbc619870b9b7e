import {
  toldPageSchema,
  webhookAttemptSchema,
  webhookMessageSchema,
  type ToldPage,
  type WebhookAttempt,
  type WebhookMessage,
} from '../contracts/webhooks.ts';
import { readRecord, writeRecord } from './json-records.ts';
import { webhookAttemptKey, webhookAttemptsPrefix, webhookKey, webhooksPrefix, webhookToldKey } from './keys.ts';
import type { Store } from './store.ts';

/** What was to be told about a batch, and what came of every attempt: kept beside the batch, so that it can be sent again. */
export class WebhookLog {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Keeps a message, once. */
  async create(batchId: string, message: WebhookMessage): Promise<void> {
    await writeRecord(this.#store, webhookKey(batchId, message.messageId), message, { onlyIfAbsent: true });
  }

  async message(batchId: string, messageId: string): Promise<WebhookMessage | undefined> {
    return readRecord(this.#store, webhookKey(batchId, messageId), webhookMessageSchema);
  }

  /** IDs of all messages of a batch, in their order: those about photos begin with the moment. */
  async messageIds(batchId: string): Promise<string[]> {
    const names = await this.#store.list(webhooksPrefix(batchId));
    return names.map((name) => name.replace(/\.json$/, '')).sort();
  }

  /** Which photos of a manifest page were told of. */
  async told(batchId: string, page: number): Promise<ToldPage> {
    return (
      (await readRecord(this.#store, webhookToldKey(batchId, page), toldPageSchema)) ?? {
        rounds: {},
        failed: [],
        due: [],
      }
    );
  }

  async noteTold(batchId: string, page: number, told: ToldPage): Promise<void> {
    await writeRecord(this.#store, webhookToldKey(batchId, page), told);
  }

  async note(batchId: string, messageId: string, attempt: WebhookAttempt): Promise<void> {
    await writeRecord(this.#store, webhookAttemptKey(batchId, messageId, attempt.at, attempt.attempt), attempt);
  }

  /** Oldest first. */
  async attempts(batchId: string, messageId: string): Promise<WebhookAttempt[]> {
    const prefix = webhookAttemptsPrefix(batchId, messageId);
    const names = await this.#store.list(prefix);
    const found = await Promise.all(
      names.map((name) => readRecord(this.#store, `${prefix}/${name}`, webhookAttemptSchema)),
    );
    return found.filter((attempt) => attempt !== undefined);
  }
}
