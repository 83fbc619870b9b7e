import type { AppendedPhotos, OpenedPage, PendingPhoto, Survey } from '../contracts/activities.ts';
import { pageOf, photoId, PHOTOS_PER_PAGE } from '../contracts/ids.ts';
import { estimateEta, type BatchProgress } from '../contracts/progress.ts';
import type {
  EnhanceBatchCarried,
  EnhanceBatchInput,
  EnhanceBatchResult,
  PhotosAnswer,
} from '../contracts/workflow-api.ts';

type PhotoState = PhotosAnswer['photos'][number]['state'];

/** What the workflow should do now; it asks again after every event. */
export type Step =
  | { do: 'enhance'; photo: PendingPhoto }
  | { do: 'open page'; page: number; from: number }
  | { do: 'survey' }
  | { do: 'continue as new' }
  | { do: 'finish' }
  | { do: 'wait' };

/** A repeated call is recognised for so long; each is a call of the API, and callers repeat at once or not at all. */
const ADDITIONS_REMEMBERED = 200;

/**
 * The batch's books: what is queued, under way and settled, and what to do next. Pure and deterministic: it knows neither
 * Temporal nor a clock, so that every decision of the workflow can be tested without either.
 */
export class BatchLedger {
  readonly #input: EnhanceBatchInput;
  readonly #photos = new Map<number, { photo: PendingPhoto; state: PhotoState }>();
  readonly #queue: PendingPhoto[] = [];
  readonly #underWay = new Set<number>();
  readonly #dropped: Set<number>;
  #total: number;
  #kilopixels: number;
  #open: boolean;
  #next: number;
  #pagesAgain: number[];
  /** Photos that an earlier run had queued and not started: all that is still to do of their pages. */
  readonly #left: Set<number>;
  readonly #additions: EnhanceBatchCarried['additions'];
  #surveyDue: boolean;
  #retryRequested: boolean;
  #round: number;
  #completed: number;
  #failed: number;
  #settledKilopixels: number;
  #paused: boolean;
  #cancelling = false;
  #closed = false;
  #maxWorkers: number;
  #priority: number;
  #startedThisRun = 0;
  readonly #startedAt: number;
  /** Time not spent paused, up to `#activeSince`, or up to now while paused. */
  #activeMs: number;
  #activeSince: number;
  #settledActiveMs: number;

  constructor(input: EnhanceBatchInput, now: number) {
    const carried = input.carried;
    this.#input = input;
    this.#total = carried?.total ?? input.total;
    this.#kilopixels = carried?.kilopixels ?? input.kilopixels;
    this.#open = carried?.open ?? input.open ?? false;
    this.#next = carried?.next ?? 0;
    this.#pagesAgain = carried?.pagesAgain ?? [];
    this.#left = new Set(carried?.left);
    this.#additions = carried?.additions ?? [];
    this.#surveyDue = carried === undefined && input.resume === true;
    this.#retryRequested = carried?.retryRequested ?? false;
    this.#round = carried?.round ?? 0;
    this.#completed = carried?.completed ?? 0;
    this.#failed = carried?.failed ?? 0;
    this.#settledKilopixels = carried?.settledKilopixels ?? 0;
    this.#paused = carried?.paused ?? false;
    this.#dropped = new Set(carried?.dropped);
    this.#maxWorkers = carried?.maxWorkers ?? input.maxWorkers;
    this.#priority = carried?.priority ?? input.priority;
    this.#startedAt = carried?.startedAt ?? now;
    this.#activeMs = carried?.activeMs ?? 0;
    this.#activeSince = now;
    this.#settledActiveMs = carried?.settledActiveMs ?? 0;
  }

  get round(): number {
    return this.#round;
  }

  get priority(): number {
    return this.#priority;
  }

  get idle(): boolean {
    return this.#underWay.size === 0;
  }

  isUnderWay(index: number): boolean {
    return this.#underWay.has(index);
  }

