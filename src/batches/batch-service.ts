import type {
  BatchHeader,
  CompletedOutcome,
  Destination,
  PhotoError,
  PhotoRecord,
  PhotoOutcome,
  Picture,
} from '../contracts/batch.ts';
import type { EnhanceOptions } from '../contracts/options.ts';
import type { UndoCounts, UndoOutcome } from '../contracts/operations.ts';
import type { AutoscalerReport } from '../contracts/autoscaling.ts';
import type { WorkerReport } from '../contracts/worker-report.ts';
import type { Webhook } from '../contracts/webhooks.ts';
import type { OperationFilter } from './operations.ts';
import type { RecentPhotos } from './read-photos.ts';
import type { RollbackReceipt, RollbackRequest } from './roll-back.ts';

/** The rules of the house, one for every door: API and CLI submit, watch and control batches through this. */

export interface NewBatch {
  batchId: string;
  kind: BatchHeader['kind'];
  tenant: string;
  options: EnhanceOptions;
  /** Photos may be added until the batch is sealed. */
  open?: boolean;
  /** 1..5; chosen by kind and size when it is not said. */
  priority?: number;
  tags?: readonly string[];
  webhook?: Webhook | undefined;
  /** Default: the store alone. */
  destination?: Destination;
  maxWorkers: number;
  checkpointEnabled: boolean;
  rollbackEnabled: boolean;
  /** In the order of the manifest; `index` runs from 0. */
  photos: readonly PhotoRecord[];
}

export type BatchState =
  'queued' | 'processing' | 'paused' | 'completed' | 'partial_completed' | 'failed' | 'cancelled' | 'rolled_back';

export interface BatchView {
  header: BatchHeader;
  state: BatchState;
  total: number;
  completed: number;
  failed: number;
  /** By pixels, tiles of photos under way included: 0..1. */
  share: number;
  /** Seconds; null only while nothing can be said. */
  eta: number | null;
  updatedAt: number;
  /** True when no worker could be asked and the journal answered instead. */
  stale: boolean;
  /** A sentence for people. */
  message: string;
  /** True while a workflow execution is open. */
  open: boolean;
  /** True while photos may be added. */
  accepting: boolean;
  /** True after a cancel, until the photos under way have stopped. */
  cancelling: boolean;
  maxWorkers: number;
  priority: number;
}

/** A batch as it is after a control call. */
export interface ControlledBatch extends BatchView {
  /** False when it was like that before. */
  changed: boolean;
}

/** Photos for an open batch; their places are given when its workflow takes them in. */
export interface PhotoAddition {
  /** Names the addition within its batch: one that comes twice is taken in once. */
  additionId: string;
  photos: readonly Omit<PhotoRecord, 'index'>[];
}

export interface AddedPhotos {
  from: number;
  count: number;
  photoIds: string[];
  /** True when this addition came before: its first photos count, not these. */
  repeated: boolean;
}

export interface PhotoView {
  photoId: string;
  batchId: string;
  index: number;
  name: string;
  /** Of the original. */
  bytes: number;
  /** What the original is; null where nobody has looked yet. */
  original: Picture | null;
  status: 'queued' | 'processing' | 'completed' | 'failed';
  /** 0 until it is first under way. */
  attempts: number;
  /** 0..1 by tiles. */
  progress: number;
  error: PhotoError | null;
  createdAt: number;
  updatedAt: number;
  /** Seconds in the engine; null until completed. */
  processingSeconds: number | null;
  message: string;
  outcome: PhotoOutcome | undefined;
}

export interface ResumeReport {
  batchId: string;
  /** What the call did. */
  action: 'resumed' | 'retrying' | 'restarted' | 'none';
  /** Photos that are complete and will not be done again. */
  kept: number;
  /** Photos that will be done. */
  remaining: number;
  message: string;
}

/** An operation of the history: a batch, or a rollback of some. */
export interface OperationView {
  operationId: string;
  kind: 'batch' | 'rollback';
  tenant: string;
  createdAt: number;
  updatedAt: number;
  state: BatchState | RollbackState;
  total: number;
  /** Of a batch: photos enhanced and failed. Of a rollback: photos undone, and those left alone or failed. */
  completed: number;
  failed: number;
  /** Details of a rollback. */
  undo: { targets: readonly string[]; counts: UndoCounts } | null;
  undoable: boolean;
  /** Why it cannot be undone; null when it can. */
  undoableReason: string | null;
  rolledBackBy: string | null;
  tags: readonly string[];
  message: string;
}

