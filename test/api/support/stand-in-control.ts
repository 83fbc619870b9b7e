import { createHash } from 'node:crypto';
import type { BatchService, BatchView, ControlledBatch, OperationView } from '../../../src/batches/batch-service.ts';
import type { RollbackReceipt, RollbackRequest } from '../../../src/batches/roll-back.ts';
import { DarkroomError } from '../../../src/contracts/errors.ts';
import { makeRollbackId, photoId } from '../../../src/contracts/ids.ts';
import { NO_COUNTS } from '../../../src/contracts/operations.ts';
import type { Journal } from '../../../src/storage/journal.ts';
import { additionKey } from '../../../src/storage/keys.ts';
import type { Store } from '../../../src/storage/store.ts';

/** Control and undoing in name only: enough to see shapes; what they do is proved against a real Temporal. */
export abstract class StandInControl {
  readonly paused = new Set<string>();
  readonly sealed = new Set<string>();
  readonly rollbacks = new Map<string, RollbackReceipt['header']>();
  /** Places that additions to open batches were given. */
  readonly additions = new Map<string, { from: number; count: number }>();
  readonly #store: Store;
  readonly #journal: Journal;

  constructor(store: Store, journal: Journal) {
    this.#store = store;
    this.#journal = journal;
  }

  abstract view(batchId: string): Promise<BatchView | undefined>;

  async #controlled(batchId: string, changed: boolean): Promise<ControlledBatch> {
    const view = await this.view(batchId);
    if (!view) throw new DarkroomError('not_found');
    return { ...view, changed };
  }

  pause(batchId: string): Promise<ControlledBatch> {
    const changed = !this.paused.has(batchId);
    this.paused.add(batchId);
    return this.#controlled(batchId, changed);
  }

  seal(batchId: string): Promise<ControlledBatch> {
    const changed = !this.sealed.has(batchId);
    this.sealed.add(batchId);
    return this.#controlled(batchId, changed);
  }

  cancel(batchId: string): Promise<ControlledBatch> {
    return this.#controlled(batchId, false);
  }

  async setMaxWorkers(batchId: string, maxWorkers: number): Promise<ControlledBatch> {
    return { ...(await this.#controlled(batchId, true)), maxWorkers };
  }

  async setPriority(batchId: string, priority: number): Promise<ControlledBatch> {
    return { ...(await this.#controlled(batchId, true)), priority };
  }

  async retry(batchId: string): ReturnType<BatchService['retry']> {
    const { completed, total } = await this.#controlled(batchId, false);
    return { batchId, action: 'none', kept: completed, remaining: total - completed, message: 'Nothing was changed.' };
  }

  async addPhotos(...[batchId, { additionId, photos }]: Parameters<BatchService['addPhotos']>) {
    const repeated = await this.hasAddition(batchId, additionId);
    const name = `${batchId}/${additionId}`;
    const total = (await this.#journal.header(batchId))?.total ?? 0;
    const { from, count } = this.additions.get(name) ?? { from: total, count: photos.length };
    this.additions.set(name, { from, count });
    if (!repeated) {
      await this.#journal.leave(
        batchId,
        additionId,
        photos.map((photo, index) => ({ ...photo, index })),
      );
      await this.#journal.append(batchId, additionId, from);
    }
    return { from, count, photoIds: Array.from({ length: count }, (_, at) => photoId(batchId, from + at)), repeated };
  }

  async hasAddition(batchId: string, additionId: string): Promise<boolean> {
    return (await this.#store.stat(additionKey(batchId, additionId))) !== undefined;
  }

  async rollBack({ tenant, operationIds }: RollbackRequest): Promise<RollbackReceipt> {
    const batchId = operationIds[0] ?? '';
    const batch = await this.#journal.header(batchId);
    if (batch?.tenant !== tenant) throw new DarkroomError('not_found');
    const operationId = makeRollbackId(batchId, createHash('sha256').update(operationIds.join()).digest());
    const known = this.rollbacks.get(operationId);
    if (known) return { header: known, created: false, retried: 0 };
    const targets = operationIds.map((id) => ({ batchId: id, photos: null }));
    const header = { operationId, tenant, createdAt: Date.now(), targets, total: batch.total };
    this.rollbacks.set(operationId, header);
    return { header, created: true, retried: 0 };
  }

  async operations({ tenant, limit }: Parameters<BatchService['operations']>[0]) {
    const views = await Promise.all([...this.rollbacks.keys()].map((id) => this.operation(id)));
    const own = views.filter((view) => view !== undefined).filter((view) => view.tenant === tenant);
    return { operations: own.slice(0, limit), nextCursor: null };
  }

  async operation(operationId: string): Promise<OperationView | undefined> {
    const rollback = this.rollbacks.get(operationId);
    const batch = rollback ? undefined : await this.view(operationId).catch(() => undefined);
    const header = rollback ?? batch?.header;
    if (!header) return undefined;
    return {
      operationId,
      kind: rollback ? 'rollback' : 'batch',
      tenant: header.tenant,
      createdAt: header.createdAt,
      updatedAt: header.createdAt,
      state: batch?.state ?? 'stopping',
      total: header.total,
      completed: batch?.completed ?? 0,
      failed: batch?.failed ?? 0,
      undo: rollback ? { targets: rollback.targets.map(({ batchId }) => batchId), counts: NO_COUNTS } : null,
      undoable: !rollback,
      undoableReason: rollback ? 'A rollback cannot be rolled back.' : null,
      rolledBackBy: null,
      tags: batch?.header.tags ?? [],
      message: 'An operation.',
    };
  }

  undone(): ReturnType<BatchService['undone']> {
    return Promise.resolve([]);
  }
}
