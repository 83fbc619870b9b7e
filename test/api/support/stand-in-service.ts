import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { BatchService, BatchView, PhotoView } from '../../../src/batches/batch-service.ts';
import type { BatchHeader, CompletedOutcome, PhotoOutcome, PhotoRecord } from '../../../src/contracts/batch.ts';
import { DarkroomError, ERRORS, type ErrorCode } from '../../../src/contracts/errors.ts';
import { pageOf, parsePhotoId, photoId } from '../../../src/contracts/ids.ts';
import type { AutoscalerReport } from '../../../src/contracts/autoscaling.ts';
import type { WorkerReport } from '../../../src/contracts/worker-report.ts';
import type { Journal } from '../../../src/storage/journal.ts';
import { resultKey } from '../../../src/storage/keys.ts';
import { settledRanks } from '../../../src/batches/settled-ranks.ts';
import type { Store } from '../../../src/storage/store.ts';
import { StandInControl } from './stand-in-control.ts';

/**
 * The rules of the house without Temporal: journal and store are real, and the test itself is the worker that completes
 * or fails a photo. Only what the API sees of a service is here.
 */
export class StandInService extends StandInControl implements BatchService {
  readonly submitted: BatchHeader[] = [];
  /** Batches that were to be started in case they were not. */
  readonly startedAgain: string[] = [];
  reports: WorkerReport[] = [];
  waiting: { backlog: number; pollers: number } | undefined = { backlog: 0, pollers: 1 };
  /** When set, `submit` fails as the real one does while Temporal is away. */
  temporalIsAway = false;
  readonly #store: Store;
  readonly #journal: Journal;

  constructor(store: Store, journal: Journal) {
    super(store, journal);
    this.#store = store;
    this.#journal = journal;
  }

  async submit({ photos, tags, ...batch }: Parameters<BatchService['submit']>[0]): Promise<BatchHeader> {
    if (this.temporalIsAway) throw new DarkroomError('temporal_unavailable');
    const header: BatchHeader = {
      destination: { kind: 'store' },
      open: false,
      ...batch,
      createdAt: Date.now(),
      total: photos.length,
      kilopixels: photos.reduce((sum, photo) => sum + photo.kilopixels, 0),
      priority: batch.priority ?? 3,
      ...(tags ? { tags: [...tags] } : {}),
    };
    await this.#journal.createBatch(header, photos);
    this.submitted.push(header);
    for (const { index, refused } of photos) if (refused) await this.fail(header.batchId, index, refused.code);
    return header;
  }

