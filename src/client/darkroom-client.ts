import type { AddPhotosRequest, NewBatchRequest } from '../contracts/http-batch-requests.ts';
import type { BatchAnswer, BatchControlled, BatchCreated, PhotoList, PhotosAdded } from '../contracts/http-batches.ts';
import type { PlanAnswer, PlanRequest } from '../contracts/http-plan.ts';
import type { RollbackAnswer } from '../contracts/http-operations.ts';
import type { ResumeAnswer } from '../contracts/http.ts';
import { Calls, type ClientOptions } from './calls.ts';
import { followBatch, type BatchEvent } from './follow.ts';
import { uploadPhoto } from './upload.ts';

/** A batch in all but its photos. */
export type BatchOrder = Omit<NewBatchRequest, 'source' | 'open'>;

export interface NamedPhoto {
  readonly name: string;
  readonly open: () => Blob | Promise<Blob>;
}

/** Photos that are on their way at once. */
const SIDE_BY_SIDE = 4;

/**
 * Darkroom's API as methods. Whatever may be sent again is, for a while, when the server is busy, full or away; a batch is made
 * once however often it had to be ordered.
 */
export class DarkroomClient {
  readonly #calls: Calls;

  constructor(options: ClientOptions) {
    this.#calls = new Calls(options);
  }

  /** Uploads every photo below a folder of this machine and orders one batch of them. Node only. */
  async submitFolder(folder: string, order: BatchOrder = {}): Promise<BatchCreated> {
    const { photosBelow } = await import('./files.ts');
    return this.submitPhotos(await photosBelow(folder), order);
  }

  /** Uploads photos, a few at a time, and orders one batch of them in the order they were given in. */
  async submitPhotos(photos: readonly NamedPhoto[], order: BatchOrder = {}): Promise<BatchCreated> {
    const ids: string[] = [];
    const left = photos.entries();
    await Promise.all(
      Array.from({ length: SIDE_BY_SIDE }, async () => {
        for (const [index, { name, open }] of left) ids[index] = await this.upload(name, await open());
      }),
    );
    return this.submit({ ...order, source: { kind: 'uploads', ids } });
  }

  /** @returns the ID of the upload, which a batch takes as its source. */
  upload(name: string, photo: Blob): Promise<string> {
    return uploadPhoto(this.#calls, name, photo);
  }

  /** `POST /api/v1/batches`; a key makes the same order the same batch also when this program starts again. */
  submit(order: NewBatchRequest, key?: string): Promise<BatchCreated> {
    return this.#calls.send('POST', '/api/v1/batches', order, key);
  }

  /** Adds uploads, or photos that lie elsewhere, to an open batch; a key makes the same addition once also after a restart. */
  addPhotos(batchId: string, photos: AddPhotosRequest, key?: string): Promise<PhotosAdded> {
    return this.#calls.send('POST', `/api/v1/batches/${batchId}/photos`, photos, key);
  }

  /** An open batch takes no further photo and ends when those it has are done. */
  seal(batchId: string): Promise<BatchControlled> {
    return this.#calls.send('POST', `/api/v1/batches/${batchId}/seal`, {});
  }

  plan(request: PlanRequest): Promise<PlanAnswer> {
    return this.#calls.send('POST', '/api/v1/plan', request);
  }

  batch(batchId: string): Promise<BatchAnswer> {
    return this.#calls.json(`/api/v1/batches/${batchId}`);
  }

  /** What happens to a batch until it ends, over connections that break. */
  follow(batchId: string): AsyncGenerator<BatchEvent> {
    return followBatch(this.#calls, batchId);
  }

  /** Every photo of a batch with all that is known of it, read page by page. */
  async *photos(
    batchId: string,
    status?: PhotoList['photos'][number]['status'],
  ): AsyncGenerator<PhotoList['photos'][number]> {
    let cursor: string | null = '';
    while (cursor !== null) {
      const query = new URLSearchParams({ ...(status ? { status } : {}), ...(cursor === '' ? {} : { cursor }) });
      const page: PhotoList = await this.#calls.json(`/api/v1/batches/${batchId}/photos?${query.toString()}`);
      yield* page.photos;
      cursor = page.next_cursor;
    }
  }

  pause(batchId: string): Promise<BatchControlled> {
    return this.#calls.send('POST', `/api/v1/batches/${batchId}/pause`, {});
  }

  resume(batchId: string): Promise<ResumeAnswer> {
    return this.#calls.send('POST', `/api/v1/batches/${batchId}/resume`, {});
  }

  cancel(batchId: string): Promise<BatchControlled> {
    return this.#calls.send('POST', `/api/v1/batches/${batchId}/cancel`, {});
  }

  /** Does the failed photos again. */
  retry(batchId: string): Promise<ResumeAnswer> {
    return this.#calls.send('POST', `/api/v1/batches/${batchId}/retry`, {});
  }

  change(batchId: string, changes: { priority?: number; max_workers?: number }): Promise<BatchControlled> {
    return this.#calls.send('PATCH', `/api/v1/batches/${batchId}`, changes);
  }

  rollBack(operationId: string, taskIds?: readonly string[]): Promise<RollbackAnswer> {
    const chosen = taskIds === undefined ? {} : { task_ids: taskIds };
    return this.#calls.send('POST', '/api/rollback', { operation_id: operationId, ...chosen });
  }

  /** Downloads the ZIP of a batch into a file; a download that is cut goes on where it was. Node only. */
  async download(batchId: string, file: string): Promise<void> {
    const { downloadTo } = await import('./files.ts');
    await downloadTo(this.#calls, `/api/v1/batch/download/${batchId}`, file);
  }

  /** Downloads one result into a file, likewise. Node only. */
  async downloadPhoto(taskId: string, file: string): Promise<void> {
    const { downloadTo } = await import('./files.ts');
    await downloadTo(this.#calls, `/api/v1/download/${taskId}`, file);
  }
}
