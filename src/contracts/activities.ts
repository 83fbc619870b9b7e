import type { UndoCounts } from './operations.ts';

/** Names, arguments and answers of the activities: what workflows may ask for. */

export interface PhotoTask {
  batchId: string;
  index: number;
  /** Round of the batch; fences late attempts of an earlier one. */
  epoch: number;
}

export interface PendingPhoto {
  index: number;
  /** Shortened for display. */
  name: string;
  kilopixels: number;
  /** True when its original has to be fetched from a URL first. */
  fetch?: boolean;
}

export interface PageToOpen {
  batchId: string;
  page: number;
  /** Photos before this one were opened earlier: an open batch fills its last page bit by bit. */
  from: number;
  /** What has settled is counted from this photo on; workflows of older versions do not say. */
  countFrom?: number | undefined;
  epoch: number;
}

/** Photos that came in while the batch was open, under the name they were left with in the store. */
export interface PhotosToAppend {
  batchId: string;
  additionId: string;
  /** Photos in the manifest before. */
  total: number;
}

export interface AppendedPhotos {
  /** Index of the first of them, and how many they are: below the batch's total when they were taken in before. */
  from: number;
  count: number;
  kilopixels: number;
}

/** The work of a page, and what of it is settled already. */
export interface OpenedPage {
  /** Index after the last photo that was seen. */
  next: number;
  pending: PendingPhoto[];
  completed: number;
  failed: number;
  settledKilopixels: number;
  /** From which photo on that was counted; workers of older versions do not say: they count whole pages, and none after round 0. */
  countedFrom?: number;
}

/** What of a batch the journal already knows. */
export interface Survey {
  /** Photos in the manifest now. */
  total: number;
  kilopixels: number;
  /** The round to work in: one above every outcome there is. */
  epoch: number;
  completed: number;
  failed: number;
  settledKilopixels: number;
  /** Pages that still have work in that round. */
  pages: number[];
}

export interface BatchToClose {
  batchId: string;
  executionId: string;
  status: 'completed' | 'partial_completed' | 'failed' | 'cancelled';
  total: number;
  completed: number;
  failed: number;
}

export interface FailureToRecord extends PhotoTask {
  code: string;
  message: string;
  attempts: number;
}

/** The work of a rollback: batches with the manifest pages to go through. */
export interface RollbackPlan {
  total: number;
  batches: { batchId: string; whole: boolean; pages: number[] }[];
}

export interface PageToUndo {
  operationId: string;
  batchId: string;
  page: number;
}

export interface RollbackToClose {
  operationId: string;
  counts: UndoCounts;
  /** Batches that were rolled back as a whole. */
  wholeBatches: string[];
}

/** How a photo settled, as far as the workflow must know. */
export interface PhotoSettled {
  status: 'completed' | 'removed';
}

/** Carried by every heartbeat of `enhancePhoto`; read by the API out of the pending activities. */
export interface PhotoHeartbeat {
  index: number;
  stage: 'fetching' | 'waiting' | 'decoding' | 'enhancing' | 'encoding' | 'publishing';
  tilesDone: number;
  tilesTotal: number;
  /** Faults of the engine met with this photo, over all attempts: some photos bring an engine down every time. */
  faults: number;
  /** Attempts that began, and those that ended in order: the difference are workers that died over this photo. */
  begun: number;
  ended: number;
}

/** Short work next to the store: task queue `io`. */
export interface JournalActivities {
  /** Finds what is to be done of a manifest page; photos refused as they came in are settled on the way. */
  openPage(task: PageToOpen): Promise<OpenedPage>;
  /** Puts photos that were added to an open batch into its manifest; doing it again gives the same places. */
  appendPhotos(task: PhotosToAppend): Promise<AppendedPhotos>;
  /** Counts what the journal has, for a batch that is taken up again or retried. */
  surveyBatch(task: { batchId: string }): Promise<Survey>;
  recordFailure(task: FailureToRecord): Promise<void>;
  closeBatch(task: BatchToClose): Promise<void>;
}

/** Undoing, next to the store: task queue `io`. */
export interface RollbackActivities {
  readRollback(task: { operationId: string }): Promise<RollbackPlan>;
  /** Stops what is under way of a rollback's photos in one batch, and answers when it has really stopped. */
  stopWork(task: { operationId: string; batchId: string }): Promise<void>;
  /** Undoes the photos of one manifest page that the rollback covers; per-photo outcomes go into the journal. */
  undoPage(task: PageToUndo): Promise<UndoCounts>;
  closeRollback(task: RollbackToClose): Promise<void>;
}

/** Asking addresses of others for photos: task queue `fetch`. */
export interface FetchActivities {
  /** Brings the original of a photo into the store; one that is there already is not fetched again. */
  fetchPhoto(task: PhotoTask): Promise<void>;
}

/** Work on a device: task queue `enhance`. */
export interface EnhanceActivities {
  enhancePhoto(task: PhotoTask): Promise<PhotoSettled>;
}