export type RollbackState = 'stopping' | 'undoing' | 'completed' | 'partial_completed' | 'failed';

export interface BatchService {
  /** Writes the journal and starts the workflow. Bytes of uploads are in the store already. */
  submit(batch: NewBatch): Promise<BatchHeader>;
  /** `undefined` when there is no such batch. Cached for up to a second and asked once for all watchers. */
  view(batchId: string): Promise<BatchView | undefined>;
  /** Photos `from`..`from + limit - 1` of the manifest with their states. */
  photos(batchId: string, from: number, limit: number): Promise<PhotoView[]>;
  photo(photoId: string): Promise<PhotoView | undefined>;
  /** Chosen photos, by ascending index. */
  photosAt(batchId: string, indexes: readonly number[]): Promise<PhotoView[]>;
  /** Indexes of the photos under way, ascending; cached like `view`. */
  underWay(batchId: string): Promise<number[]>;
  /** How far each photo of a manifest page has settled, see `settledRanks`; cheap, for whoever looks again and again. */
  settled(batchId: string, page: number): Promise<ReadonlyMap<number, number>>;
  /** Starts a batch that is in the journal but may not have been started; one that was is not changed. */
  start(batchId: string): Promise<void>;
  /** Completed photos in the order of the manifest, page by page. */
  results(batchId: string): AsyncIterable<{ record: PhotoRecord; outcome: CompletedOutcome }>;
  /** Newest first; an answer may be short while `nextCursor` says more. */
  recentPhotos(options: RecentPhotos): Promise<{ photos: PhotoView[]; nextCursor: string | null }>;
  /** Like every control: idempotent, and `wrong_state` on a batch that has ended. */
  pause(batchId: string): Promise<ControlledBatch>;
  /** Answers when the batch has stopped, or after three seconds; cancelling one that has ended changes nothing. */
  cancel(batchId: string): Promise<ControlledBatch>;
  /** Continues a paused batch, or does the failed and missing photos of a closed one again. */
  resume(batchId: string): Promise<ResumeReport>;
  /** Does failed photos again: after the others while the batch runs, in a new execution once it has ended. */
  retry(batchId: string): Promise<ResumeReport>;
  /** Photos that may be under way at once, 1..200. */
  setMaxWorkers(batchId: string, maxWorkers: number): Promise<ControlledBatch>;
  /** 1..5; counts for photos that are scheduled from now on. */
  setPriority(batchId: string, priority: number): Promise<ControlledBatch>;
  /** Adds photos to an open batch; their uploads are in the store already. */
  addPhotos(batchId: string, addition: PhotoAddition): Promise<AddedPhotos>;
  /** Whether an addition of this name has come and was not refused. */
  hasAddition(batchId: string, additionId: string): Promise<boolean>;
  /** No photo comes any more; a batch that takes none anyway is not changed. */
  seal(batchId: string): Promise<ControlledBatch>;
  /** Undoes batches, or chosen photos of them; the same selection is always the same rollback. */
  rollBack(request: RollbackRequest): Promise<RollbackReceipt>;
  /** History, newest first. */
  operations(options: OperationFilter): Promise<{ operations: OperationView[]; nextCursor: string | null }>;
  operation(operationId: string): Promise<OperationView | undefined>;
  /** What a rollback did photo by photo, of one manifest page of one of its batches; empty before it came to it. */
  undone(operationId: string, batchId: string, page: number): Promise<UndoOutcome[]>;
  /** Cancels a photo if it is under way, then removes its upload and result, nothing else. False when there is no such photo. */
  removePhoto(photoId: string): Promise<boolean>;
  /** Photos of a tenant that are accepted and not settled, counted up to `most`; about a second late. */
  photosInFlight(tenant: string, most: number): Promise<number>;
  /** Sends a webhook's message again; false while it is being sent, `undefined` when there is none of that ID. */
  replayWebhook(batchId: string, messageId: string): Promise<boolean | undefined>;
  /** Reports of the workers that are alive. */
  workers(): Promise<WorkerReport[]>;
  /** What the autoscalers last did and thought; empty where none runs. */
  autoscalers(): Promise<AutoscalerReport[]>;
  /** Photos waiting in the task queue for a worker, and whether one polls; `undefined` when Temporal does not answer. */
  queue(): Promise<{ backlog: number; pollers: number } | undefined>;
}
