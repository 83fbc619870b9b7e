import { z } from 'zod';
import {
  batchHeaderSchema,
  batchSummarySchema,
  photoOutcomeSchema,
  photoRecordSchema,
  type BatchHeader,
  type BatchSummary,
  type PhotoOutcome,
  type PhotoRecord,
} from '../contracts/batch.ts';
import type { AppendedPhotos } from '../contracts/activities.ts';
import { DarkroomError } from '../contracts/errors.ts';
import { expiredSchema, type Expired } from '../contracts/retention.ts';
import { rolledBackSchema, type RolledBack } from '../contracts/operations.ts';
import { isAdditionId, isBatchId, pageOf, PHOTOS_PER_PAGE } from '../contracts/ids.ts';
import { Deliveries } from './deliveries.ts';
import {
  additionKey,
  BATCHES,
  expiredKey,
  headerKey,
  rolledBackKey,
  manifestKey,
  outcomeKey,
  outcomesPrefix,
  parseOutcomeName,
  placeKey,
  summaryKey,
} from './keys.ts';
import { readRecord, writeRecord } from './json-records.ts';
import { beforeName, newestFirst } from './newest-first.ts';
import type { Store } from './store.ts';

const placeSchema = z.object({ from: z.number(), count: z.number(), kilopixels: z.number() });
const PAGES_IN_MEMORY = 32;
const HEADERS_IN_MEMORY = 500;
/** Outcome files read side by side: enough to hide the disk, few enough to leave file handles for others. */
const READS_AT_ONCE = 16;

/**
 * What happened, kept in the store beside the photos, so that history, downloads, resume and rollback outlive Temporal's
 * retention. A photo's outcome is written once a round and is the only thing that makes a result visible.
 */
export class Journal {
  /** What publication did outside the store. */
  readonly deliveries: Deliveries;
  readonly #store: Store;
  readonly #finalPages = new Map<string, PhotoRecord[]>();
  readonly #finalHeaders = new Map<string, BatchHeader>();

  constructor(store: Store) {
    this.#store = store;
    this.deliveries = new Deliveries(store);
  }

