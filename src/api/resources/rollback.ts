import type { RollbackReceipt } from '../../batches/roll-back.ts';
import { rollbackAnswerSchema, rollbackRequestSchema, type RollbackAnswer } from '../../contracts/http-operations.ts';
import { photoId } from '../../contracts/ids.ts';
import { route } from '../route.ts';

export const rollBack = route({
  method: 'post',
  path: '/api/rollback',
  tag: 'Operations',
  summary: 'Undo batches, or chosen photos of them: as if they had never been',
  body: rollbackRequestSchema,
  answer: rollbackAnswerSchema,
  problems: ['invalid_request', 'not_found', 'wrong_state', 'temporal_unavailable'],
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

/** Only what was settled when it was first asked for: the same call again gets the same answer. */
function describeReceipt({ header, created }: RollbackReceipt): RollbackAnswer {
  const { operationId, targets, total, createdAt } = header;
  const photos = `${total} ${total === 1 ? 'photo' : 'photos'}`;
  const operations = `${targets.length} ${targets.length === 1 ? 'operation' : 'operations'}`;
  return {
    operation_id: operationId,
    created,
    created_at: createdAt / 1000,
    photos: total,
    undoes: targets.map(({ batchId, photos }) => ({
      operation_id: batchId,
      task_ids: photos?.map((index) => photoId(batchId, index)) ?? null,
    })),
    status_url: `/api/v1/operations/${operationId}`,
    message: `${photos} of ${operations} will be undone: watch /api/v1/operations/${operationId}.`,
  };
}
