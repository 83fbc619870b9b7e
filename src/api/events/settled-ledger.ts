import { PHOTOS_PER_PAGE } from '../../contracts/ids.ts';
import { knownRanks, type Position } from './position.ts';

/** Pages whose names are read at one look, however many the batch has. */
const PAGES_AT_ONE_LOOK = 16;

/** What has settled of a batch as far as this server has seen it, and when it saw it. */
export class SettledLedger {
  /** Ranks of all photos, see `settledRanks`. */
  ranks = new Uint8Array(0);
  /** Counts the looks that found something. */
  clock = 0;
  /** The clock when a page last changed. */
  readonly #changes: number[] = [];
  #turn = 0;

  get pages(): number {
    return Math.ceil(this.ranks.length / PHOTOS_PER_PAGE);
  }

  /**
   * Looks at pages of the journal: those that changed lately and their neighbours, and the others in turn, or all of them.
   * @returns indexes of the photos that have settled since the last look.
   */
  async look(
    total: number,
    read: (page: number) => Promise<ReadonlyMap<number, number>>,
    options: { all: boolean },
  ): Promise<number[]> {
    this.#grow(total);
    const pages = options.all ? Array.from({ length: this.pages }, (_, page) => page) : this.#choosePages();
    const changed: number[] = [];
    const now = this.clock + 1;
    try {
      for (const page of pages) {
        for (const [index, rank] of await read(page)) {
          if (index >= total || rank <= (this.ranks[index] ?? 0)) continue;
          this.ranks[index] = rank;
          this.#changes[page] = now;
          changed.push(index);
        }
      }
    } finally {
      if (changed.length > 0) this.clock = now; // what a failed look has found is found
    }
    return changed.sort((left, right) => left - right);
  }

  /** The clock when a page last changed; 0 before the first time. */
  changedAt(page: number): number {
    return this.#changes[page] ?? 0;
  }

  /** Photos of a page that have gone further than `known` says, when the page changed after `since`. */
  missing(page: number, since: number, known: Position | undefined): number[] {
    if (this.changedAt(page) <= since) return [];
    const from = page * PHOTOS_PER_PAGE;
    const to = Math.min(from + PHOTOS_PER_PAGE, this.ranks.length);
    const before = known ? knownRanks(known, from, to) : new Uint8Array(to - from);
    const found: number[] = [];
    for (let index = from; index < to; index++) {
      if ((this.ranks[index] ?? 0) > (before[index - from] ?? 0)) found.push(index);
    }
    return found;
  }

  /** Whether anything has settled that `known` does not say. */
  hasMore(known: Position): boolean {
    return Array.from({ length: this.pages }, (_, page) => page).some(
      (page) => this.missing(page, -1, known).length > 0,
    );
  }

  /** What a reader of `known` knows after the pages before `page`. */
  ranksUpTo(page: number, known: Position | undefined): Uint8Array {
    const total = this.ranks.length;
    const ranks = known ? knownRanks(known, 0, total) : new Uint8Array(total);
    ranks.set(this.ranks.subarray(0, Math.min(total, page * PHOTOS_PER_PAGE)));
    return ranks;
  }

  #choosePages(): number[] {
    const chosen = new Set<number>();
    const { pages } = this;
    for (let page = 0; page < pages && chosen.size < PAGES_AT_ONE_LOOK / 2; page++) {
      if (this.clock === 0 || this.#changes[page] !== this.clock) continue;
      chosen.add(page);
      if (page + 1 < pages) chosen.add(page + 1);
    }
    while (chosen.size < Math.min(PAGES_AT_ONE_LOOK, pages)) chosen.add(this.#turn++ % pages);
    return [...chosen].sort((left, right) => left - right);
  }

  #grow(total: number): void {
    if (total <= this.ranks.length) return;
    const grown = new Uint8Array(total);
    grown.set(this.ranks);
    this.ranks = grown;
  }
}
