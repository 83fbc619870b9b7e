import type { OperationView } from '../../batches/batch-service.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import {
  batchProgressSchema,
  resumeAnswerSchema,
  type BatchProgressAnswer,
  type ResumeAnswer,
} from '../../contracts/http.ts';
import { isRollbackId } from '../../contracts/ids.ts';
import { operationParamsSchema, resumeRequestSchema } from '../../contracts/http-requests.ts';
import { ownBatch, ownOperation } from '../ownership.ts';
import { route } from '../route.ts';
import { requireRoomAgain } from '../uploads/requirements.ts';
import { describeResumed } from './batch-control.ts';

export const batchProgress = route({
  method: 'get',
  path: '/api/batch-progress/{operation_id}',
  tag: 'Operations',
  summary: 'Counts and time left of an operation',
  params: operationParamsSchema,
  answer: batchProgressSchema,
  problems: ['not_found'],
  async handle({ params, tenant }, house): Promise<BatchProgressAnswer> {
    if (isRollbackId(params.operation_id)) {
      return describeRollback(await ownOperation(house, tenant, params.operation_id), house.clock());
    }
    const { batchId } = await ownBatch(house, tenant, params.operation_id);
    const view = await house.service.view(batchId);
    if (!view) throw new DarkroomError('not_found', 'There is no operation with this ID.');
    const { total, completed, failed } = view;
    return {
      operation_id: batchId,
      status: view.state,
      total,
      completed,
      failed,
      progress: total > 0 ? (completed + failed) / total : 0,
      work_done: view.share,
      eta: view.eta,
      stale: view.stale,
    };
  },
});

/** Photos that are undone count as completed, those left alone or not undone as failed; all weigh the same. */
function describeRollback({ operationId, state, ...view }: OperationView, now: number): BatchProgressAnswer {
  const { total, completed, failed, createdAt } = view;
  const done = completed + failed;
  const ended = state !== 'stopping' && state !== 'undoing';
  const progress = total > 0 ? done / total : Number(ended);
  const remaining = done > 0 ? (((now - createdAt) / done) * (total - done)) / 1000 : null;
  return {
    operation_id: operationId,
    status: state,
    total,
    completed,
    failed,
    progress,
    work_done: progress,
    eta: ended ? 0 : remaining,
    stale: false,
  };
}

export const resumeOperation = route({
  method: 'post',
  path: '/api/resume-operation',
  scope: 'control',
  tag: 'Operations',
  summary: 'Continue a paused batch, or do the failed photos of a finished one again',
  body: resumeRequestSchema,
  answer: resumeAnswerSchema,
  problems: ['not_found', 'invalid_request', 'wrong_state', 'removed', 'too_many_photos', 'temporal_unavailable'],
  async handle(call, house): Promise<ResumeAnswer> {
    const { batchId } = await ownBatch(house, call.tenant, call.body.operation_id);
    await requireRoomAgain(call, house, batchId, 'resume');
    return describeResumed(await house.service.resume(batchId));
  },
});
