/** Addresses that the browser itself loads: pictures, downloads, events. */

export const resultUrl = (taskId: string): string => `/api/v1/download/${encodeURIComponent(taskId)}`;

export function thumbUrl(taskId: string, of: 'result' | 'original', side: 320 | 1600 | 4096 = 320): string {
  return `/api/v1/thumbnails/${encodeURIComponent(taskId)}?of=${of}&side=${side}`;
}

export function zipUrl(batchId: string, taskIds: readonly string[] = []): string {
  const chosen = taskIds.length > 0 ? `?task_ids=${taskIds.map(encodeURIComponent).join(',')}` : '';
  return `/api/v1/batch/download/${encodeURIComponent(batchId)}${chosen}`;
}

export const eventsUrl = (batchId: string): string => `/api/v1/batches/${encodeURIComponent(batchId)}/events`;

/** The server puts at most this many chosen photos into one archive address. */
export const ZIP_CHOICE = 200;

export const photoId = (batchId: string, index: number): string => `${batchId}.${index}`;
