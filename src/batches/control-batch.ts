import type { Client } from '@temporalio/client';
import { DarkroomError } from '../contracts/errors.ts';
import {
  type ControlAnswer,
  pauseSignal,
  pauseUpdate,
  sealSignal,
  sealUpdate,
  setMaxWorkersSignal,
  setMaxWorkersUpdate,
  setPrioritySignal,
  setPriorityUpdate,
} from '../contracts/workflow-api.ts';
import type { Journal } from '../storage/journal.ts';
import type { RollbackJournal } from '../storage/rollback-journal.ts';
import type { Store } from '../storage/store.ts';
import type { BatchView, ControlledBatch } from './batch-service.ts';
import type { BatchReader } from './read-batch.ts';
import { askTemporal } from './start-workflow.ts';

export interface ControlDependencies {
  readonly client: Client;
  readonly journal: Journal;
  readonly rollbacks: RollbackJournal;
  readonly store: Store;
  readonly batches: BatchReader;
  readonly heartbeatTimeoutMs: number;
  readonly now: () => number;
}

/** A control in both of its forms: an update that is answered, and the signal that is kept until a worker is there. */
interface Control {
  update(): Promise<ControlAnswer>;
  signal(): Promise<void>;
}

/** An update waits for a worker; without one the signal must do. */
const ANSWER_TIMEOUT_MS = 3000;

/** The batch as it is now, not as it was a moment ago. */
export async function requireBatch({ batches }: ControlDependencies, batchId: string): Promise<BatchView> {
  batches.forget(batchId);
  const batch = await batches.view(batchId);
  if (!batch) throw new DarkroomError('not_found', `There is no batch ${batchId}.`);
  return batch;
}

/**
 * Sends a control to the workflow. Both forms do the same and are idempotent, so that sending one after the other is safe.
 * @returns `undefined` when no worker answered: Temporal keeps the signal and the batch obeys as soon as one does.
 */
export async function steer(deps: ControlDependencies, control: Control): Promise<ControlAnswer | undefined> {
  try {
    return await askTemporal(deps, () => control.update(), ANSWER_TIMEOUT_MS);
  } catch (error) {
    if (!(error instanceof DarkroomError) || error.code !== 'temporal_unavailable') throw error;
    await askTemporal(deps, () => control.signal());
    return undefined;
  }
}

async function change(
  deps: ControlDependencies,
  batchId: string,
  purpose: string,
  control: Control,
): Promise<ControlledBatch> {
  const batch = await requireBatch(deps, batchId);
  if (!batch.open) throw new DarkroomError('wrong_state', `The batch has ended (${batch.state}): ${purpose}.`);
  if (batch.cancelling) throw new DarkroomError('wrong_state', `The batch is being cancelled: ${purpose}.`);
  const answer = await steer(deps, control);
  return { ...(await requireBatch(deps, batchId)), changed: answer?.changed ?? true };
}

/** Starts no further photo; those under way finish. Pausing a paused batch changes nothing. */
export function pauseBatch(deps: ControlDependencies, batchId: string): Promise<ControlledBatch> {
  const handle = deps.client.workflow.getHandle(batchId);
  return change(deps, batchId, 'there is nothing to pause', {
    update: () => handle.executeUpdate(pauseUpdate),
    signal: () => handle.signal(pauseSignal),
  });
}

export function setMaxWorkers(
  deps: ControlDependencies,
  batchId: string,
  maxWorkers: number,
): Promise<ControlledBatch> {
  const handle = deps.client.workflow.getHandle(batchId);
  return change(deps, batchId, 'its max_workers cannot be changed', {
    update: () => handle.executeUpdate(setMaxWorkersUpdate, { args: [maxWorkers] }),
    signal: () => handle.signal(setMaxWorkersSignal, maxWorkers),
  });
}

export function setPriority(deps: ControlDependencies, batchId: string, priority: number): Promise<ControlledBatch> {
  const handle = deps.client.workflow.getHandle(batchId);
  return change(deps, batchId, 'its priority cannot be changed', {
    update: () => handle.executeUpdate(setPriorityUpdate, { args: [priority] }),
    signal: () => handle.signal(setPrioritySignal, priority),
  });
}

/** A batch that ended takes no photo either: a seal that is sent again after the last photo is not an error. */
export async function sealBatch(deps: ControlDependencies, batchId: string): Promise<ControlledBatch> {
  const batch = await requireBatch(deps, batchId);
  if (!batch.open || batch.cancelling) return { ...batch, changed: false };
  const handle = deps.client.workflow.getHandle(batchId);
  try {
    return await change(deps, batchId, 'it takes no photo any more', {
      update: () => handle.executeUpdate(sealUpdate),
      signal: () => handle.signal(sealSignal),
    });
  } catch (error) {
    if (!(error instanceof DarkroomError) || error.code !== 'wrong_state') throw error;
    return { ...(await requireBatch(deps, batchId)), changed: false };
  }
}
