import { z } from 'zod';
import { cursorText, integerText } from './http-requests.ts';
import { ATTEMPT_OUTCOMES, WEBHOOK_EVENTS, webhookSecret } from './webhooks.ts';

/** Webhooks as orders name them, and their log. */

export const newWebhookSchema = z.strictObject({
  url: z.string().describe('Receives a POST by the rules of https://www.standardwebhooks.com.'),
  events: z
    .array(z.enum(WEBHOOK_EVENTS))
    .min(1, 'must name an event')
    .optional()
    .describe('What is told: every event of the batch unless said; those of single photos only when they are named.'),
  secret: webhookSecret.optional().describe('Signs the messages; unless said, the server’s own (WEBHOOK_SECRETS).'),
});

export const DELIVERIES_PER_ANSWER = 100;

export const webhookPageSchema = z.object({
  limit: integerText(1, 500, 'Deliveries in one answer; 100 unless said.').optional(),
  cursor: cursorText.optional(),
});

export const webhookListSchema = z.object({
  batch_id: z.string(),
  next_cursor: z.string().nullable(),
  deliveries: z.array(
    z.object({
      delivery_id: z.string().describe('Sent along as `webhook-id`, the same at every attempt.'),
      event: z.enum(WEBHOOK_EVENTS),
      state: z.enum(['pending', 'delivered', 'given_up']),
      created_at: z.number(),
      attempts: z.array(
        z.object({
          at: z.number(),
          attempt: z.int(),
          status: z.int().nullable(),
          outcome: z.enum(ATTEMPT_OUTCOMES),
          error: z.string().nullable(),
          seconds: z.number(),
        }),
      ),
    }),
  ),
});
export type WebhookList = z.infer<typeof webhookListSchema>;

export const webhookParamsSchema = z.object({
  batch_id: z.string().max(100).describe('Names a batch.'),
  delivery_id: z.string().max(100).describe('Names a delivery of it.'),
});

export const webhookReplayedSchema = z.object({
  delivery_id: z.string(),
  started: z.boolean().describe('False when it is being delivered already.'),
  message: z.string(),
});
export type WebhookReplayed = z.infer<typeof webhookReplayedSchema>;
