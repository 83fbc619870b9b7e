import { pageOf, PHOTOS_PER_PAGE } from '../contracts/ids.ts';
import type { EnhanceBatchCarried } from '../contracts/workflow-api.ts';

/**
 * The way through a manifest of up to 100,000 photos, a page at a time: once from its beginning to its end, and before that
 * the pages that must be gone through again, for what a run left queued or for a round's failures.
 */
export class ManifestWalk {
  /** Index of the first photo that was not opened yet. */
  #next: number;
  #pagesAgain: number[];
  /** Photos that an earlier run had queued and not started: all that is still to do of their pages. */
  readonly #left: Set<number>;

  constructor(carried: Pick<EnhanceBatchCarried, 'next' | 'pagesAgain' | 'left'> | undefined) {
    this.#next = carried?.next ?? 0;
    this.#pagesAgain = carried?.pagesAgain ?? [];
    this.#left = new Set(carried?.left);
  }

  /**
   * The page to open next, the first index to look at in it, and the first that was not seen before; `undefined` at the end of
   * a manifest of `total` photos.
   */
  nextPage(total: number): { page: number; from: number; countFrom: number } | undefined {
    const [again] = this.#pagesAgain;
    const countFrom = this.#next;
    if (again !== undefined) return { page: again, from: again * PHOTOS_PER_PAGE, countFrom };
    return countFrom < total ? { page: pageOf(countFrom), from: countFrom, countFrom } : undefined;
  }

  /**
   * @param next - index of the first photo behind those that were opened.
   * @returns `left`: the photos of the page that are still to do, where an earlier run had opened it and knew the others;
   *   else `newFrom`: the first photo that was not seen before, and whether it was a page to go through `again`.
   */
  opened(page: number, next: number): { left?: ReadonlySet<number>; newFrom?: number; again?: boolean } {
    const again = this.#pagesAgain[0] === page;
    if (again) this.#pagesAgain = this.#pagesAgain.slice(1);
    const left = new Set([...this.#left].filter((index) => pageOf(index) === page));
    for (const index of left) this.#left.delete(index);
    if (left.size > 0) return { left };
    const newFrom = this.#next;
    this.#next = Math.max(this.#next, next);
    return { newFrom, again };
  }

  /** From here on only these pages are gone through, and what is added to the `total` photos there are. */
  startRound(pages: number[], total: number): void {
    this.#next = total;
    this.#pagesAgain = pages;
    this.#left.clear();
  }

  /** Whether the walk is past a photo for good: an earlier run had it, and knew how it ended. */
  isBehind(index: number): boolean {
    return index < this.#next && !this.#left.has(index) && !this.#pagesAgain.includes(pageOf(index));
  }

  /** @param queued - indexes that are queued now: they would be passed over otherwise, their pages were opened. */
  carried(queued: readonly number[]): Required<Pick<EnhanceBatchCarried, 'next' | 'pagesAgain' | 'left'>> {
    return {
      next: this.#next,
      pagesAgain: [...new Set([...queued.map(pageOf), ...this.#pagesAgain])],
      left: [...queued, ...this.#left],
    };
  }
}
