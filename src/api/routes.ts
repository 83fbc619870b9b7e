import { cancelBatch, changeBatch, pauseBatch, resumeBatch, retryBatch, sealBatch } from './resources/batch-control.ts';
import { batchEvents } from './resources/events.ts';
import { listPhotos } from './resources/batch-photos.ts';
import { batchStatus } from './resources/batches.ts';
import { downloadBatch, downloadPhoto } from './resources/downloads.ts';
import { enhanceBatch, enhancePhoto } from './resources/enhance.ts';
import { getOperation, listOperations } from './resources/history.ts';
import { health, livez, readyz } from './resources/health.ts';
import { metrics } from './resources/metrics.ts';
import { models } from './resources/models.ts';
import { addPhotos, createBatch, getBatch } from './resources/new-batches.ts';
import { batchProgress, resumeOperation } from './resources/operations.ts';
import { performance } from './resources/performance.ts';
import { plan } from './resources/plan.ts';
import { rollBack } from './resources/rollback.ts';
import {
  createUpload,
  describeUpload,
  findUpload,
  offerUploads,
  removeUpload,
  writeUpload,
} from './resources/uploads.ts';
import { beginSession, endSession, readSession } from './resources/sessions.ts';
import { serviceInfo } from './resources/service-info.ts';
import { listWebhooks, replayWebhook } from './resources/webhooks.ts';
import { deleteTask, listTasks, taskStatus } from './resources/tasks.ts';
import { thumbnail } from './resources/thumbnails.ts';
import type { Route } from './route.ts';

/** Every address there is, besides the two that describe them. A new route is one more line here. */
export const ROUTES: readonly Route[] = [
  serviceInfo,
  health,
  livez,
  readyz,
  enhancePhoto,
  taskStatus,
  downloadPhoto,
  thumbnail,
  listTasks,
  deleteTask,
  enhanceBatch,
  batchStatus,
  downloadBatch,
  batchProgress,
  resumeOperation,
  rollBack,
  listOperations,
  getOperation,
  plan,
  createBatch,
  getBatch,
  changeBatch,
  batchEvents,
  listPhotos,
  addPhotos,
  listWebhooks,
  replayWebhook,
  offerUploads,
  createUpload,
  findUpload,
  describeUpload,
  writeUpload,
  removeUpload,
  sealBatch,
  pauseBatch,
  resumeBatch,
  cancelBatch,
  retryBatch,
  performance,
  metrics,
  models,
  beginSession,
  readSession,
  endSession,
];
