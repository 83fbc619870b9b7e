import { DarkroomError } from '../contracts/errors.ts';
import { resumeSignal, resumeUpdate, retryFailedSignal, retryFailedUpdate } from '../contracts/workflow-api.ts';
import type { BatchView, ResumeReport } from './batch-service.ts';
import { type ControlDependencies, requireBatch, steer } from './control-batch.ts';
import { countToDo } from './count-to-do.ts';
import { askTemporal, startWorkflow } from './start-workflow.ts';
import { isOpen } from './stop-work.ts';

/** Continues a paused batch; takes a closed one up again for the photos that are failed or missing. */
export async function resumeBatch(deps: ControlDependencies, batchId: string): Promise<ResumeReport> {
  const batch = await requireBatch(deps, batchId);
  const report = reportOf(batch);
  refuseCancelling(batch);
  if (!batch.open) {
    if (report.remaining > 0) return takeUpAgain(deps, batch);
    return none(report, `Every photo is done: nothing was changed, ${report.kept} stay as they are.`);
  }
  // While no worker answers nobody knows whether it is paused: it is told all the same, and ignores it if it is not.
  if (batch.state !== 'paused' && !batch.stale) {
    return none(report, `The batch is running already: nothing was changed. ${batch.message}`);
  }
  const handle = deps.client.workflow.getHandle(batchId);
  const answer = await steer(deps, {
    update: () => handle.executeUpdate(resumeUpdate),
    signal: () => handle.signal(resumeSignal),
  });
  deps.batches.forget(batchId);
  if (answer?.changed === false) return none(report, 'The batch is running already: nothing was changed.');
  return { ...report, action: 'resumed', message: `Resumed: ${sayCounts(report)}.` };
}

/** Does the failed photos again: after the others in a batch that runs, in a new execution of one that has ended. */
export async function retryBatch(deps: ControlDependencies, batchId: string): Promise<ResumeReport> {
  const batch = await requireBatch(deps, batchId);
  const report = reportOf(batch);
  refuseCancelling(batch);
  if (batch.state === 'rolled_back') return takeUpAgain(deps, batch);
  if (batch.failed === 0) {
    const missing = report.remaining > 0 && !batch.open ? ' Resume it for those that were not done.' : '';
    return none(report, `No photo has failed: nothing was changed.${missing}`);
  }
  if (!batch.open) return takeUpAgain(deps, batch);
  const handle = deps.client.workflow.getHandle(batchId);
  const answer = await steer(deps, {
    update: () => handle.executeUpdate(retryFailedUpdate),
    signal: () => handle.signal(retryFailedSignal),
  });
  deps.batches.forget(batchId);
  if (answer?.changed === false) return none(report, 'The failed photos are to be done again already.');
  const message = `${sayPhotos(answer?.progress.failed ?? batch.failed)} will be done again when the others are done.`;
  return { ...report, action: 'retrying', message };
}

async function takeUpAgain(deps: ControlDependencies, batch: BatchView): Promise<ResumeReport> {
  const { batchId } = batch.header;
  if (batch.state === 'rolled_back') {
    throw new DarkroomError('wrong_state', 'The batch was rolled back: send the photos again to enhance them.');
  }
  const report = { ...reportOf(batch), remaining: await countToDo(deps.journal, batch) };
  if (report.remaining === 0) {
    return none(report, `Nothing is left to do: ${report.kept} are done, the others were refused or removed.`);
  }
  if (await deps.journal.expired(batchId)) {
    throw new DarkroomError(
      'removed',
      'The photos of this batch were removed when their time was over: send them again.',
    );
  }
  const rollbackId = await findRollbackUnderWay(deps, batchId);
  if (rollbackId !== undefined) {
    throw new DarkroomError(
      'wrong_state',
      `The batch is being rolled back (${rollbackId}): wait until that has ended.`,
    );
  }
  await startWorkflow(deps, batch.header, { resume: true });
  deps.batches.forget(batchId);
  const action = batch.state === 'partial_completed' || batch.state === 'failed' ? 'retrying' : 'restarted';
  return { ...report, action, message: `Started again: ${sayCounts(report)}.` };
}

/** Rollbacks that are looked through for one that is not finished: those of the last while, not of all time. */
const ROLLBACKS_LOOKED_AT = 200;

/** A rollback is in the journal before it is started; after so long its start has failed, and nothing runs. */
const STARTED_WITHIN_MS = 15_000;

/** Photos that are enhanced behind the back of a rollback would stay; a rollback is in the journal before it begins. */
async function findRollbackUnderWay(deps: ControlDependencies, batchId: string): Promise<string | undefined> {
  const { rollbacks, client, now } = deps;
  for (const { operationId } of await rollbacks.recent({ limit: ROLLBACKS_LOOKED_AT })) {
    const header = await rollbacks.header(operationId);
    if (!header?.targets.some((target) => target.batchId === batchId)) continue;
    if (await rollbacks.summary(operationId)) continue;
    if (now() - header.createdAt < STARTED_WITHIN_MS) return operationId;
    if (await askTemporal(deps, () => isOpen(client, operationId))) return operationId;
  }
  return undefined;
}

function refuseCancelling(batch: BatchView): void {
  if (batch.cancelling) {
    throw new DarkroomError('wrong_state', 'The batch is being cancelled: wait until it has ended, then resume it.');
  }
}

type Counts = Pick<ResumeReport, 'batchId' | 'kept' | 'remaining'>;

const reportOf = ({ header, completed, total }: BatchView): Counts => ({
  batchId: header.batchId,
  kept: completed,
  remaining: total - completed,
});

const none = (report: Counts, message: string): ResumeReport => ({ ...report, action: 'none', message });

const sayPhotos = (count: number): string => `${count} ${count === 1 ? 'photo' : 'photos'}`;

const sayCounts = ({ kept, remaining }: Counts): string =>
  `${sayPhotos(remaining)} to do, ${kept} done before ${kept === 1 ? 'is' : 'are'} not done again`;
