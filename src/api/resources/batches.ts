import { DarkroomError } from '../../contracts/errors.ts';
import { batchStatusSchema, type BatchStatus } from '../../contracts/http.ts';
import { batchParamsSchema, SUB_TASKS_PER_ANSWER, subTaskPageSchema } from '../../contracts/http-requests.ts';
import { placeOf } from '../cursor.ts';
import { ownBatch } from '../ownership.ts';
import { route } from '../route.ts';
import { expiresAt } from './describe-batch.ts';

export const batchStatus = route({
  method: 'get',
  path: '/api/v1/batch/status/{batch_task_id}',
  tag: 'Batches',
  summary: 'How far a batch and each of its photos is',
  params: batchParamsSchema,
  query: subTaskPageSchema,
  waits: true,
  answer: batchStatusSchema,
  problems: ['not_found', 'invalid_request'],
  async handle(call, house): Promise<BatchStatus> {
    const { params, query, tenant } = call;
    const header = await ownBatch(house, tenant, params.batch_task_id);
    await house.waiting.wait(call, house, header.batchId);
    const from = placeOf(query.cursor);
    const limit = query.limit ?? SUB_TASKS_PER_ANSWER;
    const [view, photos] = await Promise.all([
      house.service.view(header.batchId),
      house.service.photos(header.batchId, from, limit),
    ]);
    if (!view) throw new DarkroomError('not_found', 'There is no batch with this ID.');
    return {
      batch_task_id: header.batchId,
      status: view.state,
      total_files: view.total,
      completed_files: view.completed,
      failed_files: view.failed,
      progress: view.share,
      sub_tasks: photos.map((photo) => ({
        task_id: photo.photoId,
        status: photo.status,
        filename: photo.name,
        progress: photo.progress,
        error: photo.error?.message ?? null,
        error_code: photo.error?.code ?? null,
      })),
      next_cursor: from + photos.length < view.total && photos.length > 0 ? String(from + photos.length) : null,
      created_at: header.createdAt / 1000,
      updated_at: view.updatedAt / 1000,
      expires_at: expiresAt(view, house.config),
      eta: view.eta,
      stale: view.stale,
      message: view.message,
    };
  },
});