  /** Does what a worker does when a photo is finished: result into the store, outcome into the journal. */
  async complete(batchId: string, index: number, content: Buffer): Promise<void> {
    const key = resultKey(batchId, index, 0, 'a', '.png');
    const written = await this.#store.write(key, content);
    await this.#journal.record(batchId, {
      status: 'completed',
      index,
      epoch: 0,
      attempts: 1,
      startedAt: 1000,
      finishedAt: 1_700_000_000_000,
      timings: { decodeMs: 1, networkMs: 1500, encodeMs: 1, totalMs: 1502 },
      original: { width: 8, height: 6, format: 'jpeg' },
      tiles: 1,
      result: {
        key,
        bytes: written?.bytes ?? 0,
        sha256: createHash('sha256').update(content).digest('hex'),
        crc32: crc32(content),
        contentType: 'image/png',
        extension: '.png',
        width: 32,
        height: 24,
      },
      recipe: {
        quality: 'fast',
        model: 'realesr-general-x4v3',
        weights: 'ab',
        tileSize: 400,
        overlap: 34,
        scale: 4,
        device: 'cpu',
      },
      warnings: ['made by a test'],
    });
  }

  async fail(batchId: string, index: number, code: ErrorCode): Promise<void> {
    const error = { code, message: `${ERRORS[code].title}.`, hint: ERRORS[code].hint };
    await this.#journal.record(batchId, {
      status: 'failed',
      index,
      epoch: 0,
      attempts: 1,
      finishedAt: Date.now(),
      error,
    });
  }

  async view(batchId: string): Promise<BatchView | undefined> {
    const header = await this.#journal.header(batchId);
    if (!header) return undefined;
    const outcomes = await this.#outcomes(header);
    const completed = outcomes.filter((outcome) => outcome.status === 'completed').length;
    const failed = outcomes.length - completed;
    const accepting = header.open && !this.sealed.has(batchId);
    const ended = outcomes.length === header.total && !accepting;
    const verdict = completed === 0 ? 'failed' : failed === 0 ? 'completed' : 'partial_completed';
    return {
      header,
      completed,
      failed,
      total: header.total,
      stale: false,
      open: !ended,
      updatedAt: Date.now(),
      state: ended ? verdict : this.paused.has(batchId) ? 'paused' : outcomes.length > 0 ? 'processing' : 'queued',
      share: header.total === 0 ? 0 : outcomes.length / header.total,
      accepting,
      cancelling: false,
      maxWorkers: header.maxWorkers,
      priority: header.priority,
      eta: ended ? 0 : null,
      message: `${completed} of ${header.total} photos are done.`,
    };
  }

  async photos(batchId: string, from: number, limit: number): Promise<PhotoView[]> {
    const header = await this.#journal.header(batchId);
    const found: PhotoView[] = [];
    for (let index = from; index < Math.min(from + limit, header?.total ?? 0); index++) {
      const photo = await this.photo(photoId(batchId, index));
      if (photo) found.push(photo);
    }
    return found;
  }

  async photo(id: string): Promise<PhotoView | undefined> {
    const place = parsePhotoId(id);
    const record = place && (await this.#journal.photo(place.batchId, place.index));
    if (!record) return undefined;
    const header = await this.#journal.header(place.batchId);
    const outcome = await this.#journal.outcome(place.batchId, place.index);
    if (outcome?.status === 'removed' && outcome.reason === 'deleted') return undefined;
    return describe(id, header?.createdAt ?? 0, record, outcome);
  }

  async photosAt(batchId: string, indexes: readonly number[]): Promise<PhotoView[]> {
    const header = await this.#journal.header(batchId);
    const photos: PhotoView[] = [];
    for (const index of indexes) {
      const record = await this.#journal.photo(batchId, index);
      const outcome = await this.#journal.outcome(batchId, index);
      if (record) photos.push(describe(photoId(batchId, index), header?.createdAt ?? 0, record, outcome));
    }
    return photos;
  }

  underWay(): Promise<number[]> {
    return Promise.resolve([]);
  }

  settled(batchId: string, page: number): Promise<Map<number, number>> {
    return settledRanks(this.#journal, batchId, page);
  }

  start(batchId: string): Promise<void> {
    this.startedAgain.push(batchId);
    return Promise.resolve();
  }

  async *results(batchId: string): AsyncGenerator<{ record: PhotoRecord; outcome: CompletedOutcome }> {
    for (const record of await this.#journal.page(batchId, 0)) {
      const outcome = await this.#journal.outcome(batchId, record.index);
      if (outcome?.status === 'completed') yield { record, outcome };
    }
  }

  async recentPhotos({ tenant, cursor, limit }: Parameters<BatchService['recentPhotos']>[0]) {
    const all: PhotoView[] = [];
    for (const header of this.submitted.filter((batch) => batch.tenant === tenant).toReversed()) {
      all.push(...(await this.photos(header.batchId, 0, 500)));
    }
    const from = all.findIndex(({ photoId }) => photoId === cursor) + 1;
    const photos = all.slice(from, from + limit);
    return { photos, nextCursor: from + limit < all.length ? (photos.at(-1)?.photoId ?? null) : null };
  }

  async resume(batchId: string) {
    const view = await this.#known(batchId);
    const counts = { batchId, kept: view.completed, remaining: view.total - view.completed };
    if (!this.paused.delete(batchId)) return { ...counts, action: 'none' as const, message: 'Nothing was changed.' };
    return { ...counts, action: 'resumed' as const, message: 'The batch goes on.' };
  }

  async removePhoto(id: string): Promise<boolean> {
    const place = parsePhotoId(id);
    const record = place && (await this.#journal.photo(place.batchId, place.index));
    if (!record) return false;
    const outcome = await this.#journal.outcome(place.batchId, place.index);
    if (outcome?.status === 'completed') await this.#store.remove(outcome.result.key);
    if (record.original.kind === 'upload') await this.#store.remove(record.original.key);
    return this.#journal.record(place.batchId, {
      status: 'removed',
      reason: 'deleted',
      index: place.index,
      epoch: 0,
      attempts: 0,
      finishedAt: Date.now(),
    });
  }

  /** Nothing here takes any time. */
  photosInFlight(): Promise<number> {
    return Promise.resolve(0);
  }

  /** No batch here has a webhook. */
  replayWebhook(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  workers(): Promise<WorkerReport[]> {
    return Promise.resolve(this.reports);
  }

  autoscalers(): Promise<AutoscalerReport[]> {
    return Promise.resolve([]);
  }

  queue(): Promise<{ backlog: number; pollers: number } | undefined> {
    return Promise.resolve(this.waiting);
  }

  async #known(batchId: string): Promise<BatchView> {
    const view = await this.view(batchId);
    if (!view) throw new DarkroomError('not_found');
    return view;
  }

  async #outcomes({ batchId, total }: BatchHeader): Promise<PhotoOutcome[]> {
    const pages = Array.from({ length: total === 0 ? 0 : pageOf(total - 1) + 1 }, (_, page) =>
      this.#journal.outcomesOfPage(batchId, page),
    );
    return (await Promise.all(pages)).flatMap((page) => [...page.values()]);
  }
}

const describe = (
  id: string,
  createdAt: number,
  record: PhotoRecord,
  outcome: PhotoOutcome | undefined,
): PhotoView => ({
  photoId: id,
  batchId: id.slice(0, id.lastIndexOf('.')),
  index: record.index,
  name: record.name,
  bytes: record.bytes,
  original: (outcome?.status === 'completed' ? outcome.original : record.picture) ?? null,
  attempts: outcome?.attempts ?? 0,
  status: outcome?.status === 'removed' ? 'failed' : (outcome?.status ?? 'queued'),
  progress: outcome ? 1 : 0,
  error: outcome?.status === 'failed' ? outcome.error : null,
  createdAt,
  updatedAt: outcome?.finishedAt ?? createdAt,
  processingSeconds: outcome?.status === 'completed' ? outcome.timings.totalMs / 1000 : null,
  message: outcome?.status ?? 'queued',
  outcome,
});
