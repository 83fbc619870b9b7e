import type { Api } from './api.ts';
import { ApiProblem } from './api.ts';
import type { BatchStatus, SubTask } from './api-shapes.ts';
import type { Job } from './jobs.ts';

/** A job at one moment: its batches read together and told as one. */

const SETTLED = new Set(['completed', 'partial_completed', 'failed', 'cancelled', 'rolled_back']);
/** More cards than this help nobody; the counters still count all. */
const PHOTOS_READ = 500;

export interface JobSnapshot {
  /** A batch state of the API; `missing` when the server knows none of the batches. */
  state: string;
  settled: boolean;
  total: number;
  done: number;
  failed: number;
  /** 0..1. */
  progress: number;
  /** Seconds; null while nothing can be said. */
  eta: number | null;
  photos: SubTask[];
  /** Batches with at least one result. */
  batchesWithResults: string[];
  failedBatches: string[];
  /** Epoch seconds. */
  createdAt: number;
  updatedAt: number;
}

export const isSettled = (status: string): boolean => SETTLED.has(status);

/** @returns undefined when the server does not know the batch (any more). */
export async function readBatch(api: Api, batchId: string, signal: AbortSignal): Promise<BatchStatus | undefined> {
  try {
    return await readStatus(api, batchId, signal);
  } catch (thrown) {
    if (thrown instanceof ApiProblem && (thrown.status === 404 || thrown.status === 410)) return undefined;
    throw thrown;
  }
}

async function readStatus(api: Api, batchId: string, signal: AbortSignal): Promise<BatchStatus> {
  const first = await api.batchStatus(batchId, { signal });
  const photos = [...first.sub_tasks];
  let cursor = first.next_cursor;
  while (cursor !== null && photos.length < PHOTOS_READ) {
    const page = await api.batchStatus(batchId, { cursor, signal });
    photos.push(...page.sub_tasks);
    cursor = page.next_cursor;
  }
  return { ...first, sub_tasks: photos };
}

/** @param nowMs the moment, for the estimate of a job of several batches. */
export function tellJob(job: Job, statuses: readonly BatchStatus[], nowMs: number): JobSnapshot {
  const sum = (of: (status: BatchStatus) => number): number => statuses.reduce((total, each) => total + of(each), 0);
  const total = sum((status) => status.total_files);
  const state = stateOf(statuses);
  const progress = total === 0 ? 0 : sum((status) => status.progress * status.total_files) / total;
  const createdAt = Math.min(...statuses.map((status) => status.created_at));
  const settled = statuses.every((status) => isSettled(status.status));
  return {
    state,
    settled,
    total: Math.max(total, settled ? 0 : job.total),
    done: sum((status) => status.completed_files),
    failed: sum((status) => status.failed_files),
    progress: settled ? 1 : progress,
    eta: settled ? 0 : etaOf(statuses, progress, nowMs / 1000 - createdAt),
    photos: statuses.flatMap((status) => status.sub_tasks),
    batchesWithResults: statuses.filter((each) => each.completed_files > 0).map((each) => each.batch_task_id),
    failedBatches: statuses
      .filter((each) => isSettled(each.status) && each.failed_files > 0)
      .map((each) => each.batch_task_id),
    createdAt,
    updatedAt: Math.max(...statuses.map((status) => status.updated_at)),
  };
}

/** One batch: the server's own estimate. Several share the device, so only the job's own pace says when all are done. */
function etaOf(statuses: readonly BatchStatus[], progress: number, elapsed: number): number | null {
  const [only] = statuses;
  if (only !== undefined && statuses.length === 1) return only.eta;
  return progress > 0.02 ? (elapsed / progress) * (1 - progress) : null;
}

function stateOf(statuses: readonly BatchStatus[]): string {
  const states = statuses.map((status) => status.status);
  const [first] = states;
  if (first === undefined) return 'missing';
  if (states.every((state) => state === first)) return first;
  const open = states.filter((state) => !isSettled(state));
  if (open.length > 0) return open.every((state) => state === 'paused') ? 'paused' : 'processing';
  return states.includes('cancelled') ? 'cancelled' : 'partial_completed';
}
