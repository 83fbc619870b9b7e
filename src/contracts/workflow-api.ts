import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { UndoCounts } from './operations.ts';
import type { BatchProgress } from './progress.ts';
import type { PageInRound } from './webhooks.ts';

/**
 * Darkroom in Temporal's own terms: public API for the CLI, the Web UI and programs in any language. Names and argument
 * shapes here change only compatibly.
 */

/** Task queues: who decides, who does short I/O, who asks addresses of others, who has a device. */
export const TASK_QUEUES = {
  orchestration: 'darkroom-orchestration',
  io: 'darkroom-io',
  fetch: 'darkroom-fetch',
  webhooks: 'darkroom-webhooks',
  enhance: 'darkroom-enhance',
} as const;

/** Temporal priority keys; a lower number is served first. */
export const PRIORITY = { single: 1, control: 2, smallBatch: 3, batch: 4, backfill: 5 } as const;

/** Photos up to which a batch counts as small. */
export const SMALL_BATCH_PHOTOS = 50;

export const ENHANCE_BATCH = 'enhanceBatch';

/** Argument of workflow type `enhanceBatch`. The photos themselves are in the journal under `batchId`. */
export interface EnhanceBatchInput {
  batchId: string;
  /** Photos in the manifest. */
  total: number;
  /** Sum of their sizes, in thousands of pixels. */
  kilopixels: number;
  /** Photos that may be under way at once, 1..200. */
  maxWorkers: number;
  /** 1..5, see {@link PRIORITY}. */
  priority: number;
  tenant: string;
  heartbeatTimeoutMs: number;
  /** True when photos may be added until the batch is sealed. */
  open?: boolean;
  /** True when the batch was worked on before: what the journal has is kept and only the rest is done, failures again. */
  resume?: boolean;
  /** What a run hands to the next; never set by a client. */
  carried?: EnhanceBatchCarried;
}

/** State that crosses continue-as-new: counters and positions, never lists that grow with the batch. */
export interface EnhanceBatchCarried {
  round: number;
  total: number;
  kilopixels: number;
  open: boolean;
  /** Index of the first photo of the manifest that was not opened yet. */
  next: number;
  /** Pages to go through again before that: those with photos that were left queued, and in a retry round those with failures. */
  pagesAgain: number[];
  /** Photos that were queued when the run ended, at most two pages of them: of their pages nothing else is to do. */
  left?: number[];
  /** Additions taken in, newest last, so that one that is sent twice is taken once. */
  additions: { id: string; from: number; count: number }[];
  completed: number;
  failed: number;
  settledKilopixels: number;
  paused: boolean;
  retryRequested: boolean;
  /** Indexes of queued photos that were cancelled one by one. */
  dropped: number[];
  maxWorkers: number;
  priority: number;
  startedAt: number;
  activeMs: number;
  settledActiveMs: number;
}

/** Result of workflow type `enhanceBatch`. */
export interface EnhanceBatchResult {
  status: 'completed' | 'partial_completed' | 'failed' | 'cancelled';
  total: number;
  completed: number;
  failed: number;
}

/** Type of workflow `enhanceBatch`, for `client.workflow.start<EnhanceBatchWorkflow>(ENHANCE_BATCH, …)`. */
export type EnhanceBatchWorkflow = (input: EnhanceBatchInput) => Promise<EnhanceBatchResult>;

/** The photos of the manifest page under way. */
export interface PhotosAnswer {
  photos: { photoId: string; name: string; state: 'queued' | 'processing' | 'completed' | 'failed' | 'cancelled' }[];
}

export const ROLL_BACK = 'rollBack';

/** Argument of workflow type `rollBack`. What it undoes is in the journal under `operationId`. */
export interface RollBackInput {
  operationId: string;
  tenant: string;
  /** What a run hands to the next; never set by a client. */
  carried?: { counts: UndoCounts; batch: number; page: number };
}

/** Result of workflow type `rollBack`; also the answer of its `progress` query. */
export interface RollBackProgress {
  state: 'stopping' | 'undoing' | 'completed' | 'partial_completed' | 'failed';
  total: number;
  counts: UndoCounts;
  /** Photos dealt with / total. */
  progress: number;
}

/** Type of workflow `rollBack`. */
export type RollBackWorkflow = (input: RollBackInput) => Promise<RollBackProgress>;

/** Of `tellPhotos`: a page of the manifest is being worked on; null has it look again at those it knows. */
export const tellPageSignal = defineSignal<[page: PageInRound | null]>('tellPage');

export const rollbackProgressQuery = defineQuery<RollBackProgress>('progress');

export const progressQuery = defineQuery<BatchProgress>('progress');
export const photosQuery = defineQuery<PhotosAnswer>('photos');

export const pauseSignal = defineSignal('pause');
export const resumeSignal = defineSignal('resume');
export const retryFailedSignal = defineSignal('retryFailed');
export const setMaxWorkersSignal = defineSignal<[maxWorkers: number]>('setMaxWorkers');
export const setPrioritySignal = defineSignal<[priority: number]>('setPriority');
/** `additionId` names photos that were left in the store for the batch; see `POST /api/v1/batches/{id}/photos`. */
export const addPhotosSignal = defineSignal<[additionId: string]>('addPhotos');
export const sealSignal = defineSignal('seal');
export const cancelPhotosSignal = defineSignal<[indexes: number[]]>('cancelPhotos');

/** What a control update answers: the batch as it is after it, and whether the call changed anything. */
export interface ControlAnswer {
  changed: boolean;
  progress: BatchProgress;
}

export const pauseUpdate = defineUpdate<ControlAnswer>('pause');
export const resumeUpdate = defineUpdate<ControlAnswer>('resume');
export const retryFailedUpdate = defineUpdate<ControlAnswer>('retryFailed');
export const setMaxWorkersUpdate = defineUpdate<ControlAnswer, [maxWorkers: number]>('setMaxWorkers');
export const setPriorityUpdate = defineUpdate<ControlAnswer, [priority: number]>('setPriority');
/** Answers with the places that the photos got in the manifest. */
export const addPhotosUpdate = defineUpdate<{ from: number; count: number }, [additionId: string]>('addPhotos');
/** No photo comes any more: the batch ends when those it has are done. */
export const sealUpdate = defineUpdate<ControlAnswer>('seal');
/** Stops single photos; answers when those under way have stopped. */
export const cancelPhotosUpdate = defineUpdate<ControlAnswer, [indexes: number[]]>('cancelPhotos');
