import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { BatchHeader } from '../contracts/batch.ts';
import {
  DELIVER_WEBHOOK,
  TELL_PHOTOS,
  type DeliverWebhookInput,
  type DeliverWebhookWorkflow,
  type PageInRound,
  type TellPhotosWorkflow,
} from '../contracts/webhooks.ts';
import { SEARCH_ATTRIBUTE_KEYS } from '../contracts/search-attributes.ts';
import { PRIORITY, TASK_QUEUES, tellPageSignal } from '../contracts/workflow-api.ts';
import type { Journal } from '../storage/journal.ts';
import { WebhookLog } from '../storage/webhook-log.ts';
import type { Store } from '../storage/store.ts';

/**
 * Has a message delivered by a workflow of its own, named after it.
 * @returns false when it is being delivered, or, unless `again`, when it was before.
 */
export async function startDelivery(
  client: Client,
  input: DeliverWebhookInput,
  options: { again: boolean },
): Promise<boolean> {
  const { batchId, messageId, tenant } = input;
  try {
    await client.workflow.start<DeliverWebhookWorkflow>(DELIVER_WEBHOOK, {
      workflowId: `${batchId}.${messageId}`,
      taskQueue: TASK_QUEUES.orchestration,
      args: [input],
      workflowIdReusePolicy: options.again ? 'ALLOW_DUPLICATE' : 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
      typedSearchAttributes: [
        { key: SEARCH_ATTRIBUTE_KEYS.batchId, value: batchId },
        { key: SEARCH_ATTRIBUTE_KEYS.tenant, value: tenant },
      ],
      staticSummary: `Webhook ${input.event}`,
      priority: { priorityKey: PRIORITY.backfill, fairnessKey: tenant },
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

/** Has the workflow that tells of a batch's photos look at a page, or once more at those it knows; starts it if need be. */
export async function watchPhotos(client: Client, header: BatchHeader, page: PageInRound | null): Promise<void> {
  const { batchId, tenant } = header;
  await client.workflow.signalWithStart<TellPhotosWorkflow, [PageInRound | null]>(TELL_PHOTOS, {
    workflowId: `${batchId}.photos`,
    taskQueue: TASK_QUEUES.orchestration,
    args: [{ batchId, tenant }],
    signal: tellPageSignal,
    signalArgs: [page],
    typedSearchAttributes: [
      { key: SEARCH_ATTRIBUTE_KEYS.batchId, value: batchId },
      { key: SEARCH_ATTRIBUTE_KEYS.tenant, value: tenant },
    ],
    staticSummary: 'Tells of the photos',
    priority: { priorityKey: PRIORITY.backfill, fairnessKey: tenant },
  });
}

/** Sends a message of the log again, the same bytes under the same ID; `undefined` when there is none of that name. */
export async function replayWebhook(
  { client, journal, store }: { client: Client; journal: Journal; store: Store },
  batchId: string,
  messageId: string,
): Promise<boolean | undefined> {
  const [header, message] = await Promise.all([
    journal.header(batchId),
    new WebhookLog(store).message(batchId, messageId),
  ]);
  if (!header?.webhook || !message) return undefined;
  const { event, attempts, firstPauseMs } = message;
  const input = { batchId, messageId, tenant: header.tenant, event, attempts, firstPauseMs };
  return startDelivery(client, input, { again: true });
}
