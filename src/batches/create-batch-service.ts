import type { Client } from '@temporalio/client';
import type { AutoscalerReport } from '../contracts/autoscaling.ts';
import type { WorkerReport } from '../contracts/worker-report.ts';
import type { Journal } from '../storage/journal.ts';
import { RollbackJournal } from '../storage/rollback-journal.ts';
import type { UnreadableRecord } from '../storage/json-records.ts';
import type { Store } from '../storage/store.ts';
import { addPhotos, hasAddition } from './add-photos.ts';
import type { BatchService } from './batch-service.ts';
import { cancelBatch } from './cancel-batch.ts';
import { pauseBatch, sealBatch, setMaxWorkers, setPriority } from './control-batch.ts';
import { replayWebhook } from './deliver-webhook.ts';
import { listOperations, readOperation } from './operations.ts';
import { BatchReader } from './read-batch.ts';
import { photosInFlight } from './photos-in-flight.ts';
import { PhotoReader } from './read-photos.ts';
import { readAutoscalers, readQueue, readWorkers } from './read-workers.ts';
import { removePhoto } from './remove-photo.ts';
import { resumeBatch, retryBatch } from './resume-batch.ts';
import { rollBackBatches } from './roll-back.ts';
import { settledRanks } from './settled-ranks.ts';
import { SingleFlight } from './single-flight.ts';
import { askTemporal } from './start-workflow.ts';
import { startSubmitted, submitBatch } from './submit-batch.ts';

export interface BatchServiceDependencies {
  readonly client: Client;
  readonly store: Store;
  readonly journal: Journal;
  readonly heartbeatTimeoutMs: number;
  readonly now: () => number;
  /** Hears of damaged records that a listing left out: one of them must not hide all the others. */
  readonly onUnreadable?: (record: UnreadableRecord) => void;
}

const CACHE_MS = 1000;

export function createBatchService(given: BatchServiceDependencies): BatchService {
  const deps = { onUnreadable: () => undefined, ...given };
  const batches = new BatchReader(deps);
  const photos = new PhotoReader({ ...deps, batches });
  const control = { ...deps, batches, rollbacks: new RollbackJournal(deps.store) };
  const workers = new SingleFlight<WorkerReport[]>({ ttlMs: CACHE_MS, capacity: 1, now: deps.now });
  const autoscalers = new SingleFlight<AutoscalerReport[]>({ ttlMs: CACHE_MS, capacity: 1, now: deps.now });
  const queue = new SingleFlight<Awaited<ReturnType<typeof readQueue>>>({
    ttlMs: CACHE_MS,
    capacity: 1,
    now: deps.now,
  });
  return {
    async submit(batch) {
      const header = await submitBatch(deps, batch);
      // Whoever listed batches between journal and workflow has seen one that nobody works on.
      batches.forget(header.batchId);
      return header;
    },
    view: (batchId) => batches.view(batchId),
    photos: (batchId, from, limit) => photos.photos(batchId, from, limit),
    photo: (photoId) => photos.photo(photoId),
    photosAt: (batchId, indexes) => photos.at(batchId, indexes),
    underWay: async (batchId) => [...(await batches.live(batchId)).underWay.keys()].sort((left, right) => left - right),
    settled: (batchId, page) => settledRanks(deps.journal, batchId, page),
    start: (batchId) => startSubmitted(deps, batchId),
    results: (batchId) => photos.results(batchId),
    recentPhotos: (options) => photos.recent(options),
    pause: (batchId) => pauseBatch(control, batchId),
    cancel: (batchId) => cancelBatch(control, batchId),
    resume: (batchId) => resumeBatch(control, batchId),
    retry: (batchId) => retryBatch(control, batchId),
    setMaxWorkers: (batchId, maxWorkers) => setMaxWorkers(control, batchId, maxWorkers),
    setPriority: (batchId, priority) => setPriority(control, batchId, priority),
    addPhotos: (batchId, addition) => addPhotos(control, batchId, addition),
    hasAddition: (batchId, additionId) => hasAddition(control, batchId, additionId),
    seal: (batchId) => sealBatch(control, batchId),
    rollBack: (request) => rollBackBatches(control, request),
    operations: (filter) => listOperations(control, filter),
    operation: (operationId) => readOperation(control, operationId),
    undone: async (operationId, batchId, page) => (await control.rollbacks.page(operationId, batchId, page)) ?? [],
    removePhoto: (photoId) => removePhoto(control, photoId),
    photosInFlight: (tenant, most) => photosInFlight({ ...deps, batches }, tenant, most),
    replayWebhook: (batchId, messageId) => askTemporal(deps, () => replayWebhook(deps, batchId, messageId)),
    workers: () => workers.get('workers', () => readWorkers(deps.store, deps.now)),
    autoscalers: () => autoscalers.get('autoscalers', () => readAutoscalers(deps.store, deps.now)),
    queue: () => queue.get('queue', () => readQueue(deps.client, deps.now)),
  };
}
