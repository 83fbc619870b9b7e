import type { Client } from '@temporalio/client';
import { isRollbackId } from '../contracts/ids.ts';
import { countRemaining, NO_COUNTS, type UndoCounts } from '../contracts/operations.ts';
import { type RollBackProgress, rollbackProgressQuery } from '../contracts/workflow-api.ts';
import { leaveOutUnreadable, type UnreadableRecord } from '../storage/json-records.ts';
import type { Journal } from '../storage/journal.ts';
import type { RollbackJournal } from '../storage/rollback-journal.ts';
import type { OperationView, RollbackState } from './batch-service.ts';
import { readAhead } from './read-ahead.ts';
import type { BatchReader } from './read-batch.ts';

export interface OperationFilter {
  readonly tenant: string;
  readonly kind?: 'batch' | 'rollback';
  readonly state?: OperationView['state'];
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
  readonly limit: number;
  /** Ends the reading: nobody waits for it any more. */
  readonly signal?: AbortSignal;
}

interface OperationDependencies {
  readonly client: Client;
  readonly journal: Journal;
  readonly rollbacks: RollbackJournal;
  readonly batches: BatchReader;
  readonly now: () => number;
  readonly onUnreadable: (record: UnreadableRecord) => void;
}

/** Operations looked at for one answer: a filter that matches little must not walk through years of history at once. */
const LOOKED_AT_MOST = 1000;
/** Operations whose names are read at once; each reading lists a day. */
const NAMES_AT_ONCE = 200;
const QUERY_TIMEOUT_MS = 1500;

/** History, newest first, out of the journal, which outlives Temporal's retention; open ones are asked for their state. */
export async function listOperations(
  deps: OperationDependencies,
  filter: OperationFilter,
): Promise<{ operations: OperationView[]; nextCursor: string | null }> {
  const operations: OperationView[] = [];
  let cursor = filter.cursor;
  for (let looked = 0; looked < LOOKED_AT_MOST;) {
    const page = await nextEntries(deps, filter, cursor);
    const readings = readAhead(page, async ({ position, operationId }) => {
      filter.signal?.throwIfAborted();
      const reading = readOwn(deps, operationId, filter.tenant);
      return { position, operation: await leaveOutUnreadable(reading, deps.onUnreadable) };
    });
    for await (const { position, operation } of readings) {
      cursor = position;
      looked += 1;
      if (!operation) continue;
      if (filter.state !== undefined && operation.state !== filter.state) continue;
      operations.push(operation);
      if (operations.length >= filter.limit) return { operations, nextCursor: cursor };
    }
    if (page.length === 0) return { operations, nextCursor: null };
  }
  return { operations, nextCursor: cursor ?? null };
}

/** Of the batches of other tenants only the header is read: they may be many, and their state is asked of Temporal. */
async function readOwn(
  deps: OperationDependencies,
  operationId: string,
  tenant: string,
): Promise<OperationView | undefined> {
  const headers = isRollbackId(operationId) ? deps.rollbacks : deps.journal;
  const header = await headers.header(operationId);
  return header?.tenant === tenant ? readOperation(deps, operationId) : undefined;
}

/** `{second}.{operationId}`: a position in the history that batches and rollbacks share. */
interface Entry {
  readonly position: string;
  readonly operationId: string;
}

/** The next entries of batches and rollbacks merged, newest first. Both are walked from the same position. */
async function nextEntries(
  { journal, rollbacks }: OperationDependencies,
  { kind, limit }: OperationFilter,
  cursor: string | undefined,
): Promise<Entry[]> {
  const names = Math.max(limit, NAMES_AT_ONCE);
  const fetched = await Promise.all([
    kind === 'rollback' ? [] : journal.batches({ ...batchesBefore(cursor), limit: names }),
    kind === 'batch' ? [] : rollbacks.recent({ ...(cursor === undefined ? {} : { before: cursor }), limit: names }),
  ]);
  const entries: Entry[] = [
    ...fetched[0].map((batchId) => ({ position: `${batchId.slice(2, 17)}.${batchId}`, operationId: batchId })),
    ...fetched[1].map(({ operationId, logName }) => ({ position: logName, operationId })),
  ];
  return entries.sort((left, right) => (left.position < right.position ? 1 : -1)).slice(0, names);
}

