import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { DarkroomError } from '../contracts/errors.ts';
import { isBatchId, isRollbackId, makeRollbackId, parsePhotoId } from '../contracts/ids.ts';
import { countRemaining, type RollbackHeader, type RollbackTarget } from '../contracts/operations.ts';
import { SEARCH_ATTRIBUTE_KEYS } from '../contracts/search-attributes.ts';
import { PRIORITY, ROLL_BACK, type RollBackWorkflow, TASK_QUEUES } from '../contracts/workflow-api.ts';
import type { Journal } from '../storage/journal.ts';
import type { RollbackJournal } from '../storage/rollback-journal.ts';
import type { BatchReader } from './read-batch.ts';
import { askTemporal } from './start-workflow.ts';
import { isOpen } from './stop-work.ts';

export interface RollbackRequest {
  readonly tenant: string;
  /** Batches to undo. */
  readonly operationIds: readonly string[];
  /** Undo only these of their photos. */
  readonly photoIds?: readonly string[];
}

export interface RollbackReceipt {
  readonly header: RollbackHeader;
  /** False when the same rollback was asked for before. */
  readonly created: boolean;
  /** Photos that its last run left or could not undo, and that are tried again now. */
  readonly retried: number;
}

interface RollbackDependencies {
  readonly client: Client;
  readonly journal: Journal;
  readonly rollbacks: RollbackJournal;
  readonly batches: BatchReader;
  readonly now: () => number;
}

/**
 * Starts the compensation workflow. The same selection is always the same rollback, however often it is asked for: one that is
 * under way or has undone everything is not changed; one that left photos, or failed with some, tries those again.
 * @throws DarkroomError `not_found`, `wrong_state` for what cannot be rolled back, `invalid_request` for photos of other batches.
 */
export async function rollBackBatches(deps: RollbackDependencies, request: RollbackRequest): Promise<RollbackReceipt> {
  const targets = await chooseTargets(deps, request);
  const [first] = targets;
  if (!first) throw new DarkroomError('invalid_request', 'Name at least one operation to roll back.');
  // Without the counts: those of an open batch grow, and it is the same rollback all the same.
  const selection = targets.map(({ batchId, photos }) => ({ batchId, photos }));
  const digest = createHash('sha256').update(JSON.stringify(selection)).digest();
  const header: RollbackHeader = {
    operationId: makeRollbackId(first.batchId, digest),
    tenant: request.tenant,
    createdAt: deps.now(),
    targets: selection,
    total: targets.reduce((sum, { count }) => sum + count, 0),
  };
  const earlier = await deps.rollbacks.header(header.operationId);
  if (!earlier) await refuseRolledBack(deps, header);
  const created = !earlier && (await deps.rollbacks.create(header));
  const known = created ? header : ((await deps.rollbacks.header(header.operationId)) ?? header);
  const retried = await startRollback(deps, known);
  for (const { batchId } of targets) deps.batches.forget(batchId);
  return { header: known, created, retried };
}

/** What another rollback has undone is gone; what that one had to leave may be asked for in any selection. */
async function refuseRolledBack(
  { journal, rollbacks }: RollbackDependencies,
  { targets }: RollbackHeader,
): Promise<void> {
  for (const { batchId } of targets) {
    const by = (await journal.rolledBack(batchId))?.rollbackId;
    if (by === undefined) continue;
    const summary = await rollbacks.summary(by);
    if (!summary || countRemaining(summary.counts) === 0) {
      throw new DarkroomError('wrong_state', `${batchId} was rolled back already, by ${by}.`);
    }
  }
}

type CountedTarget = RollbackTarget & { count: number; createdAt: number };

