import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { BatchHeader } from '../contracts/batch.ts';
import { parsePhotoId } from '../contracts/ids.ts';
import { cancelPhotosSignal, cancelPhotosUpdate } from '../contracts/workflow-api.ts';
import { siblingResults } from '../storage/keys.ts';
import type { ControlDependencies } from './control-batch.ts';

/**
 * Removes one photo: its tombstone first, so that no attempt can publish any more, then its work, upload and result. What an
 * earlier call left, because the store was away or the process died, the next one finishes.
 * @returns false when there is no such photo (any more).
 */
export async function removePhoto(deps: ControlDependencies, photoId: string): Promise<boolean> {
  const { journal, store, batches } = deps;
  const place = parsePhotoId(photoId);
  if (!place) return false;
  const { batchId, index } = place;
  const [header, record] = await Promise.all([journal.header(batchId), journal.photo(batchId, index)]);
  if (!header || !record) return false;
  const known = await journal.outcome(batchId, index);
  if (known?.status === 'removed' && known.reason !== 'deleted') return false;
  if (known?.status !== 'removed') {
    const epoch = known?.epoch ?? 0;
    const finishedAt = deps.now();
    await journal.record(batchId, { status: 'removed', reason: 'deleted', index, epoch, attempts: 0, finishedAt });
  }
  await stopPhoto(deps, header, index);
  if (record.original.kind === 'upload') await store.remove(record.original.key);
  const siblings = siblingResults(batchId, index);
  for (const name of await store.list(siblings.prefix)) {
    if (siblings.includes(name)) await store.remove(`${siblings.prefix}/${name}`);
  }
  batches.forget(batchId);
  return known?.status !== 'removed';
}

async function stopPhoto(deps: ControlDependencies, { batchId }: BatchHeader, index: number): Promise<void> {
  const handle = deps.client.workflow.getHandle(batchId);
  try {
    await deps.client.withDeadline(deps.now() + 5000, () =>
      handle.executeUpdate(cancelPhotosUpdate, { args: [[index]] }),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || error instanceof WorkflowUpdateFailedError) return; // closed already
    // No worker answers in time: the signal is kept for when one does. The tombstone holds meanwhile.
    await handle.signal(cancelPhotosSignal, [index]).catch(() => undefined);
  }
}
