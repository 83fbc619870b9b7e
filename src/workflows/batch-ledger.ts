import type { AppendedPhotos, OpenedPage, PendingPhoto, Survey } from '../contracts/activities.ts';
import { PHOTOS_PER_PAGE } from '../contracts/ids.ts';
import { estimateEta, type BatchProgress } from '../contracts/progress.ts';
import type {
  EnhanceBatchCarried,
  EnhanceBatchInput,
  EnhanceBatchResult,
  PhotosAnswer,
} from '../contracts/workflow-api.ts';
import { Additions } from './additions.ts';
import { ManifestWalk } from './manifest-walk.ts';
import { OpenedPhotos } from './opened-photos.ts';
import { Tally } from './tally.ts';
import { WorkingTime } from './working-time.ts';

/** What the workflow should do now; it asks again after every event. */
export type Step =
  | { do: 'enhance'; photo: PendingPhoto }
  | { do: 'open page'; page: number; from: number; countFrom: number }
  | { do: 'survey' }
  | { do: 'continue as new' }
  | { do: 'finish' }
  | { do: 'wait' };

/**
 * The batch's books: what is queued, under way and settled, and what to do next. Pure and deterministic: it knows neither
 * Temporal nor a clock, so that every decision of the workflow can be tested without either. Longer than other files, because
 * all of a batch's decisions are read here together; what they rest on (pages, counts, time, additions) has files of its own.
 */
export class BatchLedger {
  readonly #batchId: string;
  readonly #photos = new OpenedPhotos();
  readonly #walk: ManifestWalk;
  readonly #time: WorkingTime;
  readonly #dropped: Set<number>;
  readonly #tally: Tally;
  #open: boolean;
  readonly #additions: Additions;
  #surveyDue: boolean;
  #retryRequested: boolean;
  #round: number;
  #cancelling = false;
  #closed = false;
  #maxWorkers: number;
  #priority: number;
  #startedThisRun = 0;
  readonly #startedAt: number;

  constructor(input: EnhanceBatchInput, now: number) {
    const carried = input.carried;
    this.#batchId = input.batchId;
    this.#walk = new ManifestWalk(carried);
    this.#time = new WorkingTime(carried, now);
    this.#tally = new Tally(input);
    this.#open = carried?.open ?? input.open ?? false;
    this.#additions = new Additions(carried);
    this.#surveyDue = carried === undefined && input.resume === true;
    this.#retryRequested = carried?.retryRequested ?? false;
    this.#round = carried?.round ?? 0;
    this.#dropped = new Set(carried?.dropped);
    this.#maxWorkers = carried?.maxWorkers ?? input.maxWorkers;
    this.#priority = carried?.priority ?? input.priority;
    this.#startedAt = carried?.startedAt ?? now;
  }

  get round(): number {
    return this.#round;
  }
  get priority(): number {
    return this.#priority;
  }
  get total(): number {
    return this.#tally.total;
  }
  get open(): boolean {
    return this.#open;
  }
  /** True until a batch that is resumed has counted what it had done. */
  get surveyDue(): boolean {
    return this.#surveyDue;
  }
  get idle(): boolean {
    return this.#photos.underWay === 0;
  }

  isUnderWay(index: number): boolean {
    return this.#photos.isUnderWay(index);
  }

