import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { cancelPhotosUpdate } from '../contracts/workflow-api.ts';

const POLL_MS = 250;

/**
 * Ends what is under way of a batch: all of it (`photos` is null: the workflow is cancelled) or chosen photos. Resolves when
 * it has really stopped; a batch that is closed or past its retention has nothing under way.
 */
export async function stopWork(
  client: Client,
  batchId: string,
  photos: readonly number[] | null,
  signal: AbortSignal,
): Promise<void> {
  const handle = client.workflow.getHandle(batchId);
  try {
    if (photos) {
      await handle.executeUpdate(cancelPhotosUpdate, { args: [[...photos]] });
      return;
    }
    if (!(await isOpen(client, batchId))) return;
    await handle.cancel();
    while (await isOpen(client, batchId)) await sleep(POLL_MS, undefined, { signal });
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || error instanceof WorkflowUpdateFailedError) return;
    throw error;
  }
}

/** True while a workflow execution works on the batch or rollback. */
export const isOpen = async (client: Client, batchId: string): Promise<boolean> =>
  (await readExecution(client, batchId))?.open ?? false;

/** The latest workflow execution of a batch, and when it closed (epoch milliseconds); `undefined` when there is none. */
export async function readExecution(
  client: Client,
  batchId: string,
): Promise<{ open: boolean; closedAt: number | undefined } | undefined> {
  try {
    const { status, closeTime } = await client.workflow.getHandle(batchId).describe();
    return { open: status.name === 'RUNNING' || status.name === 'PAUSED', closedAt: closeTime?.getTime() };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
