import { DarkroomError } from '../contracts/errors.ts';
import { photoId } from '../contracts/ids.ts';
import { addPhotosUpdate } from '../contracts/workflow-api.ts';
import { additionKey } from '../storage/keys.ts';
import type { AddedPhotos, BatchView, PhotoAddition } from './batch-service.ts';
import { type ControlDependencies, requireBatch } from './control-batch.ts';
import { askTemporal } from './start-workflow.ts';

/**
 * Adds photos to an open batch: left in the journal first, then taken in by the workflow, which gives them their places.
 * An addition that comes again under its name gets the places it has.
 * @throws DarkroomError `wrong_state` when the batch takes no photo any more; then nothing of the addition is left.
 *   `temporal_unavailable` when nobody answers: the addition stays, and sending it again under its name is safe.
 */
export async function addPhotos(
  deps: ControlDependencies,
  batchId: string,
  { additionId, photos }: PhotoAddition,
): Promise<AddedPhotos> {
  const repeated = await hasAddition(deps, batchId, additionId);
  if (!repeated) {
    requireAccepting(await requireBatch(deps, batchId));
    await deps.journal.leave(
      batchId,
      additionId,
      photos.map((photo, index) => ({ ...photo, index })),
    );
  }
  const handle = deps.client.workflow.getHandle(batchId);
  try {
    const { from, count } = await askTemporal(deps, () =>
      handle.executeUpdate(addPhotosUpdate, { args: [additionId] }),
    );
    deps.batches.forget(batchId);
    const photoIds = Array.from({ length: count }, (_, at) => photoId(batchId, from + at));
    return { from, count, photoIds, repeated };
  } catch (error) {
    const refused = error instanceof DarkroomError && error.code === 'wrong_state';
    if (refused && !repeated) await deps.store.remove(additionKey(batchId, additionId));
    throw error;
  }
}

export async function hasAddition(
  { store }: Pick<ControlDependencies, 'store'>,
  batchId: string,
  additionId: string,
): Promise<boolean> {
  return (await store.stat(additionKey(batchId, additionId))) !== undefined;
}

function requireAccepting(batch: BatchView): void {
  if (batch.accepting) return;
  const why = batch.open ? 'is sealed' : `has ended (${batch.state})`;
  throw new DarkroomError('wrong_state', `The batch ${why}: no photo can be added.`);
}
