import { z } from 'zod';

/** Telling others how a batch ended: what is kept of it, and the workflow that delivers it. */

export const WEBHOOK_EVENTS = [
  'batch.completed',
  'batch.partial_completed',
  'batch.failed',
  'batch.cancelled',
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** As Standard Webhooks writes a key: 24 to 64 bytes in Base64. */
export const webhookSecret = z
  .string()
  .regex(
    /^whsec_(?:[A-Za-z0-9+/]{4}){8,21}(?:[A-Za-z0-9+/]{2,4}={0,2})?$/,
    'must be whsec_ and 24 to 64 bytes in Base64',
  );

/** Whom a batch tells. */
export const webhookSchema = z.object({
  url: z.string(),
  events: z.array(z.enum(WEBHOOK_EVENTS)),
  /** Signs what is sent; without it the server's own secrets do. Shown to nobody. */
  secret: z.string().optional(),
});
export type Webhook = z.infer<typeof webhookSchema>;

/** A message as it is kept and sent, the same bytes at every attempt. */
export const webhookMessageSchema = z.object({
  messageId: z.string(),
  event: z.enum(WEBHOOK_EVENTS),
  createdAt: z.number(),
  body: z.string(),
  /** Attempts in all, and the pause after the first; each pause is four times the one before, six hours at most. */
  attempts: z.int().positive(),
  firstPauseMs: z.int().nonnegative(),
});
export type WebhookMessage = z.infer<typeof webhookMessageSchema>;

/** `retrying`: it will be tried again by itself. */
export const ATTEMPT_OUTCOMES = ['delivered', 'retrying', 'given_up'] as const;

export const webhookAttemptSchema = z.object({
  at: z.number(),
  /** Of one delivery; begins at 1 again when a message is sent again. */
  attempt: z.int().positive(),
  /** HTTP status of the answer; null when there was none. */
  status: z.int().nullable(),
  outcome: z.enum(ATTEMPT_OUTCOMES),
  /** A sentence for people; null when it was delivered. */
  error: z.string().nullable(),
  ms: z.number(),
});
export type WebhookAttempt = z.infer<typeof webhookAttemptSchema>;

export const DELIVER_WEBHOOK = 'deliverWebhook';

/** Argument of workflow type `deliverWebhook`; the message itself is in the store. */
export interface DeliverWebhookInput {
  batchId: string;
  messageId: string;
  tenant: string;
  event: WebhookEvent;
  attempts: number;
  firstPauseMs: number;
}

/** Result of workflow type `deliverWebhook`. */
export interface WebhookDelivered {
  delivered: boolean;
}

/** Type of workflow `deliverWebhook`. */
export type DeliverWebhookWorkflow = (input: DeliverWebhookInput) => Promise<WebhookDelivered>;

/** Task queue `webhooks`. */
export interface WebhookActivities {
  /** One attempt, noted in the log; fails when the receiver did not take the message. */
  sendWebhook(task: { batchId: string; messageId: string }): Promise<void>;
}

// HTTP

export const newWebhookSchema = z.strictObject({
  url: z.string().describe('Receives a POST by the rules of https://www.standardwebhooks.com.'),
  events: z
    .array(z.enum(WEBHOOK_EVENTS))
    .min(1, 'must name an event')
    .optional()
    .describe('Which ends are told; all of them unless said.'),
  secret: webhookSecret.optional().describe('Signs the messages; unless said, the server’s own (WEBHOOK_SECRETS).'),
});

export const webhookListSchema = z.object({
  batch_id: z.string(),
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
