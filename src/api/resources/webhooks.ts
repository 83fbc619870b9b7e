import { DarkroomError } from '../../contracts/errors.ts';
import { batchIdParamsSchema } from '../../contracts/http-batch-requests.ts';
import {
  DELIVERIES_PER_ANSWER,
  webhookListSchema,
  webhookPageSchema,
  webhookParamsSchema,
  webhookReplayedSchema,
  type WebhookList,
  type WebhookReplayed,
} from '../../contracts/http-webhooks.ts';
import type { WebhookAttempt } from '../../contracts/webhooks.ts';
import { WebhookLog } from '../../storage/webhook-log.ts';
import { placeOf } from '../cursor.ts';
import { ownBatch } from '../ownership.ts';
import { route } from '../route.ts';

const tag = 'Batches';

export const listWebhooks = route({
  method: 'get',
  path: '/api/v1/batches/{batch_id}/webhooks',
  tag,
  summary: 'What the batch’s webhook was told, and what came of every attempt',
  params: batchIdParamsSchema,
  query: webhookPageSchema,
  answer: webhookListSchema,
  problems: ['not_found', 'invalid_request'],
  async handle({ params, query, tenant }, house): Promise<WebhookList> {
    const { batchId } = await ownBatch(house, tenant, params.batch_id);
    const log = new WebhookLog(house.store);
    const from = placeOf(query.cursor);
    const to = from + (query.limit ?? DELIVERIES_PER_ANSWER);
    const ids = await log.messageIds(batchId);
    const messages = await Promise.all(ids.slice(from, to).map((id) => log.message(batchId, id)));
    const found = messages.filter((message) => message !== undefined);
    const deliveries = [];
    for (const { messageId, event, createdAt } of found.sort((a, b) => a.createdAt - b.createdAt)) {
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
    return { batch_id: batchId, deliveries, next_cursor: to < ids.length ? String(to) : null };
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
