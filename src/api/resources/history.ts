import type { OperationView } from '../../batches/batch-service.ts';
import { operationParamsSchema } from '../../contracts/http-requests.ts';
import {
  operationDetailSchema,
  operationListSchema,
  operationPageSchema,
  OPERATIONS_PER_ANSWER,
  undonePageSchema,
  type OperationAnswer,
  type OperationDetail,
  type OperationList,
} from '../../contracts/http-operations.ts';
import { isHistoryPosition, photoId, PHOTOS_PER_PAGE } from '../../contracts/ids.ts';
import { foreignCursor } from '../cursor.ts';
import type { House } from '../house.ts';
import { ownOperation } from '../ownership.ts';
import { route } from '../route.ts';

export const listOperations = route({
  method: 'get',
  path: '/api/v1/operations',
  tag: 'Operations',
  summary: 'History, newest first: batches and rollbacks; an answer may be short while next_cursor says more',
  query: operationPageSchema,
  answer: operationListSchema,
  problems: ['invalid_request'],
  async handle({ query, tenant, signal }, { service }): Promise<OperationList> {
    const { kind, state, cursor, limit } = query;
    if (cursor !== undefined && !isHistoryPosition(cursor)) throw foreignCursor();
    const { operations, nextCursor } = await service.operations({
      tenant,
      limit: limit ?? OPERATIONS_PER_ANSWER,
      signal,
      ...(kind === undefined ? {} : { kind }),
      ...(state === undefined ? {} : { state }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    return { operations: operations.map(describeOperation), next_cursor: nextCursor };
  },
});

export const getOperation = route({
  method: 'get',
  path: '/api/v1/operations/{operation_id}',
  tag: 'Operations',
  summary: 'One operation; for a rollback also what became of each photo',
  params: operationParamsSchema,
  query: undonePageSchema,
  answer: operationDetailSchema,
  problems: ['not_found', 'invalid_request'],
  async handle({ params, query, tenant }, house): Promise<OperationDetail> {
    const id = params.operation_id;
    const operation = await ownOperation(house, tenant, id);
    const outcomes = await readUndone(house, operation, query.cursor);
    const photos_url = operation.kind === 'batch' ? `/api/v1/batches/${id}/photos` : null;
    return { ...describeOperation(operation), ...outcomes, photos_url };
  },
});

/** Manifest pages looked at for one answer: those of a batch with few chosen photos are mostly empty. */
const PAGES_LOOKED_AT = 50;

/** Per-photo outcomes of a rollback, a manifest page at a time; the cursor is `{batch}.{page}`. */
async function readUndone(
  { service, journal }: House,
  operation: OperationView,
  cursor: string | undefined,
): Promise<Pick<OperationDetail, 'photos' | 'next_cursor'>> {
  const targets = operation.undo?.targets ?? [];
  let [batch, page] = parseCursor(cursor);
  for (let looked = 0; looked < PAGES_LOOKED_AT; looked++) {
    const batchId = targets[batch];
    if (batchId === undefined) return { photos: [], next_cursor: null };
    const outcomes = await service.undone(operation.operationId, batchId, page);
    const pages = Math.ceil(((await journal.header(batchId))?.total ?? 0) / PHOTOS_PER_PAGE);
    [batch, page] = page + 1 < pages ? [batch, page + 1] : [batch + 1, 0];
    if (outcomes.length === 0) continue;
    return {
      photos: outcomes.map(({ index, result, message }) => ({ task_id: photoId(batchId, index), result, message })),
      next_cursor: batch < targets.length ? `${batch}.${page}` : null,
    };
  }
  return { photos: [], next_cursor: `${batch}.${page}` };
}

function parseCursor(cursor: string | undefined): [batch: number, page: number] {
  if (cursor === undefined) return [0, 0];
  const match = /^(\d{1,6})\.(\d{1,6})$/.exec(cursor);
  if (!match) throw foreignCursor();
  return [Number(match[1]), Number(match[2])];
}

const describeOperation = (operation: OperationView): OperationAnswer => ({
  operation_id: operation.operationId,
  kind: operation.kind,
  tenant: operation.tenant,
  state: operation.state,
  created_at: operation.createdAt / 1000,
  updated_at: operation.updatedAt / 1000,
  total: operation.total,
  completed: operation.completed,
  failed: operation.failed,
  undo: operation.undo && { operations: [...operation.undo.targets], counts: operation.undo.counts },
  undoable: operation.undoable,
  undoable_reason: operation.undoableReason,
  rolled_back_by: operation.rolledBackBy,
  tags: [...operation.tags],
  message: operation.message,
});
