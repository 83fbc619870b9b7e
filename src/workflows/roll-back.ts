import {
  CancellationScope,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { RollbackPlan } from '../contracts/activities.ts';
import { NO_COUNTS, rollbackStatus, type UndoCounts } from '../contracts/undo-counts.ts';
import { SEARCH_ATTRIBUTE_KEYS } from '../contracts/search-attributes.ts';
import { type RollBackInput, type RollBackProgress, rollbackProgressQuery } from '../contracts/workflow-api.ts';
import { undoing } from './activity-options.ts';

/**
 * Compensation: stop what is still running, then undo photo by photo, newest first, and list what became of each. Runs
 * where no cancellation reaches it: a rollback that was begun is finished, because half undone is worse than either.
 */
export async function rollBack(input: RollBackInput): Promise<RollBackProgress> {
  const { operationId } = input;
  const undo = undoing(input.tenant);
  let counts: UndoCounts = { ...(input.carried?.counts ?? NO_COUNTS) };
  let plan: RollbackPlan = { total: 0, batches: [] };
  let state: RollBackProgress['state'] = 'stopping';
  const progress = (): RollBackProgress => {
    const done = counts.undone + counts.nothing_to_undo + counts.left_changed + counts.failed;
    return { state, total: plan.total, counts, progress: plan.total === 0 ? 0 : done / plan.total };
  };
  const announce = (next: RollBackProgress['state']): void => {
    if (next !== state) upsertSearchAttributes([{ key: SEARCH_ATTRIBUTE_KEYS.batchState, value: next }]);
    state = next;
    setCurrentDetails(describe(progress()));
  };
  setHandler(rollbackProgressQuery, progress, { description: 'What has been undone so far' });

  return CancellationScope.nonCancellable(async () => {
    if (!input.carried) {
      plan = await undo.readRollback({ operationId });
      for (const { batchId } of plan.batches) await undo.stopWork({ operationId, batchId });
    }
    // Read (again) once everything has stopped: an open batch may have grown until then.
    plan = await undo.readRollback({ operationId });
    announce('undoing');
    for (let batch = input.carried?.batch ?? 0; batch < plan.batches.length; batch++) {
      const { batchId, pages } = plan.batches[batch] ?? { batchId: '', pages: [] };
      const resumed = input.carried?.batch === batch;
      for (let at = resumed ? (input.carried?.page ?? 0) : 0; at < pages.length; at++) {
        const page = pages[at] ?? 0;
        counts = add(counts, await undo.undoPage({ operationId, batchId, page }));
        announce('undoing');
        if (workflowInfo().continueAsNewSuggested) {
          await continueAsNew<typeof rollBack>({ ...input, carried: { counts, batch, page: at + 1 } });
        }
      }
    }
    const wholeBatches = plan.batches.filter(({ whole }) => whole).map(({ batchId }) => batchId);
    await undo.closeRollback({ operationId, counts, wholeBatches });
    announce(rollbackStatus(counts));
    return progress();
  });
}

const add = (left: UndoCounts, right: UndoCounts): UndoCounts => ({
  undone: left.undone + right.undone,
  nothing_to_undo: left.nothing_to_undo + right.nothing_to_undo,
  left_changed: left.left_changed + right.left_changed,
  failed: left.failed + right.failed,
});

function describe({ state, total, counts }: RollBackProgress): string {
  const lines = [
    `Rollback of **${total}** ${total === 1 ? 'photo' : 'photos'}: ${state.replace('_', ' ')}.`,
    `${counts.undone} undone.`,
  ];
  if (counts.nothing_to_undo > 0) lines.push(`${counts.nothing_to_undo} had nothing to undo.`);
  if (counts.left_changed > 0) lines.push(`${counts.left_changed} left alone, because someone changed the file since.`);
  if (counts.failed > 0) lines.push(`**${counts.failed} could not be undone.**`);
  return lines.join('\n\n');
}
