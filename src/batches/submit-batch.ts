import type { BatchHeader } from '../contracts/batch.ts';
import { PRIORITY, SMALL_BATCH_PHOTOS } from '../contracts/workflow-api.ts';
import type { Journal } from '../storage/journal.ts';
import { batchPrefix } from '../storage/keys.ts';
import type { Store } from '../storage/store.ts';
import type { NewBatch } from './batch-service.ts';
import { readLiveBatch } from './live-batch.ts';
import { startWorkflow } from './start-workflow.ts';
import type { Client } from '@temporalio/client';

interface SubmitDependencies {
  readonly client: Client;
  readonly journal: Journal;
  readonly store: Store;
  readonly heartbeatTimeoutMs: number;
  readonly now: () => number;
}

/**
 * Journal first, workflow second: a batch that Temporal knows is always one that its worker can read.
 * @throws DarkroomError `temporal_unavailable`; then nothing is left, unless it cannot be told whether the workflow was
 *   started: such a batch stays in the journal and can be resumed.
 */
export async function submitBatch(deps: SubmitDependencies, batch: NewBatch): Promise<BatchHeader> {
  const { photos, destination = { kind: 'store' }, tags, ...described } = batch;
  const header: BatchHeader = {
    ...described,
    destination,
    open: batch.open ?? false,
    createdAt: deps.now(),
    total: photos.length,
    kilopixels: photos.reduce((sum, photo) => sum + photo.kilopixels, 0),
    priority: batch.priority ?? choosePriority(batch),
    ...(tags && tags.length > 0 ? { tags: [...tags] } : {}),
  };
  await deps.journal.createBatch(header, photos);
  try {
    await startWorkflow(deps, header, { resume: false });
  } catch (error) {
    const live = await readLiveBatch(deps.client, header.batchId, deps.now);
    if (live.execution === 'open' || live.execution === 'closed') return header;
    if (live.execution === 'absent') await deps.store.removeAll(batchPrefix(header.batchId));
    throw error;
  }
  return header;
}

/** Starts a batch whose submission broke off after it was written down; one that was started, or has ended, stays as it is. */
export async function startSubmitted(deps: SubmitDependencies, batchId: string): Promise<void> {
  const header = await deps.journal.header(batchId);
  if (header && !(await deps.journal.summary(batchId))) await startWorkflow(deps, header, { resume: false });
}

function choosePriority({ kind, photos }: NewBatch): number {
  if (kind === 'single') return PRIORITY.single;
  return photos.length <= SMALL_BATCH_PHOTOS ? PRIORITY.smallBatch : PRIORITY.batch;
}