  /** `runIsLong` is Temporal's own advice to continue as new. */
  nextStep(runIsLong: boolean): Step {
    if (this.#surveyDue) return { do: 'survey' };
    if (this.#paused || this.#underWay.size >= this.#maxWorkers) return { do: 'wait' };
    const photo = this.#queue[0];
    const page = this.#nextPage();
    if (photo === undefined && page === undefined) return this.#stepAtEnd();
    if (runIsLong || this.#startedThisRun >= PHOTOS_PER_PAGE)
      return this.idle ? { do: 'continue as new' } : { do: 'wait' };
    if (photo !== undefined) return { do: 'enhance', photo };
    return page === undefined ? { do: 'wait' } : { do: 'open page', ...page };
  }

  #stepAtEnd(): Step {
    if (!this.idle) return { do: 'wait' };
    if (this.#retryRequested && this.#failed > 0) return { do: 'survey' };
    return this.#open ? { do: 'wait' } : { do: 'finish' };
  }

  #nextPage(): { page: number; from: number } | undefined {
    const [again] = this.#pagesAgain;
    if (again !== undefined) return { page: again, from: again * PHOTOS_PER_PAGE };
    return this.#next < this.#total ? { page: pageOf(this.#next), from: this.#next } : undefined;
  }

  /** A page was opened: its pending photos are queued, what it had settled is counted. */
  pageOpened(page: number, opened: OpenedPage): void {
    if (this.#pagesAgain[0] === page) this.#pagesAgain = this.#pagesAgain.slice(1);
    const continued = new Set([...this.#left].filter((index) => pageOf(index) === page));
    if (continued.size === 0) {
      this.#next = Math.max(this.#next, opened.next);
      this.#completed += opened.completed;
      this.#failed += opened.failed;
      this.#settledKilopixels += opened.settledKilopixels;
    }
    for (const index of continued) this.#left.delete(index);
    for (const photo of opened.pending) {
      if (this.#dropped.has(photo.index) || (continued.size > 0 && !continued.has(photo.index))) continue;
      this.#photos.set(photo.index, { photo, state: 'queued' });
      this.#queue.push(photo);
    }
  }

  /** The journal was counted: from here on only what it lacks is done, failures again. */
  surveyed(survey: Survey): void {
    this.#surveyDue = false;
    this.#retryRequested = false;
    this.#round = survey.epoch;
    this.#completed = survey.completed;
    this.#failed = survey.failed;
    this.#settledKilopixels = survey.settledKilopixels;
    this.#total = survey.total;
    this.#kilopixels = survey.kilopixels;
    this.#next = survey.total;
    this.#pagesAgain = survey.pages;
    this.#left.clear();
  }

  started(index: number): void {
    const position = this.#queue.findIndex((photo) => photo.index === index);
    if (position >= 0) this.#queue.splice(position, 1);
    this.#underWay.add(index);
    this.#startedThisRun += 1;
    this.#mark(index, 'processing');
  }

  settled(index: number, state: 'completed' | 'failed' | 'cancelled', now: number): void {
    this.#underWay.delete(index);
    this.#mark(index, state);
    // A batch that is being cancelled keeps its unfinished photos for a later resume.
    if (state === 'cancelled' && !this.#dropped.has(index)) return;
    if (state === 'completed') this.#completed += 1;
    else this.#failed += 1;
    this.#settledKilopixels += this.#photos.get(index)?.photo.kilopixels ?? 0;
    this.#settledActiveMs = this.#active(now);
  }

  #mark(index: number, state: PhotoState): void {
    const known = this.#photos.get(index);
    if (known) known.state = state;
  }

  pause(now: number): boolean {
    if (this.#paused || this.#cancelling) return false;
    this.#activeMs += now - this.#activeSince;
    this.#paused = true;
    return true;
  }

  resume(now: number): boolean {
    if (!this.#paused) return false;
    this.#activeSince = now;
    this.#paused = false;
    return true;
  }

  cancel(now: number): void {
    this.resume(now);
    this.#cancelling = true;
  }

  get total(): number {
    return this.#total;
  }

  get open(): boolean {
    return this.#open;
  }

  /** The place of an addition that was taken in before. */
  addition(additionId: string): { from: number; count: number } | undefined {
    return this.#additions.find(({ id }) => id === additionId);
  }

  added(additionId: string, { from, count, kilopixels }: AppendedPhotos): void {
    this.#additions.push({ id: additionId, from, count });
    this.#total = from + count;
    this.#kilopixels += kilopixels;
  }

  seal(): boolean {
    const changed = this.#open;
    this.#open = false;
    return changed;
  }

  requestRetry(): boolean {
    const changed = !this.#retryRequested && this.#failed > 0;
    this.#retryRequested ||= this.#failed > 0;
    return changed;
  }

  setMaxWorkers(maxWorkers: number): boolean {
    const changed = this.#maxWorkers !== maxWorkers;
    this.#maxWorkers = maxWorkers;
    return changed;
  }

  setPriority(priority: number): boolean {
    const changed = this.#priority !== priority;
    this.#priority = priority;
    return changed;
  }

  /** Takes photos out of the batch. Queued ones are settled here; the caller stops those under way. */
  drop(indexes: readonly number[], now: number): boolean {
    let changed = false;
    for (const index of indexes) {
      if (this.#dropped.has(index) || index >= this.#total) continue;
      const state = this.#photos.get(index)?.state;
      if (state === 'completed' || state === 'failed') continue;
      if (state === undefined && this.#isBehind(index)) continue;
      this.#dropped.add(index);
      changed = true;
      const position = this.#queue.findIndex((photo) => photo.index === index);
      if (position >= 0) this.#queue.splice(position, 1);
      if (!this.#underWay.has(index)) this.settled(index, 'cancelled', now);
    }
    return changed;
  }

  /** Settled by an earlier run, which knew it. */
  #isBehind(index: number): boolean {
    return index < this.#next && !this.#left.has(index) && !this.#pagesAgain.includes(pageOf(index));
  }

  progress(now: number): BatchProgress {
    const settled = this.#completed + this.#failed;
    const progress: BatchProgress = {
      state: this.#state(),
      total: this.#total,
      completed: this.#completed,
      failed: this.#failed,
      progress: this.#total === 0 ? 0 : settled / this.#total,
      eta: null,
      inFlight: this.#underWay.size,
      open: this.#open,
      maxWorkers: this.#maxWorkers,
      priority: this.#priority,
      kilopixels: { total: this.#kilopixels, settled: this.#settledKilopixels },
      activeMs: this.#active(now),
      settledActiveMs: this.#settledActiveMs,
      round: this.#round,
      startedAt: this.#startedAt,
      updatedAt: now,
    };
    return { ...progress, eta: estimateEta(progress, [], now) };
  }

  #active(now: number): number {
    return this.#paused ? this.#activeMs : this.#activeMs + now - this.#activeSince;
  }

  #state(): BatchProgress['state'] {
    if (this.#closed) return this.outcome();
    if (this.#cancelling) return 'cancelling';
    return this.#paused ? 'paused' : 'running';
  }

  /** How the batch ends if it ends now. All photos failed is `failed`, never partial. */
  outcome(): EnhanceBatchResult['status'] {
    if (this.#completed >= this.#total) return 'completed';
    if (this.#cancelling && this.#completed + this.#failed < this.#total) return 'cancelled';
    return this.#completed === 0 ? 'failed' : 'partial_completed';
  }

  /** The books are closed: from here on the state is how the batch ended. */
  close(): void {
    this.#closed = true;
  }

  result(): EnhanceBatchResult {
    return { status: this.outcome(), total: this.#total, completed: this.#completed, failed: this.#failed };
  }

  photos(): PhotosAnswer {
    return {
      photos: Array.from(this.#photos.values(), ({ photo, state }) => ({
        photoId: photoId(this.#input.batchId, photo.index),
        name: photo.name,
        state,
      })),
    };
  }

  carried(now: number): EnhanceBatchCarried {
    return {
      round: this.#round,
      total: this.#total,
      kilopixels: this.#kilopixels,
      open: this.#open,
      next: this.#next,
      // What is queued would be passed over otherwise: its page was opened.
      pagesAgain: [...new Set([...this.#queue.map(({ index }) => pageOf(index)), ...this.#pagesAgain])],
      left: [...this.#queue.map(({ index }) => index), ...this.#left],
      additions: this.#additions.slice(-ADDITIONS_REMEMBERED),
      completed: this.#completed,
      failed: this.#failed,
      settledKilopixels: this.#settledKilopixels,
      paused: this.#paused,
      retryRequested: this.#retryRequested,
      dropped: [...this.#dropped],
      maxWorkers: this.#maxWorkers,
      priority: this.#priority,
      startedAt: this.#startedAt,
      activeMs: this.#active(now),
      settledActiveMs: this.#settledActiveMs,
    };
  }
}
