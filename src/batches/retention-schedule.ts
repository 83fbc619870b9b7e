import { type Client, ScheduleAlreadyRunning } from '@temporalio/client';
import { KEEP_RETENTION, RETENTION_SCHEDULE_ID } from '../contracts/retention.ts';
import { TASK_QUEUES } from '../contracts/workflow-api.ts';

/** Makes sure that the retention clock ticks: once an hour, never two at a time. Every worker may call it. */
export async function ensureRetentionSchedule(client: Client): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: RETENTION_SCHEDULE_ID,
      spec: { intervals: [{ every: '1 hour' }] },
      policies: { overlap: 'SKIP', catchupWindow: '1 hour' },
      action: {
        type: 'startWorkflow',
        workflowType: KEEP_RETENTION,
        taskQueue: TASK_QUEUES.orchestration,
        args: [],
        workflowId: 'retention',
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