  /** `runIsLong` is Temporal's own advice to continue as new. */
  nextStep(runIsLong: boolean): Step {
    if (this.#surveyDue) return { do: 'survey' };
    if (this.#time.paused || this.#photos.underWay >= this.#maxWorkers) return { do: 'wait' };
    const photo = this.#photos.firstQueued;
    const page = this.#walk.nextPage(this.#tally.total);
    if (photo === undefined && page === undefined) return this.#stepAtEnd();
    if (runIsLong || this.#startedThisRun >= PHOTOS_PER_PAGE)
      return this.idle ? { do: 'continue as new' } : { do: 'wait' };
    if (photo !== undefined) return { do: 'enhance', photo };
    return page === undefined ? { do: 'wait' } : { do: 'open page', ...page };
  }

  #stepAtEnd(): Step {
    if (!this.idle) return { do: 'wait' };
    if (this.#retryRequested && this.#tally.failed > 0) return { do: 'survey' };
    return this.#open ? { do: 'wait' } : { do: 'finish' };
  }

  /** A page was opened: its pending photos are queued, and what had settled of those not seen before is counted. */
  pageOpened(page: number, opened: OpenedPage): void {
    const { left, newFrom, again } = this.#walk.opened(page, opened.next);
    // Workers of older versions count whole pages, and nothing after round 0.
    const counted = opened.countedFrom !== undefined || (this.#round === 0 && !again);
    if (newFrom !== undefined && counted) {
      this.#tally.addSettledBefore(opened);
      this.#tally.countedTwice(this.#droppedAndSettled(newFrom, opened));
    }
    for (const photo of opened.pending) {
      if (!this.#dropped.has(photo.index) && left?.has(photo.index) !== false) this.#photos.enqueue(photo);
    }
  }

  /** Photos that were taken out before their page was opened, and counted then, and that the page counts as well. */
  #droppedAndSettled(newFrom: number, { next, pending }: OpenedPage): number {
    const toDo = new Set(pending.map(({ index }) => index));
    return [...this.#dropped].filter((index) => index >= newFrom && index < next && !toDo.has(index)).length;
  }

  /** The journal was counted: from here on only what it lacks is done, failures again. */
  surveyed(survey: Survey, { keepsWhatCame = false } = {}): void {
    this.#surveyDue = false;
    this.#retryRequested = false;
    this.#round = survey.epoch;
    this.#tally.recount(survey, keepsWhatCame);
    this.#walk.startRound(survey.pages, survey.total);
  }

  started(index: number): void {
    this.#photos.start(index);
    this.#startedThisRun += 1;
  }

  settled(index: number, state: 'completed' | 'failed' | 'cancelled', now: number): void {
    this.#photos.settle(index, state);
    // A batch that is being cancelled keeps its unfinished photos for a later resume.
    if (state === 'cancelled' && !this.#dropped.has(index)) return;
    this.#tally.photoSettled(state === 'completed', this.#photos.kilopixelsOf(index));
    this.#time.photoSettled(now);
  }

  pause(now: number): boolean {
    return !this.#cancelling && this.#time.pause(now);
  }

  resume(now: number): boolean {
    return this.#time.resume(now);
  }

  cancel(now: number): void {
    this.resume(now);
    this.#cancelling = true;
  }

  /** The place of an addition that was taken in before. */
  addition(additionId: string): { from: number; count: number } | undefined {
    return this.#additions.find(additionId);
  }

  added(additionId: string, appended: AppendedPhotos): void {
    this.#additions.add(additionId, appended);
    // The journal remembers additions that this run does not: their photos are counted.
    if (appended.from >= this.#tally.total) this.#tally.photosAdded(appended);
  }

  seal(): boolean {
    const changed = this.#open;
    this.#open = false;
    return changed;
  }

  requestRetry(): boolean {
    const changed = !this.#retryRequested && this.#tally.failed > 0;
    this.#retryRequested ||= this.#tally.failed > 0;
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
      if (this.#dropped.has(index) || index >= this.#tally.total) continue;
      const state = this.#photos.stateOf(index);
      if (state === 'completed' || state === 'failed') continue;
      if (state === undefined && this.#walk.isBehind(index)) continue;
      this.#dropped.add(index);
      changed = true;
      this.#photos.dequeue(index);
      if (!this.#photos.isUnderWay(index)) this.settled(index, 'cancelled', now);
    }
    return changed;
  }

  progress(now: number): BatchProgress {
    const progress: BatchProgress = {
      state: this.#state(),
      ...this.#tally.progress(),
      eta: null,
      inFlight: this.#photos.underWay,
      open: this.#open,
      maxWorkers: this.#maxWorkers,
      priority: this.#priority,
      ...this.#time.progress(now),
      round: this.#round,
      startedAt: this.#startedAt,
      updatedAt: now,
    };
    return { ...progress, eta: estimateEta(progress, [], now) };
  }

  #state(): BatchProgress['state'] {
    if (this.#closed) return this.#tally.outcome(this.#cancelling);
    if (this.#cancelling) return 'cancelling';
    return this.#time.paused ? 'paused' : 'running';
  }

  /** The books are closed: from here on the state is how the batch ended. */
  close(): void {
    this.#closed = true;
  }

  /** How the batch ends if it ends now. */
  result(): EnhanceBatchResult {
    return { status: this.#tally.outcome(this.#cancelling), ...this.#tally.counts() };
  }

  photos(): PhotosAnswer {
    return { photos: this.#photos.list(this.#batchId) };
  }

  carried(now: number): EnhanceBatchCarried {
    return {
      round: this.#round,
      ...this.#tally.carried(),
      open: this.#open,
      ...this.#walk.carried(this.#photos.queuedIndexes),
      additions: this.#additions.carried(),
      ...this.#time.carried(now),
      retryRequested: this.#retryRequested,
      dropped: [...this.#dropped],
      maxWorkers: this.#maxWorkers,
      priority: this.#priority,
      startedAt: this.#startedAt,
    };
  }
}
