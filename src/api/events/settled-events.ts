import type { BatchService } from '../../batches/batch-service.ts';
import { settledEventsOf } from './moment.ts';
import type { SettledLedger } from './settled-ledger.ts';

/** Pages, and pieces made of them, that are kept: those that followers are just being told. */
const PAGES_KEPT = 4;
const PIECES_KEPT = 8;

/** Events of settled photos, read once for all followers that are behind, however many come back at once. */
export class SettledEvents {
  readonly #batchId: string;
  readonly #service: Pick<BatchService, 'photosAt'>;
  readonly #ledger: SettledLedger;
  readonly #pages = new Map<string, Promise<ReadonlyMap<number, string>>>();
  readonly #pieces = new Map<string, Promise<Buffer>>();

  constructor(batchId: string, service: Pick<BatchService, 'photosAt'>, ledger: SettledLedger) {
    this.#batchId = batchId;
    this.#service = service;
    this.#ledger = ledger;
  }

  /** What is missing of a page as bytes, which are the same for all who miss the same. */
  pieceOf(page: number, missing: readonly number[]): Promise<Buffer> {
    const version = `${page} ${this.#ledger.changedAt(page)}`;
    return keep(this.#pieces, `${version} ${missing.join()}`, PIECES_KEPT, async () => {
      const events = await keep(this.#pages, version, PAGES_KEPT, async () =>
        settledEventsOf(await this.#service.photosAt(this.#batchId, this.#ledger.missing(page, -1, undefined))),
      );
      return Buffer.from(missing.map((index) => events.get(index) ?? '').join(''));
    });
  }
}

/** The answer that is known or on its way, else a new one; the oldest is forgotten first, and so is a failure. */
function keep<T>(known: Map<string, Promise<T>>, key: string, capacity: number, make: () => Promise<T>): Promise<T> {
  const found = known.get(key);
  if (found) return found;
  const made = make();
  known.set(key, made);
  made.catch(() => known.delete(key));
  const [oldest] = known.keys();
  if (known.size > capacity && oldest !== undefined) known.delete(oldest);
  return made;
}
