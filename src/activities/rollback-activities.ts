import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { RollbackActivities, RollbackPlan } from '../contracts/activities.ts';
import { asDarkroomError, DarkroomError } from '../contracts/errors.ts';
import { pageOf, PHOTOS_PER_PAGE } from '../contracts/ids.ts';
import {
  NO_COUNTS,
  rollbackStatus,
  type RollbackHeader,
  type UndoCounts,
  type UndoOutcome,
} from '../contracts/operations.ts';
import type { RollbackJournal } from '../storage/rollback-journal.ts';
import type { Announcer } from './announcer.ts';
import { withTypedFailures } from './failures.ts';
import { withHeartbeats } from './heartbeats.ts';
import { undoPhoto, type UndoDependencies } from './undo-photo.ts';

/** Ends work that is under way: of a whole batch (`photos` is null) or of chosen photos; resolves once it has stopped. */
export type StopWork = (batchId: string, photos: readonly number[] | null, signal: AbortSignal) => Promise<void>;

export interface RollbackDependencies extends UndoDependencies {
  readonly rollbacks: RollbackJournal;
  readonly stopWork: StopWork;
  readonly announcer: Pick<Announcer, 'rolledBack'>;
}

/** A photo that cannot be undone is tried so often before it is listed as failed. */
const TRIES_A_PHOTO = 4;
const FIRST_PAUSE_MS = 250;

/** Activities of the compensation workflow: task queue `io`. */
export function createRollbackActivities(deps: RollbackDependencies): RollbackActivities {
  const { journal, rollbacks, now } = deps;
  return {
    readRollback: ({ operationId }) =>
      withTypedFailures(async () => planOf(deps, await requireHeader(rollbacks, operationId))),

    stopWork: ({ operationId, batchId }) =>
      withTypedFailures(async () => {
        const header = await requireHeader(rollbacks, operationId);
        const target = header.targets.find((candidate) => candidate.batchId === batchId);
        await withHeartbeats(() =>
          deps.stopWork(batchId, target?.photos ?? null, Context.current().cancellationSignal),
        );
      }),

    undoPage: ({ operationId, batchId, page }) =>
      withTypedFailures(async () => {
        const header = await requireHeader(rollbacks, operationId);
        const target = header.targets.find((candidate) => candidate.batchId === batchId);
        const records = await journal.page(batchId, page);
        const chosen = target?.photos ? new Set(target.photos) : undefined;
        const indexes = records.map(({ index }) => index).filter((index) => !chosen || chosen.has(index));
        const settled = await settledBefore(rollbacks, { operationId, batchId, page });
        const outcomes: UndoOutcome[] = [];
        await withHeartbeats(async () => {
          for (const index of indexes.toReversed()) {
            outcomes.push(settled.get(index) ?? (await undoPersistently(deps, batchId, index)));
          }
        });
        await rollbacks.recordPage(operationId, batchId, page, outcomes.toReversed());
        return count(outcomes);
      }),

    closeRollback: ({ operationId, counts, wholeBatches }) =>
      withTypedFailures(async () => {
        for (const batchId of wholeBatches)
          await journal.markRolledBack(batchId, { rollbackId: operationId, at: now() });
        const summary = { operationId, status: rollbackStatus(counts), counts, closedAt: now() };
        await rollbacks.close(summary);
        const run = Context.current().info.workflowExecution?.runId ?? '';
        await deps.announcer.rolledBack(await requireHeader(rollbacks, operationId), summary, run);
      }),
  };
}

async function requireHeader(rollbacks: RollbackJournal, operationId: string): Promise<RollbackHeader> {
  const header = await rollbacks.header(operationId);
  if (!header) throw new DarkroomError('not_found', `There is no rollback ${operationId} in the journal.`);
  return header;
}

/** Batches and pages, the last first. */
async function planOf({ journal }: RollbackDependencies, header: RollbackHeader): Promise<RollbackPlan> {
  const batches: RollbackPlan['batches'] = [];
  for (const { batchId, photos } of header.targets) {
    const batch = await journal.header(batchId);
    const all = Array.from({ length: Math.ceil((batch?.total ?? 0) / PHOTOS_PER_PAGE) }, (_, page) => page);
    const pages = photos ? [...new Set(photos.map(pageOf))] : all;
    batches.push({ batchId, whole: photos === null, pages: pages.sort((left, right) => right - left) });
  }
  return { total: header.total, batches: batches.toReversed() };
}

/** Photos that need no second look when a rollback is asked for again: all but those that were left or failed. */
async function settledBefore(
  rollbacks: RollbackJournal,
  { operationId, batchId, page }: { operationId: string; batchId: string; page: number },
): Promise<Map<number, UndoOutcome>> {
  const earlier = (await rollbacks.page(operationId, batchId, page)) ?? [];
  const settled = earlier.filter(({ result }) => result === 'undone' || result === 'nothing_to_undo');
  return new Map(settled.map((outcome) => [outcome.index, outcome]));
}

/** Never throws for one photo: a failure that stays is listed, the others are undone all the same. */
async function undoPersistently(deps: UndoDependencies, batchId: string, index: number): Promise<UndoOutcome> {
  const { cancellationSignal } = Context.current();
  for (let attempt = 1; ; attempt++) {
    try {
      return await undoPhoto(deps, { batchId, index }, cancellationSignal);
    } catch (error) {
      cancellationSignal.throwIfAborted();
      const known = asDarkroomError(error);
      Context.current().log.warn('a photo could not be undone', { batchId, index, attempt, error });
      if (attempt >= TRIES_A_PHOTO) return { index, result: 'failed', message: known.message };
      await sleep(FIRST_PAUSE_MS * 2 ** attempt, undefined, { signal: cancellationSignal });
    }
  }
}

function count(outcomes: readonly UndoOutcome[]): UndoCounts {
  const counts = { ...NO_COUNTS };
  for (const { result } of outcomes) counts[result] += 1;
  return counts;
}