  /** Writes the manifest, then the header: a batch without a header was never submitted. */
  async createBatch(header: BatchHeader, photos: readonly PhotoRecord[]): Promise<void> {
    for (let page = 0; page * PHOTOS_PER_PAGE < photos.length; page++) {
      const records = photos.slice(page * PHOTOS_PER_PAGE, (page + 1) * PHOTOS_PER_PAGE);
      await writeRecord(this.#store, manifestKey(header.batchId, page), records);
    }
    await writeRecord(this.#store, headerKey(header.batchId), header);
  }

  async header(batchId: string): Promise<BatchHeader | undefined> {
    const known = this.#finalHeaders.get(batchId);
    if (known) return known;
    const header = await readRecord(this.#store, headerKey(batchId), batchHeaderSchema);
    // That of an open batch still grows.
    if (header && !header.open) remember(this.#finalHeaders, batchId, header, HEADERS_IN_MEMORY);
    return header;
  }

  /** Up to {@link PHOTOS_PER_PAGE} photos of the manifest; empty past its end. Treat the answer as read-only. */
  async page(batchId: string, page: number): Promise<readonly PhotoRecord[]> {
    const key = manifestKey(batchId, page);
    const known = this.#finalPages.get(key);
    if (known) return known;
    const records = (await readRecord(this.#store, key, z.array(photoRecordSchema))) ?? [];
    // An open batch may still add to its last page; every other page stays as it is. One that is lost may come back.
    const final =
      records.length === PHOTOS_PER_PAGE || (records.length > 0 && (await this.header(batchId))?.open === false);
    if (final) remember(this.#finalPages, key, records, PAGES_IN_MEMORY);
    return records;
  }

  async photo(batchId: string, index: number): Promise<PhotoRecord | undefined> {
    const records = await this.page(batchId, pageOf(index));
    return records[index % PHOTOS_PER_PAGE];
  }

  /** Leaves photos for an open batch; their indexes are given when {@link append} takes them in. */
  async leave(batchId: string, additionId: string, photos: readonly PhotoRecord[]): Promise<void> {
    await writeRecord(this.#store, additionKey(batchId, additionId), photos);
  }

  /**
   * Takes in what was left under `additionId`, from index `total` on, or where it was taken in before. Only the batch's
   * workflow calls this, one addition at a time; doing it again after a crash writes the same.
   * @throws DarkroomError `invalid_request` for a name that can be none, `not_found` when nothing was left under it
   */
  async append(batchId: string, additionId: string, total: number): Promise<AppendedPhotos> {
    if (!isAdditionId(additionId)) throw new DarkroomError('invalid_request', 'Expected the name of an addition.');
    const known = await readRecord(this.#store, placeKey(batchId, additionId), placeSchema);
    if (known) return known;
    const left = await readRecord(this.#store, additionKey(batchId, additionId), z.array(photoRecordSchema));
    const header = await this.header(batchId);
    if (!left || !header) throw new DarkroomError('not_found', 'The photos that were to be added are not there.');
    const added = left.map((photo, at) => ({ ...photo, index: total + at }));
    for (let page = pageOf(total); page <= pageOf(total + added.length - 1); page++) {
      const before = (await this.page(batchId, page)).filter(({ index }) => index < total);
      const here = added.filter(({ index }) => pageOf(index) === page);
      await writeRecord(this.#store, manifestKey(batchId, page), [...before, ...here]);
    }
    const kilopixels = added.reduce((sum, photo) => sum + photo.kilopixels, 0);
    if (header.total <= total) {
      const grown = { ...header, total: total + added.length, kilopixels: header.kilopixels + kilopixels };
      await writeRecord(this.#store, headerKey(batchId), grown);
    }
    // Last, so that nobody is told of a place that the photos have not got.
    const place: AppendedPhotos = { from: total, count: added.length, kilopixels };
    await writeRecord(this.#store, placeKey(batchId, additionId), place, { onlyIfAbsent: true });
    return place;
  }

  /** The outcome that counts for a photo: its tombstone, else the one of the latest round. */
  async outcome(batchId: string, index: number): Promise<PhotoOutcome | undefined> {
    const latest = (await this.#latestNames(batchId, pageOf(index))).get(index);
    return latest === undefined ? undefined : this.#readOutcome(batchId, pageOf(index), latest.name);
  }

  /**
   * {@link outcome} for whoever works in a round and need not look beyond it: asks for the few names there can be instead
   * of listing the page.
   */
  async outcomeUpTo(batchId: string, index: number, epoch: number): Promise<PhotoOutcome | undefined> {
    for (const rank of ['removed' as const, ...Array.from({ length: epoch + 1 }, (_, earlier) => epoch - earlier)]) {
      const found = await readRecord(this.#store, outcomeKey(batchId, index, rank), photoOutcomeSchema);
      if (found) return found;
    }
    return undefined;
  }

  /** What a round made of a photo, whatever came later: a tombstone names the round before it. */
  async outcomeOfRound(batchId: string, index: number, epoch: number): Promise<PhotoOutcome | undefined> {
    return readRecord(this.#store, outcomeKey(batchId, index, epoch), photoOutcomeSchema);
  }

  /** True once the photo has its tombstone: nothing may be published for it any more. */
  async isRemoved(batchId: string, index: number): Promise<boolean> {
    return (await this.#store.stat(outcomeKey(batchId, index, 'removed'))) !== undefined;
  }

  /** Outcomes of a manifest page by photo index; photos without one are absent. */
  async outcomesOfPage(batchId: string, page: number): Promise<Map<number, PhotoOutcome>> {
    const names = [...(await this.#latestNames(batchId, page))];
    const outcomes = new Map<number, PhotoOutcome>();
    for (let start = 0; start < names.length; start += READS_AT_ONCE) {
      const group = names.slice(start, start + READS_AT_ONCE);
      const read = await Promise.all(group.map(([, { name }]) => this.#readOutcome(batchId, page, name)));
      group.forEach(([index], position) => {
        const outcome = read[position];
        if (outcome) outcomes.set(index, outcome);
      });
    }
    return outcomes;
  }

  /** Which outcome counts for each photo of a page, by its round (`Infinity`: its tombstone). None of them is read. */
  async ranksOfPage(batchId: string, page: number): Promise<ReadonlyMap<number, number>> {
    const names = await this.#latestNames(batchId, page);
    return new Map(Array.from(names, ([index, { rank }]) => [index, rank]));
  }

  /** @returns false when the photo has an outcome for this round already: the caller's result must not be used. */
  async record(batchId: string, outcome: PhotoOutcome): Promise<boolean> {
    const key = outcomeKey(batchId, outcome.index, outcome.status === 'removed' ? 'removed' : outcome.epoch);
    return writeRecord(this.#store, key, outcome, { onlyIfAbsent: true });
  }

  /** The mark of a batch that was rolled back as a whole. */
  async rolledBack(batchId: string): Promise<RolledBack | undefined> {
    return readRecord(this.#store, rolledBackKey(batchId), rolledBackSchema);
  }

  async markRolledBack(batchId: string, mark: RolledBack): Promise<void> {
    await writeRecord(this.#store, rolledBackKey(batchId), mark);
  }

  /** The mark of a batch whose uploads and results were removed when their time was over. */
  async expired(batchId: string): Promise<Expired | undefined> {
    return readRecord(this.#store, expiredKey(batchId), expiredSchema);
  }

  async markExpired(batchId: string, mark: Expired): Promise<void> {
    await writeRecord(this.#store, expiredKey(batchId), mark);
  }

  async summary(batchId: string): Promise<BatchSummary | undefined> {
    return readRecord(this.#store, summaryKey(batchId), batchSummarySchema);
  }

  async close(summary: BatchSummary): Promise<void> {
    await writeRecord(this.#store, summaryKey(summary.batchId), summary);
  }

  /** Batch IDs, newest first, those made before `before` only. */
  async batches(options: { before?: string; limit: number }): Promise<string[]> {
    const found: string[] = [];
    for await (const batchId of this.walk(options.before)) {
      found.push(batchId);
      if (found.length >= options.limit) break;
    }
    return found;
  }

  /** {@link batches} one by one, for whoever does not know how many it needs. */
  async *walk(before?: string): AsyncGenerator<string> {
    for await (const batchId of newestFirst(this.#store, BATCHES, beforeName(before, 'b-'.length))) {
      if (isBatchId(batchId)) yield batchId;
    }
  }

  async #latestNames(batchId: string, page: number): Promise<Map<number, { name: string; rank: number }>> {
    const latest = new Map<number, { name: string; rank: number }>();
    for (const name of await this.#store.list(outcomesPrefix(batchId, page))) {
      const parsed = parseOutcomeName(name, page);
      if (!parsed) continue;
      const known = latest.get(parsed.index);
      if (!known || parsed.rank > known.rank) latest.set(parsed.index, { name, rank: parsed.rank });
    }
    return latest;
  }

  async #readOutcome(batchId: string, page: number, name: string): Promise<PhotoOutcome | undefined> {
    return readRecord(this.#store, `${outcomesPrefix(batchId, page)}/${name}`, photoOutcomeSchema);
  }
}

/** Keeps the newest entries of a cache whose values never change. */
function remember<T>(cache: Map<string, T>, key: string, value: T, capacity: number): void {
  cache.set(key, value);
  const [oldest] = cache.keys();
  if (cache.size > capacity && oldest !== undefined) cache.delete(oldest);
}
