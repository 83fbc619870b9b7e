import { z } from 'zod';
import {
  rollbackHeaderSchema,
  rollbackSummarySchema,
  undoOutcomeSchema,
  type RollbackHeader,
  type RollbackSummary,
  type UndoOutcome,
} from '../contracts/operations.ts';
import { readRecord, writeRecord } from './json-records.ts';
import { ROLLBACK_LOG, rollbackHeaderKey, rollbackLogKey, rollbackSummaryKey, undonePageKey } from './keys.ts';
import { beforeName, newestFirst } from './newest-first.ts';
import type { Store } from './store.ts';

/** What rollbacks were asked to do and did, photo by photo. */
export class RollbackJournal {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** @returns false when this rollback was asked for before. */
  async create(header: RollbackHeader): Promise<boolean> {
    // The entry of the log comes first: one without a header is passed over, a header without one would never be listed.
    await this.#store.write(rollbackLogKey(header.operationId, header.createdAt), new Uint8Array());
    return writeRecord(this.#store, rollbackHeaderKey(header.operationId), header, { onlyIfAbsent: true });
  }

  async header(operationId: string): Promise<RollbackHeader | undefined> {
    return readRecord(this.#store, rollbackHeaderKey(operationId), rollbackHeaderSchema);
  }

  /** Rollbacks, newest first, those with a log name below `before` only. */
  async recent(options: { before?: string; limit: number }): Promise<{ operationId: string; logName: string }[]> {
    const found = new Map<string, string>();
    for await (const logName of newestFirst(this.#store, ROLLBACK_LOG, beforeName(options.before))) {
      const operationId = logName.slice(logName.indexOf('.') + 1);
      if (!found.has(operationId)) found.set(operationId, logName);
      if (found.size >= options.limit) break;
    }
    return Array.from(found, ([operationId, logName]) => ({ operationId, logName }));
  }

  async recordPage(
    operationId: string,
    batchId: string,
    page: number,
    outcomes: readonly UndoOutcome[],
  ): Promise<void> {
    await writeRecord(this.#store, undonePageKey(operationId, batchId, page), outcomes);
  }

  /** What was done to the photos of one manifest page; `undefined` before the rollback came to it. */
  async page(operationId: string, batchId: string, page: number): Promise<UndoOutcome[] | undefined> {
    return readRecord(this.#store, undonePageKey(operationId, batchId, page), z.array(undoOutcomeSchema));
  }

  async summary(operationId: string): Promise<RollbackSummary | undefined> {
    return readRecord(this.#store, rollbackSummaryKey(operationId), rollbackSummarySchema);
  }

  async close(summary: RollbackSummary): Promise<void> {
    await writeRecord(this.#store, rollbackSummaryKey(summary.operationId), summary);
  }

  /** Takes the summary back: the rollback is under way again. */
  async reopen(operationId: string): Promise<void> {
    await this.#store.remove(rollbackSummaryKey(operationId));
  }
}
