import { DarkroomError } from '../../contracts/errors.ts';
import { batchIdParamsSchema } from '../../contracts/http-batch-requests.ts';
import {
  webhookListSchema,
  webhookParamsSchema,
  webhookReplayedSchema,
  type WebhookAttempt,
  type WebhookList,
  type WebhookReplayed,
} from '../../contracts/webhooks.ts';
import { WebhookLog } from '../../storage/webhook-log.ts';
import { ownBatch } from '../ownership.ts';
import { route } from '../route.ts';

const tag = 'Batches';

export const listWebhooks = route({
  method: 'get',
  path: '/api/v1/batches/{batch_id}/webhooks',
  tag,
  summary: 'What the batch’s webhook was told, and what came of every attempt',
  params: batchIdParamsSchema,
  answer: webhookListSchema,
  problems: ['not_found'],
  async handle({ params, tenant }, house): Promise<WebhookList> {
    const { batchId } = await ownBatch(house, tenant, params.batch_id);
    const log = new WebhookLog(house.store);
    const deliveries = [];
    for (const { messageId, event, createdAt } of await log.messages(batchId)) {
      const attempts = await log.attempts(batchId, messageId);
      deliveries.push({
        delivery_id: messageId,
        event,
        state: stateOf(attempts),
        created_at: createdAt / 1000,
        attempts: attempts.map(({ at, attempt, status, outcome, error, ms }) => ({
          at: at / 1000,
          attempt,
          status,
          outcome,
          error,
          seconds: ms / 1000,
        })),
      });
    }
    return { batch_id: batchId, deliveries };
  },
});

export const replayWebhook = route({
  method: 'post',
  path: '/api/v1/batches/{batch_id}/webhooks/{delivery_id}/replay',
  scope: 'control',
  tag,
  summary: 'Send a message of a batch’s webhook again: the same bytes, newly signed',
  params: webhookParamsSchema,
  answer: webhookReplayedSchema,
  problems: ['not_found', 'temporal_unavailable'],
  async handle({ params, tenant }, house): Promise<WebhookReplayed> {
    const { batchId } = await ownBatch(house, tenant, params.batch_id);
    const known = /^msg_[0-9a-f]{24}$/.test(params.delivery_id);
    const started = known ? await house.service.replayWebhook(batchId, params.delivery_id) : undefined;
    if (started === undefined) throw new DarkroomError('not_found', 'The batch has no delivery with this ID.');
    return {
      delivery_id: params.delivery_id,
      started,
      message: started ? 'It is being sent again.' : 'It is being delivered already: nothing was changed.',
    };
  },
});

function stateOf(attempts: readonly WebhookAttempt[]): 'pending' | 'delivered' | 'given_up' {
  const last = attempts.at(-1)?.outcome ?? 'retrying';
  return last === 'retrying' ? 'pending' : last;
}
