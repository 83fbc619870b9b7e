import type { CompletedOutcome, PhotoError, PhotoOutcome, PhotoRecord } from '../contracts/batch.ts';
import { ERRORS, type ErrorCode } from '../contracts/errors.ts';
import { pageOf, parsePhotoId, photoId, PHOTOS_PER_PAGE } from '../contracts/ids.ts';
import { leaveOutUnreadable, type UnreadableRecord } from '../storage/json-records.ts';
import type { Journal } from '../storage/journal.ts';
import type { BatchView, PhotoView } from './batch-service.ts';
import { type LiveBatch, shareOfPhoto } from './live-batch.ts';
import { readAhead } from './read-ahead.ts';
import type { BatchReader } from './read-batch.ts';
import { SingleFlight } from './single-flight.ts';

const CACHE_MS = 1000;
/** Half a megabyte each while they are of 500 photos. */
const CACHED_PAGES = 20;
/** Batches looked at for one list of photos: the history of other tenants must not be read from end to end for one. */
const STEPS_AT_MOST = 1000;
/** An index behind those of all photos of a batch. */
const PAST_ALL = 999_999;

type PhotoPlace = NonNullable<ReturnType<typeof parsePhotoId>>;

export interface RecentPhotos {
  readonly tenant: string;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
  readonly limit: number;
  /** Ends the reading: nobody waits for it any more. */
  readonly signal?: AbortSignal;
}

/** The states of photos: the outcome in the journal, else what the heartbeats say, else the batch's own state. */
export class PhotoReader {
  readonly #journal: Journal;
  readonly #batches: BatchReader;
  readonly #onUnreadable: (record: UnreadableRecord) => void;
  readonly #outcomes: SingleFlight<Map<number, PhotoOutcome>>;

  constructor(deps: {
    journal: Journal;
    batches: BatchReader;
    now: () => number;
    onUnreadable: (record: UnreadableRecord) => void;
  }) {
    this.#journal = deps.journal;
    this.#batches = deps.batches;
    this.#onUnreadable = deps.onUnreadable;
    this.#outcomes = new SingleFlight({ ttlMs: CACHE_MS, capacity: CACHED_PAGES, now: deps.now });
  }

