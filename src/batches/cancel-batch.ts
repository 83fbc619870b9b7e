import { setTimeout as sleep } from 'node:timers/promises';
import { DarkroomError } from '../contracts/errors.ts';
import type { ControlledBatch } from './batch-service.ts';
import { type ControlDependencies, requireBatch } from './control-batch.ts';
import { askTemporal } from './start-workflow.ts';
import { isOpen } from './stop-work.ts';

/** Photos under way stop within a second or two; a caller is not kept longer than this. */
const PATIENCE_MS = 3000;
const LOOK_AGAIN_MS = 100;

/**
 * Stops the photos under way and ends the batch; what is finished stays. Answers when it has ended, or after three seconds
 * with a batch that is being cancelled. Cancelling twice, or what has ended, changes nothing.
 */
export async function cancelBatch(deps: ControlDependencies, batchId: string): Promise<ControlledBatch> {
  const batch = await requireBatch(deps, batchId);
  if (!batch.open) return { ...batch, changed: false };
  await requestCancel(deps, batchId);
  const deadline = deps.now() + PATIENCE_MS;
  while (deps.now() < deadline && (await askTemporal(deps, () => isOpen(deps.client, batchId)))) {
    await sleep(LOOK_AGAIN_MS);
  }
  const after = await requireBatch(deps, batchId);
  const changed = !batch.cancelling;
  // Without a worker the batch cannot say itself that it was cancelled.
  return after.open
    ? {
        ...after,
        changed,
        cancelling: true,
        message: 'Being cancelled: waiting until the photos under way have stopped.',
      }
    : { ...after, changed };
}

async function requestCancel(deps: ControlDependencies, batchId: string): Promise<void> {
  try {
    await askTemporal(deps, () => deps.client.workflow.getHandle(batchId).cancel());
  } catch (error) {
    if (!(error instanceof DarkroomError) || error.code !== 'wrong_state') throw error; // it has just ended by itself
  }
}
