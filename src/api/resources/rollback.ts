import type { RollbackReceipt } from '../../batches/roll-back.ts';
import { rollbackAnswerSchema, rollbackRequestSchema, type RollbackAnswer } from '../../contracts/http-operations.ts';
import { photoId } from '../../contracts/ids.ts';
import { ONCE_PROBLEMS } from '../idempotency/once.ts';
import { route } from '../route.ts';

export const rollBack = route({
  method: 'post',
  path: '/api/rollback',
  scope: 'control',
  tag: 'Operations',
  summary: 'Undo batches, or chosen photos of them: as if they had never been',
  body: rollbackRequestSchema,
  once: true,
  answer: rollbackAnswerSchema,
  problems: [...ONCE_PROBLEMS, 'invalid_request', 'not_found', 'wrong_state', 'temporal_unavailable'],
  async handle({ body, tenant, response }, { service }): Promise<RollbackAnswer> {
    const one = body.operation_id === undefined ? [] : [body.operation_id];
    const receipt = await service.rollBack({
      tenant,
      operationIds: body.operation_ids ?? one,
      ...(body.task_ids === undefined ? {} : { photoIds: body.task_ids }),
    });
    const answer = describeReceipt(receipt);
    response.location(answer.status_url);
    return answer;
  },
});

/** What was settled when it was first asked for, so that the same call again gets the same answer; and what is tried again. */
function describeReceipt({ header, created, retried }: RollbackReceipt): RollbackAnswer {
  const { operationId, targets, total, createdAt } = header;
  const photos = sayPhotos(total);
  const operations = `${targets.length} ${targets.length === 1 ? 'operation' : 'operations'}`;
  return {
    operation_id: operationId,
    created,
    retried,
    created_at: createdAt / 1000,
    photos: total,
    undoes: targets.map(({ batchId, photos }) => ({
      operation_id: batchId,
      task_ids: photos?.map((index) => photoId(batchId, index)) ?? null,
    })),
    status_url: `/api/v1/operations/${operationId}`,
    message:
      retried === 0
        ? `${photos} of ${operations} will be undone: watch /api/v1/operations/${operationId}.`
        : `${sayPhotos(retried)} that could not be undone will be tried again: watch /api/v1/operations/${operationId}.`,
  };
}

const sayPhotos = (count: number): string => `${count} ${count === 1 ? 'photo' : 'photos'}`;