  async photos(batchId: string, from: number, limit: number): Promise<PhotoView[]> {
    const batch = await this.#batches.view(batchId);
    if (!batch) return [];
    const live = await this.#batches.live(batchId);
    const views: PhotoView[] = [];
    const end = Math.min(from + limit, batch.total);
    for (let page = pageOf(from); page * PHOTOS_PER_PAGE < end; page++) {
      // Never older than the state of the batch: a photo of a batch that has ended would seem to have been given up.
      const outcomes = await this.#outcomes.get(`${batchId}/${page}/${batch.state}/${batch.updatedAt}`, () =>
        this.#journal.outcomesOfPage(batchId, page),
      );
      for (const record of await this.#journal.page(batchId, page)) {
        if (record.index < from || record.index >= end) continue;
        views.push(viewPhoto({ batch, live, record, outcome: outcomes.get(record.index) }));
      }
    }
    return views;
  }

  /** Chosen photos, by ascending index. Few of a page are read one by one, many together. */
  async at(batchId: string, indexes: readonly number[]): Promise<PhotoView[]> {
    const batch = indexes.length > 0 ? await this.#batches.view(batchId) : undefined;
    if (!batch) return [];
    const live = await this.#batches.live(batchId);
    const views: PhotoView[] = [];
    for (const [page, chosen] of byPage(indexes)) {
      const outcomes = chosen.length > FEW ? await this.#journal.outcomesOfPage(batchId, page) : undefined;
      for (const index of chosen) {
        const record = await this.#journal.photo(batchId, index);
        const outcome = outcomes ? outcomes.get(index) : await this.#journal.outcome(batchId, index);
        if (record) views.push(viewPhoto({ batch, live, record, outcome }));
      }
    }
    return views;
  }

  /** `undefined` for photos that never were, and for those that were deleted. */
  async photo(id: string): Promise<PhotoView | undefined> {
    const place = parsePhotoId(id);
    if (!place) return undefined;
    const [batch, record] = await Promise.all([
      this.#batches.view(place.batchId),
      this.#journal.photo(place.batchId, place.index),
    ]);
    if (!batch || !record) return undefined;
    const outcome = await this.#journal.outcome(place.batchId, place.index);
    if (outcome?.status === 'removed' && outcome.reason === 'deleted') return undefined;
    return viewPhoto({ batch, live: await this.#batches.live(place.batchId), record, outcome });
  }

  async *results(batchId: string): AsyncGenerator<{ record: PhotoRecord; outcome: CompletedOutcome }> {
    const total = (await this.#journal.header(batchId))?.total ?? 0;
    for (let page = 0; page * PHOTOS_PER_PAGE < total; page++) {
      const outcomes = await this.#journal.outcomesOfPage(batchId, page);
      for (const record of await this.#journal.page(batchId, page)) {
        const outcome = outcomes.get(record.index);
        if (outcome?.status === 'completed') yield { record, outcome };
      }
    }
  }

  /**
   * Photos of all batches of a tenant, newest batch first. The cursor is the ID of a photo; after {@link STEPS_AT_MOST} batches,
   * those of others too, an answer is short and says where to go on.
   */
  async recent(options: RecentPhotos): Promise<{ photos: PhotoView[]; nextCursor: string | null }> {
    const after = options.cursor === undefined ? undefined : parsePhotoId(options.cursor);
    const photos: PhotoView[] = [];
    let reached = '';
    let steps = 0;
    const read = async (batchId: string, from: number) => {
      options.signal?.throwIfAborted();
      // One more than asked for tells whether a further page exists.
      const reading = this.#photosOf(batchId, options.tenant, from, options.limit + 1 - photos.length);
      return { batchId, ...(await leaveOutUnreadable(reading, this.#onUnreadable)) };
    };
    const batches = readAhead(this.#places(after), ({ batchId, from }) => read(batchId, from));
    for await (const first of batches) {
      for (let part: typeof first | undefined = first; part !== undefined;) {
        if (steps >= STEPS_AT_MOST) return { photos, nextCursor: reached };
        steps += 1;
        photos.push(...(part.photos ?? []));
        if (photos.length > options.limit) return endAt(photos, options.limit);
        reached = photoId(part.batchId, part.next === undefined ? PAST_ALL : part.next - 1);
        part = part.next === undefined ? undefined : await read(part.batchId, part.next);
      }
    }
    return { photos, nextCursor: null };
  }

  /** Where to read: on in the batch of the last photo given out, then batch after batch. */
  async *#places(after: PhotoPlace | undefined): AsyncGenerator<{ batchId: string; from: number }> {
    if (after) yield { batchId: after.batchId, from: after.index + 1 };
    for await (const batchId of this.#journal.walk(after?.batchId)) yield { batchId, from: 0 };
  }

  /** Up to `limit` photos that were not deleted, and the index to go on at while the batch has more. */
  async #photosOf(
    batchId: string,
    tenant: string,
    from: number,
    limit: number,
  ): Promise<{ photos: PhotoView[]; next: number | undefined }> {
    const header = await this.#journal.header(batchId);
    if (header?.tenant !== tenant) return { photos: [], next: undefined };
    const photos = await this.photos(batchId, from, limit);
    const last = photos.at(-1);
    return {
      photos: photos.filter(({ outcome }) => !(outcome?.status === 'removed' && outcome.reason === 'deleted')),
      next: photos.length < limit ? undefined : last && last.index + 1,
    };
  }
}

function endAt(photos: readonly PhotoView[], limit: number): { photos: PhotoView[]; nextCursor: string | null } {
  return { photos: photos.slice(0, limit), nextCursor: photos[limit - 1]?.photoId ?? null };
}

/** Photos of a page up to which it is cheaper to look for each. */
const FEW = 20;

function byPage(indexes: readonly number[]): Map<number, number[]> {
  const pages = new Map<number, number[]>();
  for (const index of indexes) {
    const chosen = pages.get(pageOf(index));
    if (chosen) chosen.push(index);
    else pages.set(pageOf(index), [index]);
  }
  return pages;
}

interface Facts {
  readonly batch: BatchView;
  readonly live: LiveBatch;
  readonly record: PhotoRecord;
  readonly outcome: PhotoOutcome | undefined;
}

function viewPhoto({ batch, live, record, outcome }: Facts): PhotoView {
  const base = {
    photoId: photoId(batch.header.batchId, record.index),
    batchId: batch.header.batchId,
    index: record.index,
    name: record.name,
    bytes: record.bytes,
    original: (outcome?.status === 'completed' ? outcome.original : record.picture) ?? null,
    attempts: outcome?.attempts ?? 0,
    createdAt: batch.header.createdAt,
    updatedAt: outcome?.finishedAt ?? batch.updatedAt,
    processingSeconds: null,
    error: null,
    progress: 0,
    outcome,
  };
  if (outcome?.status === 'completed') {
    const processingSeconds = outcome.timings.totalMs / 1000;
    return { ...base, status: 'completed', progress: 1, processingSeconds, message: 'Enhanced.' };
  }
  const again = batch.open && outcome?.status === 'failed' && outcome.epoch < (live.progress?.round ?? 0);
  if (outcome && !again) {
    const error =
      outcome.status === 'failed' ? outcome.error : { ...photoError('removed'), message: REMOVED[outcome.reason] };
    return { ...base, status: 'failed', progress: 1, error, message: error.message };
  }
  const beat = live.underWay.get(record.index);
  if (beat) {
    const now = { attempts: beat.attempt, progress: shareOfPhoto(beat), message: STAGES[beat.stage] };
    return { ...base, status: 'processing', ...now };
  }
  if (batch.open) return { ...base, status: 'queued', message: 'Waiting for its turn.' };
  const error = photoError(batch.state === 'cancelled' ? 'cancelled' : 'interrupted');
  return { ...base, status: 'failed', error, message: error.message };
}

/** Why a result is gone, in a sentence. */
export const REMOVED = {
  deleted: 'The photo was deleted.',
  rolled_back: 'The result was rolled back.',
  expired: 'The result was removed when its time to be kept was over.',
} as const;

const STAGES = {
  fetching: 'Being fetched.',
  waiting: 'Waiting for the device.',
  decoding: 'Being decoded.',
  enhancing: 'Being enhanced.',
  encoding: 'Being encoded.',
  publishing: 'Being stored.',
} as const;

const photoError = (code: ErrorCode): PhotoError => ({
  code,
  message: `${ERRORS[code].title}.`,
  hint: ERRORS[code].hint,
});
