import { continueAsNew, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { RetentionActivities } from '../contracts/retention.ts';
import { PRIORITY, TASK_QUEUES } from '../contracts/workflow-api.ts';

/** Removing is short and harmless to repeat; a store that is away is waited for, the next hour comes anyway. */
const { findExpired, expireBatch } = proxyActivities<RetentionActivities>({
  taskQueue: TASK_QUEUES.io,
  startToCloseTimeout: '10 minutes',
  retry: { initialInterval: '5 seconds', maximumInterval: '1 minute', maximumAttempts: 30 },
  priority: { priorityKey: PRIORITY.backfill },
});

const BATCHES_AT_ONCE = 100;

/** The retention clock: a schedule starts it every hour, and it removes what was kept long enough. */
export async function keepRetention(carried: { batches: number; files: number } = { batches: 0, files: 0 }): Promise<{
  batches: number;
  files: number;
}> {
  let { batches, files } = carried;
  for (;;) {
    const { batchIds } = await findExpired({ limit: BATCHES_AT_ONCE });
    if (batchIds.length === 0) return { batches, files };
    for (const batchId of batchIds) {
      files += (await expireBatch({ batchId })).removed;
      batches += 1;
    }
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof keepRetention>({ batches, files });
  }
}
