import { compensationSchema, type Compensation } from '../contracts/operations.ts';
import { readRecord, writeRecord } from './json-records.ts';
import { compensationKey, deliveriesOf, deliveryKey } from './keys.ts';
import type { Store } from './store.ts';

/**
 * The journal's pages on what publication does outside the store, in folders and buckets that others write to as well: how each
 * photo's is undone, and by which content a file is known as ours. Both are written down before anything is done.
 */
export class Deliveries {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** How to undo what a photo's publication did outside the store. */
  async compensation(batchId: string, index: number): Promise<Compensation | undefined> {
    return readRecord(this.#store, compensationKey(batchId, index), compensationSchema);
  }

  /** Registers a compensation, once: a later attempt must not take the result for the original. */
  async registerCompensation(batchId: string, compensation: Compensation): Promise<void> {
    const key = compensationKey(batchId, compensation.index);
    await writeRecord(this.#store, key, compensation, { onlyIfAbsent: true });
  }

  /** Notes, before a file outside the store is written, what its content will be. */
  async note(batchId: string, index: number, sha256: string): Promise<void> {
    await this.#store.write(deliveryKey(batchId, index, sha256), new Uint8Array(), { onlyIfAbsent: true });
  }

  /** Notes, after an object outside the store was written, how the server names its content. */
  async noteObject(batchId: string, index: number, sha256: string, etag: string): Promise<void> {
    await this.#store.write(deliveryKey(batchId, index, sha256), Buffer.from(etag));
  }

  /** What deliveries of this photo may have written as objects; without `etag` where nobody could note it. */
  async objects(batchId: string, index: number): Promise<{ sha256: string; etag: string | undefined }[]> {
    const digests = [...(await this.digests(batchId, index))];
    return Promise.all(
      digests.map(async (sha256) => {
        const noted = (await this.#store.read(deliveryKey(batchId, index, sha256)))?.toString();
        return { sha256, etag: noted === '' ? undefined : noted };
      }),
    );
  }

  /** SHA-256 of every content that deliveries of this photo may have written. */
  async digests(batchId: string, index: number): Promise<Set<string>> {
    const deliveries = deliveriesOf(batchId, index);
    const names = await this.#store.list(deliveries.prefix);
    return new Set(names.map((name) => deliveries.sha256(name)).filter((digest) => digest !== undefined));
  }
}
