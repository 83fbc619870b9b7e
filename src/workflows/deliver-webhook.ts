import { isCancellation, proxyActivities } from '@temporalio/workflow';
import type { DeliverWebhookInput, WebhookActivities, WebhookDelivered } from '../contracts/webhooks.ts';
import { PRIORITY, TASK_QUEUES } from '../contracts/workflow-api.ts';

/**
 * Tells one receiver one thing. A workflow and a queue of its own: a receiver that is down for hours keeps this waiting, and
 * nothing else. Pauses grow fourfold, so that eight attempts reach over some twelve hours; then it is given up, and can be
 * sent again by hand, because the message is kept.
 */
export async function deliverWebhook(input: DeliverWebhookInput): Promise<WebhookDelivered> {
  const { batchId, messageId, attempts, firstPauseMs } = input;
  const { sendWebhook } = proxyActivities<WebhookActivities>({
    taskQueue: TASK_QUEUES.webhooks,
    startToCloseTimeout: '2 minutes',
    retry: {
      initialInterval: firstPauseMs,
      backoffCoefficient: 4,
      maximumInterval: '6 hours',
      maximumAttempts: attempts,
    },
    priority: { priorityKey: PRIORITY.backfill, fairnessKey: input.tenant },
    summary: `${input.event} of ${batchId}`,
  });
  try {
    await sendWebhook({ batchId, messageId });
    return { delivered: true };
  } catch (error) {
    if (isCancellation(error)) throw error;
    return { delivered: false };
  }
}
