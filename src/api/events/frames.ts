import type { PhotoView } from '../../batches/batch-service.ts';
import type { BATCH_EVENTS, EndEvent, PhotoEvent, ProgressEvent } from '../../contracts/http-events.ts';
import type { BatchAnswer } from '../../contracts/http-batches.ts';

/** Events as they look on the wire. */

export function writeEvent(name: keyof typeof BATCH_EVENTS, data: object, id?: string): string {
  // JSON has no line breaks of its own, so one data line is enough.
  return `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}

export const describePhotoEvent = (photo: PhotoView): PhotoEvent => ({
  task_id: photo.photoId,
  index: photo.index,
  filename: photo.name,
  status: photo.outcome?.status === 'removed' ? 'removed' : photo.status,
  progress: photo.progress,
  attempts: photo.attempts,
  result_url: photo.status === 'completed' ? `/api/v1/download/${photo.photoId}` : null,
  error: photo.error?.message ?? null,
  error_code: photo.error?.code ?? null,
});

export const describeProgress = ({ updated_at, stale, ...batch }: BatchAnswer): ProgressEvent => {
  const { batch_id, total, completed, failed, progress, work_done, eta } = batch;
  return { batch_id, total, completed, failed, progress, work_done, eta, stale, updated_at };
};

export const describeEnd = ({ batch_id, state, total, completed, failed }: BatchAnswer): EndEvent => ({
  batch_id,
  state,
  total,
  completed,
  failed,
});