/** Below a rollback's position lie also the batches of the same second. */
function batchesBefore(cursor: string | undefined): { before?: string } {
  if (cursor === undefined) return {};
  const id = cursor.slice(cursor.indexOf('.') + 1);
  return { before: isRollbackId(id) ? `b-${cursor.slice(0, 15)}-~` : id };
}

export async function readOperation(
  deps: OperationDependencies,
  operationId: string,
): Promise<OperationView | undefined> {
  return isRollbackId(operationId) ? readRollback(deps, operationId) : readBatch(deps, operationId);
}

async function readBatch(
  { batches, journal, rollbacks }: OperationDependencies,
  batchId: string,
): Promise<OperationView | undefined> {
  const batch = await batches.view(batchId);
  if (!batch) return undefined;
  const { header, state, total, completed, failed, message, updatedAt } = batch;
  const rolledBackBy = (await journal.rolledBack(batchId))?.rollbackId ?? null;
  const undone = rolledBackBy === null ? undefined : await rollbacks.summary(rolledBackBy);
  const undoableReason = whyNotUndoable({
    rolledBack: rolledBackBy !== null,
    remaining: undone ? countRemaining(undone.counts) : 0,
    enabled: header.rollbackEnabled,
  });
  return {
    operationId: batchId,
    kind: 'batch',
    tenant: header.tenant,
    createdAt: header.createdAt,
    updatedAt,
    state,
    total,
    completed,
    failed,
    undo: null,
    undoable: undoableReason === null,
    undoableReason,
    rolledBackBy,
    tags: header.tags ?? [],
    message,
  };
}

interface Undoability {
  readonly rolledBack: boolean;
  /** Photos that its rollback left or could not undo: they can be tried again. */
  readonly remaining: number;
  readonly enabled: boolean;
}

function whyNotUndoable({ rolledBack, remaining, enabled }: Undoability): string | null {
  if (rolledBack && remaining === 0) return 'It was rolled back already.';
  return enabled ? null : 'It was made with rollback switched off.';
}

async function readRollback(deps: OperationDependencies, operationId: string): Promise<OperationView | undefined> {
  const header = await deps.rollbacks.header(operationId);
  if (!header) return undefined;
  const summary = await deps.rollbacks.summary(operationId);
  const live = summary ? undefined : await askRollback(deps, operationId);
  const state: RollbackState = summary?.status ?? live?.state ?? 'stopping';
  const counts = summary?.counts ?? live?.counts ?? NO_COUNTS;
  return {
    operationId,
    kind: 'rollback',
    tenant: header.tenant,
    createdAt: header.createdAt,
    updatedAt: summary?.closedAt ?? deps.now(),
    state,
    total: header.total,
    completed: counts.undone + counts.nothing_to_undo,
    failed: counts.left_changed + counts.failed,
    undo: { targets: header.targets.map(({ batchId }) => batchId), counts },
    undoable: false,
    undoableReason: 'A rollback cannot be rolled back: send the photos again instead.',
    rolledBackBy: null,
    tags: [],
    message: describe(state, header.total, counts),
  };
}

async function askRollback(
  { client, now }: OperationDependencies,
  operationId: string,
): Promise<RollBackProgress | undefined> {
  try {
    const handle = client.workflow.getHandle(operationId);
    return await client.withDeadline(now() + QUERY_TIMEOUT_MS, () => handle.query(rollbackProgressQuery));
  } catch {
    return undefined; // no worker at the moment, or past Temporal's retention: the journal is what there is
  }
}

function describe(state: RollbackState, total: number, counts: UndoCounts): string {
  const photos = `${total} ${total === 1 ? 'photo' : 'photos'}`;
  if (state === 'stopping') return `Waiting until the work on ${photos} has stopped.`;
  const left = counts.left_changed > 0 ? `, ${counts.left_changed} left alone because someone changed the file` : '';
  const failed = counts.failed > 0 ? `, ${counts.failed} could not be undone` : '';
  return `${counts.undone} of ${photos} undone${left}${failed}.`;
}