async function chooseTargets({ journal }: RollbackDependencies, request: RollbackRequest): Promise<CountedTarget[]> {
  const chosen = groupByBatch(request.photoIds);
  const targets: CountedTarget[] = [];
  for (const batchId of [...new Set(request.operationIds)].sort()) {
    if (isRollbackId(batchId)) {
      throw new DarkroomError('wrong_state', 'A rollback cannot be rolled back: send the photos again instead.');
    }
    const header = isBatchId(batchId) ? await journal.header(batchId) : undefined;
    if (header?.tenant !== request.tenant) throw new DarkroomError('not_found', `There is no operation ${batchId}.`);
    if (!header.rollbackEnabled) {
      throw new DarkroomError('wrong_state', 'This batch was made with rollback switched off (`enable_rollback`).');
    }
    const photos = chosen?.get(batchId)?.toSorted((left, right) => left - right) ?? null;
    chosen?.delete(batchId);
    if (photos?.some((index) => index >= header.total))
      throw new DarkroomError('not_found', 'One of the photos does not exist.');
    if (request.photoIds === undefined || photos)
      targets.push({ batchId, photos, count: photos?.length ?? header.total, createdAt: header.createdAt });
  }
  const [stray] = chosen?.keys() ?? [];
  if (stray !== undefined) {
    throw new DarkroomError('invalid_request', `Photos of ${stray} were chosen, but that operation was not named.`);
  }
  // By age, because the workflow begins with the last: what a later batch wrote over an earlier one must go first.
  return targets.sort((left, right) => left.createdAt - right.createdAt);
}

function groupByBatch(photoIds: readonly string[] | undefined): Map<string, number[]> | undefined {
  if (!photoIds) return undefined;
  const groups = new Map<string, number[]>();
  for (const id of new Set(photoIds)) {
    const place = parsePhotoId(id);
    if (!place) throw new DarkroomError('invalid_request', `Expected a task_id but received ${JSON.stringify(id)}.`);
    const group = groups.get(place.batchId);
    if (group) group.push(place.index);
    else groups.set(place.batchId, [place.index]);
  }
  return groups;
}

/** A run ends soon after it has written its account; so often, with such pauses, it is waited for. */
const TRIES_UNTIL_ENDED = 40;
const PAUSE_UNTIL_ENDED_MS = 250;

/** @returns how many photos of an earlier run are tried again. */
async function startRollback(deps: RollbackDependencies, header: RollbackHeader): Promise<number> {
  const { operationId } = header;
  const account = async () => {
    const summary = await deps.rollbacks.summary(operationId);
    return { earlier: summary, remaining: summary ? countRemaining(summary.counts) : 0 };
  };
  let { earlier, remaining } = await account();
  // While the run that wrote it is still there no other can start, and this one would lose its account for nothing.
  for (let tries = 0; remaining > 0 && (await isRunning(deps, operationId)); tries++) {
    if (tries >= TRIES_UNTIL_ENDED)
      throw new DarkroomError('wrong_state', 'The rollback is just ending: ask again soon.');
    await sleep(PAUSE_UNTIL_ENDED_MS);
    ({ earlier, remaining } = await account());
  }
  if (earlier && remaining === 0) return 0;
  // First the summary goes: whoever looks from now on waits for the new run instead of reading the old account.
  if (earlier) await deps.rollbacks.reopen(operationId);
  try {
    await startWorkflow(deps, header);
  } catch (error) {
    if (earlier) await deps.rollbacks.close(earlier);
    throw error;
  }
  return remaining;
}

const isRunning = (deps: RollbackDependencies, operationId: string): Promise<boolean> =>
  askTemporal(deps, () => isOpen(deps.client, operationId));

async function startWorkflow(deps: RollbackDependencies, header: RollbackHeader): Promise<void> {
  const { operationId, tenant, total } = header;
  try {
    await askTemporal(deps, () =>
      deps.client.workflow.start<RollBackWorkflow>(ROLL_BACK, {
        workflowId: operationId,
        taskQueue: TASK_QUEUES.orchestration,
        args: [{ operationId, tenant }],
        // One that was terminated is started again by the next call: it goes through everything once more, harmlessly.
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        workflowIdConflictPolicy: 'FAIL',
        typedSearchAttributes: [
          { key: SEARCH_ATTRIBUTE_KEYS.batchId, value: operationId },
          { key: SEARCH_ATTRIBUTE_KEYS.batchState, value: 'stopping' },
          { key: SEARCH_ATTRIBUTE_KEYS.tenant, value: tenant },
        ],
        staticSummary: `Rollback of ${total} ${total === 1 ? 'photo' : 'photos'}`,
        priority: { priorityKey: PRIORITY.control, fairnessKey: tenant },
      }),
    );
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
