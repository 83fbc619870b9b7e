import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  patched,
  setCurrentDetails,
  TimeoutFailure,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { FailureToRecord, PendingPhoto } from '../contracts/activities.ts';
import type { EnhanceBatchInput, EnhanceBatchResult } from '../contracts/workflow-api.ts';
import { SEARCH_ATTRIBUTE_KEYS } from '../contracts/search-attributes.ts';
import { counting, fetching, journal, photoWork } from './activity-options.ts';
import { BatchLedger, type Step } from './batch-ledger.ts';
import { listenToControl } from './control.ts';
import { describeBatch } from './describe-batch.ts';

/** What this code does otherwise than code that batches may have begun with; see docs/07-changing-workflows.md. */
const PATCHES = {
  oneAdditionAtATime: 'one-addition-at-a-time',
  lookBeforeClosing: 'look-before-closing',
  countBeforeClosing: 'count-before-closing',
  handOverAtRest: 'hand-over-at-rest',
  keepWhatCame: 'keep-what-came',
} as const;

/**
 * A batch of 1 to 100,000 photos: open the manifest page by page, keep a bounded window of photos under way, settle each,
 * and close the books. What to do next is the ledger's decision; this function carries it out.
 */
export async function enhanceBatch(input: EnhanceBatchInput): Promise<EnhanceBatchResult> {
  const batch = new BatchLedger(input, Date.now());
  const scopes = new Map<number, CancellationScope>();
  const books = journal(input);
  const appending = { underWay: false };

  const nextStep = (): Step => {
    const runIsLong = workflowInfo().continueAsNewSuggested;
    const step = batch.nextStep(runIsLong);
    // A batch that is paused, or open and without work, is asked for things as well, and each makes its history longer.
    const handsOver = step.do === 'wait' && runIsLong && batch.idle && patched(PATCHES.handOverAtRest);
    return handsOver ? { do: 'continue as new' } : step;
  };

  listenToControl({ batch, scopes, append, announce });
  announce();
  try {
    for (;;) {
      const step = nextStep();
      if (step.do === 'wait') {
        await condition(() => nextStep().do !== 'wait');
        continue;
      }
      if (step.do === 'survey') {
        await survey();
      } else if (step.do === 'open page') {
        const { page, from, countFrom } = step;
        const opened = await books.openPage({ batchId: input.batchId, page, from, countFrom, epoch: batch.round });
        batch.pageOpened(page, opened);
      } else if (step.do === 'enhance') {
        void enhance(step.photo);
      } else if (step.do === 'continue as new') {
        // A signal or update that arrived meanwhile is answered by this run, and its effect carried to the next.
        await condition(allHandlersFinished);
        await continueAsNew<typeof enhanceBatch>({ ...input, resume: false, carried: batch.carried(Date.now()) });
      } else if (step.do === 'finish') {
        await condition(allHandlersFinished);
        // An addition that was being taken in while the batch was sealed is work again.
        if (nextStep().do !== 'finish' && patched(PATCHES.lookBeforeClosing)) continue;
        const result = await close();
        // What was asked for meanwhile, such as a retry, keeps the batch open.
        if (batch.nextStep(false).do === 'finish' && allHandlersFinished()) return end(result);
      }
      announce();
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
    // Every photo under way must have stopped before the workflow closes: one that went on would publish after a rollback.
    await CancellationScope.nonCancellable(async () => {
      batch.cancel(Date.now());
      announce();
      await condition(() => batch.idle && allHandlersFinished());
      // A resume that had not counted yet would write over what the batch had done.
      if (batch.surveyDue && patched(PATCHES.countBeforeClosing)) await survey();
      end(await close());
    });
    throw error;
  }

  async function survey(): Promise<void> {
    const found = await counting(input).surveyBatch({ batchId: input.batchId });
    // Photos that were taken in while the journal was counted are not in the count, and are in the batch all the same.
    const keepsWhatCame = batch.total > found.total && patched(PATCHES.keepWhatCame);
    batch.surveyed(found, { keepsWhatCame });
  }

  /** One photo under way. Never throws: whatever happened to it is a line in the books. */
  async function enhance(photo: PendingPhoto): Promise<void> {
    const scope = new CancellationScope();
    scopes.set(photo.index, scope);
    batch.started(photo.index);
    const task = { batchId: input.batchId, index: photo.index, epoch: batch.round };
    try {
      const { status } = await scope.run(async () => {
        // Only a page that today's code has opened says so: batches from before take the old way.
        if (photo.fetch === true) await fetching(input, batch.priority, photo).fetchPhoto(task);
        return photoWork(input, batch.priority, photo).enhancePhoto(task);
      });
      batch.settled(photo.index, status === 'completed' ? 'completed' : 'failed', Date.now());
    } catch (error) {
      if (isCancellation(error)) {
        batch.settled(photo.index, 'cancelled', Date.now());
      } else {
        await CancellationScope.nonCancellable(() => books.recordFailure({ ...task, ...whatFailed(error) }));
        batch.settled(photo.index, 'failed', Date.now());
      }
    } finally {
      scopes.delete(photo.index);
      announce();
    }
  }

  /** Takes in photos that were added while the batch is open: one addition at a time, so that each has its own places. */
  async function append(additionId: string): Promise<{ from: number; count: number }> {
    await condition(() => !appending.underWay);
    // All who waited for the same addition wake together. The first goes on; batches from before this was seen let all of them.
    if (appending.underWay && patched(PATCHES.oneAdditionAtATime))
      while (appending.underWay) await condition(() => !appending.underWay);
    const known = batch.addition(additionId);
    if (known) return known;
    appending.underWay = true;
    try {
      const appended = await books.appendPhotos({ batchId: input.batchId, additionId, total: batch.total });
      batch.added(additionId, appended);
      return { from: appended.from, count: appended.count };
    } finally {
      appending.underWay = false;
    }
  }

  async function close(): Promise<EnhanceBatchResult> {
    const result = batch.result();
    await books.closeBatch({ batchId: input.batchId, executionId: workflowInfo().firstExecutionRunId, ...result });
    return result;
  }

  function end(result: EnhanceBatchResult): EnhanceBatchResult {
    batch.close();
    announce();
    return result;
  }

  /** Keeps Temporal's Web UI telling what the batch is doing. */
  function announce(): void {
    const progress = batch.progress(Date.now());
    setCurrentDetails(describeBatch(progress));
    const known = workflowInfo().typedSearchAttributes.get(SEARCH_ATTRIBUTE_KEYS.batchState);
    if (known !== progress.state) {
      upsertSearchAttributes([{ key: SEARCH_ATTRIBUTE_KEYS.batchState, value: progress.state }]);
    }
  }
}

/** Code, sentence and attempts of a failed activity; a worker that vanished leaves only a time-out. */
function whatFailed(error: unknown): Pick<FailureToRecord, 'code' | 'message' | 'attempts'> {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) {
    const [attempts] = cause.details ?? [];
    return {
      code: cause.type ?? 'internal',
      message: cause.message,
      attempts: typeof attempts === 'number' ? attempts : 1,
    };
  }
  return { code: cause instanceof TimeoutFailure ? 'worker_lost' : 'internal', message: '', attempts: 1 };
}
