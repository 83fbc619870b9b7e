import type { PhotoView } from '../../batches/batch-service.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import {
  taskDeletedSchema,
  taskListSchema,
  taskStatusSchema,
  type TaskList,
  type TaskStatus,
} from '../../contracts/http.ts';
import { TASKS_PER_ANSWER, taskPageSchema, taskParamsSchema } from '../../contracts/http-requests.ts';
import { parsePhotoId } from '../../contracts/ids.ts';
import { foreignCursor } from '../cursor.ts';
import { ownPhoto } from '../ownership.ts';
import type { House } from '../house.ts';
import { route, type Call } from '../route.ts';

export const taskStatus = route({
  method: 'get',
  path: '/api/v1/status/{task_id}',
  tag: 'Photos',
  summary: 'How far a photo is',
  params: taskParamsSchema,
  waits: true,
  answer: taskStatusSchema,
  problems: ['not_found'],
  async handle(call, house): Promise<TaskStatus> {
    const { tenant, params } = call;
    const photo = await ownPhoto(house, tenant, params.task_id);
    const waited = hasSettled(photo) ? false : await awaitPhoto(call, house, photo);
    return describeTask(waited ? await ownPhoto(house, tenant, params.task_id) : photo);
  },
});

export const listTasks = route({
  method: 'get',
  path: '/api/v1/tasks',
  tag: 'Photos',
  summary: 'The caller’s photos, newest first; an answer may be short while next_cursor says more',
  query: taskPageSchema,
  answer: taskListSchema,
  problems: ['invalid_request'],
  async handle({ query, tenant, signal }, { service }): Promise<TaskList> {
    if (query.cursor !== undefined && !parsePhotoId(query.cursor)) throw foreignCursor();
    const { photos, nextCursor } = await service.recentPhotos({
      tenant,
      limit: query.limit ?? TASKS_PER_ANSWER,
      signal,
      ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
    });
    const tasks = photos.map((photo) => ({
      task_id: photo.photoId,
      status: photo.status,
      created_at: photo.createdAt / 1000,
      updated_at: photo.updatedAt / 1000,
    }));
    return { total_tasks: tasks.length, tasks, next_cursor: nextCursor };
  },
});

export const deleteTask = route({
  method: 'delete',
  path: '/api/v1/tasks/{task_id}',
  scope: 'control',
  tag: 'Photos',
  summary: 'Cancel a photo and remove its upload and result',
  params: taskParamsSchema,
  answer: taskDeletedSchema,
  problems: ['not_found', 'temporal_unavailable'],
  async handle({ params, tenant }, house) {
    const photo = await ownPhoto(house, tenant, params.task_id);
    const removed = await house.service.removePhoto(photo.photoId);
    if (!removed) throw new DarkroomError('not_found', 'There is no task with this ID.');
    return { message: 'The task, its upload and its result were removed.', task_id: photo.photoId };
  },
});

const hasSettled = ({ status }: PhotoView): boolean => status === 'completed' || status === 'failed';

/** Waits for one photo, which may be done long before its batch; looked at only when some photo of the batch has settled. */
export const awaitPhoto = (
  call: Call<unknown, unknown, unknown>,
  house: House,
  { photoId, batchId }: Pick<PhotoView, 'photoId' | 'batchId'>,
): Promise<boolean> =>
  house.waiting.wait(call, house, batchId, async ({ open }) => {
    const photo = open ? await house.service.photo(photoId) : undefined;
    return photo === undefined || hasSettled(photo);
  });

export function describeTask(photo: PhotoView): TaskStatus {
  return {
    task_id: photo.photoId,
    status: photo.status,
    message: photo.message,
    progress: photo.progress,
    result_url: photo.status === 'completed' ? `/api/v1/download/${photo.photoId}` : null,
    error: photo.error?.message ?? null,
    error_code: photo.error?.code ?? null,
    hint: photo.error?.hint ?? null,
    filename: photo.name,
    created_at: photo.createdAt / 1000,
    updated_at: photo.updatedAt / 1000,
    processing_time: photo.processingSeconds,
    warnings: photo.outcome?.status === 'completed' ? photo.outcome.warnings : [],
  };
}
