import type { PhotoRecord } from '../../contracts/batch.ts';
import type { Passed } from './walk-folder.ts';

/** What was found of a source. */
export interface Found {
  readonly photos: PhotoRecord[];
  /** The first of those that were passed over, and how many they are in all. */
  readonly skipped: readonly Passed[];
  readonly skippedTotal: number;
}

const SKIPPED_LISTED = 100;

/** Keeps the first of what is passed over, and counts the rest. */
export class Skipped {
  readonly #first: Passed[] = [];
  #total = 0;

  readonly add = (passed: Passed): void => {
    this.#total += 1;
    if (this.#first.length < SKIPPED_LISTED) this.#first.push(passed);
  };

  get told(): { readonly skipped: readonly Passed[]; readonly skippedTotal: number } {
    return { skipped: this.#first, skippedTotal: this.#total };
  }
}
