import type { AppendedPhotos, OpenedPage, Survey } from '../contracts/activities.ts';
import type { BatchProgress } from '../contracts/progress.ts';
import type { EnhanceBatchCarried, EnhanceBatchInput, EnhanceBatchResult } from '../contracts/workflow-api.ts';

type Counted = 'total' | 'kilopixels' | 'completed' | 'failed' | 'settledKilopixels';

/** The batch in numbers: photos, and thousands of pixels, that there are and that are settled. */
export class Tally {
  #total: number;
  #kilopixels: number;
  #completed: number;
  #failed: number;
  #settledKilopixels: number;

  constructor({ total, kilopixels, carried }: EnhanceBatchInput) {
    this.#total = carried?.total ?? total;
    this.#kilopixels = carried?.kilopixels ?? kilopixels;
    this.#completed = carried?.completed ?? 0;
    this.#failed = carried?.failed ?? 0;
    this.#settledKilopixels = carried?.settledKilopixels ?? 0;
  }

  get total(): number {
    return this.#total;
  }

  get failed(): number {
    return this.#failed;
  }

  /** The journal was counted, and knows better; of photos that came meanwhile, if there are any, it may know nothing. */
  recount(survey: Pick<Survey, Counted>, keepsWhatCame: boolean): void {
    this.#total = keepsWhatCame ? this.#total : survey.total;
    this.#kilopixels = keepsWhatCame ? Math.max(this.#kilopixels, survey.kilopixels) : survey.kilopixels;
    this.#completed = survey.completed;
    this.#failed = survey.failed;
    this.#settledKilopixels = survey.settledKilopixels;
  }

  /** What had settled of a page before this run opened it. */
  addSettledBefore({ completed, failed, settledKilopixels }: OpenedPage): void {
    this.#completed += completed;
    this.#failed += failed;
    this.#settledKilopixels += settledKilopixels;
  }

  /** So many photos were counted as failed when they were taken out, and again with their page. */
  countedTwice(photos: number): void {
    this.#failed -= photos;
  }

  photosAdded({ from, count, kilopixels }: AppendedPhotos): void {
    this.#total = from + count;
    this.#kilopixels += kilopixels;
  }

  photoSettled(completed: boolean, kilopixels: number): void {
    if (completed) this.#completed += 1;
    else this.#failed += 1;
    this.#settledKilopixels += kilopixels;
  }

  /** How the batch ends if it ends now. All photos failed is `failed`, never partial. */
  outcome(cancelling: boolean): EnhanceBatchResult['status'] {
    if (this.#completed >= this.#total) return 'completed';
    if (cancelling && this.#completed + this.#failed < this.#total) return 'cancelled';
    return this.#completed === 0 ? 'failed' : 'partial_completed';
  }

  counts(): Pick<EnhanceBatchResult, 'total' | 'completed' | 'failed'> {
    return { total: this.#total, completed: this.#completed, failed: this.#failed };
  }

  progress(): Pick<BatchProgress, 'total' | 'completed' | 'failed' | 'progress' | 'kilopixels'> {
    return {
      ...this.counts(),
      progress: this.#total === 0 ? 0 : (this.#completed + this.#failed) / this.#total,
      kilopixels: { total: this.#kilopixels, settled: this.#settledKilopixels },
    };
  }

  carried(): Pick<EnhanceBatchCarried, Counted> {
    return { ...this.counts(), kilopixels: this.#kilopixels, settledKilopixels: this.#settledKilopixels };
  }
}
