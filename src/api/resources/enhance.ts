import {
  batchAcceptedSchema,
  taskAcceptedSchema,
  type BatchAccepted,
  type TaskAccepted,
} from '../../contracts/http.ts';
import { enhanceSettingsSchema } from '../../contracts/http-requests.ts';
import { photoId } from '../../contracts/ids.ts';
import { ONCE_PROBLEMS } from '../idempotency/once.ts';
import { route } from '../route.ts';
import { acceptPhotos } from '../uploads/accept-photos.ts';
import { awaitPhoto, describeTask } from './tasks.ts';

export const UPLOAD_PROBLEMS = [
  'invalid_request',
  'malformed_multipart',
  'no_files',
  'too_many_parts',
  'file_too_large',
  'empty_file',
  'unsupported_format',
  'image_unreadable',
  'too_many_pixels',
  'result_too_large',
  'request_timeout',
  'uploads_busy',
  'storage_full',
  'temporal_unavailable',
] as const;

export const enhancePhoto = route({
  method: 'post',
  path: '/api/v1/enhance',
  tag: 'Photos',
  summary: 'Enhance one photo',
  query: enhanceSettingsSchema,
  form: { field: 'file', many: false },
  once: true,
  waits: async (reply, call, house) => {
    const { task_id, operation_id } = taskAcceptedSchema.parse(reply);
    if (!(await awaitPhoto(call, house, { photoId: task_id, batchId: operation_id }))) return reply;
    const photo = await house.service.photo(task_id);
    return photo ? { ...reply, ...describeTask(photo) } : reply;
  },
  answer: taskAcceptedSchema,
  problems: [...ONCE_PROBLEMS, ...UPLOAD_PROBLEMS],
  async handle(call, house): Promise<TaskAccepted> {
    const header = await acceptPhotos(call, house, { field: 'file', many: false });
    const task = photoId(header.batchId, 0);
    call.response.location(`/api/v1/status/${task}`);
    return {
      task_id: task,
      operation_id: header.batchId,
      status: 'queued',
      message: 'The photo is queued.',
      created_at: header.createdAt / 1000,
    };
  },
});

export const enhanceBatch = route({
  method: 'post',
  path: '/api/v1/enhance/batch',
  tag: 'Batches',
  summary: 'Enhance several photos',
  query: enhanceSettingsSchema,
  form: { field: 'files', many: true },
  once: true,
  waits: async (reply, call, house) => {
    const { operation_id } = batchAcceptedSchema.parse(reply);
    const waited = await house.waiting.wait(call, house, operation_id);
    const view = waited ? await house.service.view(operation_id) : undefined;
    if (!view) return reply;
    const { state, completed, failed, share, eta, message } = view;
    const counts = { completed_files: completed, failed_files: failed, progress: share, eta };
    return { ...reply, status: state, ...counts, message };
  },
  answer: batchAcceptedSchema,
  problems: [...ONCE_PROBLEMS, ...UPLOAD_PROBLEMS, 'too_many_files'],
  async handle(call, house): Promise<BatchAccepted> {
    const header = await acceptPhotos(call, house, { field: 'files', many: true });
    call.response.location(`/api/v1/batch/status/${header.batchId}`);
    return {
      batch_task_id: header.batchId,
      operation_id: header.batchId,
      total_files: header.total,
      status: 'queued',
      message: `${header.total} ${header.total === 1 ? 'photo is' : 'photos are'} queued.`,
      created_at: header.createdAt / 1000,
      sub_tasks: Array.from({ length: header.total }, (_, index) => photoId(header.batchId, index)),
    };
  },
});
