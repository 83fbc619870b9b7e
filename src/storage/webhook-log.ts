import {
  webhookAttemptSchema,
  webhookMessageSchema,
  type WebhookAttempt,
  type WebhookMessage,
} from '../contracts/webhooks.ts';
import { readRecord, writeRecord } from './json-records.ts';
import { webhookAttemptKey, webhookAttemptsPrefix, webhookKey, webhooksPrefix } from './keys.ts';
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

  /** All messages of a batch, oldest first. */
  async messages(batchId: string): Promise<WebhookMessage[]> {
    const names = await this.#store.list(webhooksPrefix(batchId));
    const found = await Promise.all(names.map((name) => this.message(batchId, name.replace(/\.json$/, ''))));
    return found.filter((message) => message !== undefined).sort((left, right) => left.createdAt - right.createdAt);
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
