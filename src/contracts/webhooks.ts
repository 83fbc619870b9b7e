import { z } from 'zod';

/** Telling others what became of a batch and its photos: what is kept of it, and the workflows that tell it. */

/** Told unless the order says otherwise. */
export const BATCH_EVENTS = [
  'batch.completed',
  'batch.partial_completed',
  'batch.failed',
  'batch.cancelled',
  'batch.rolled_back',
] as const;
/** Told to those who ask for them: there may be a hundred thousand. */
export const PHOTO_EVENTS = ['photo.completed', 'photo.failed'] as const;
export const WEBHOOK_EVENTS = [...BATCH_EVENTS, ...PHOTO_EVENTS] as const;
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

/** What of one manifest page was told, kept so that nothing is told twice or forgotten. */
export const toldPageSchema = z.object({
  /** By place in the page: the round whose outcome was told. */
  rounds: z.record(z.string(), z.int().nonnegative()),
  /** Places of photos that had failed in that round. */
  failed: z.array(z.int().nonnegative()),
  /** Messages that are written down and perhaps not on their way yet. */
  due: z.array(webhookMessageSchema),
});
export type ToldPage = z.infer<typeof toldPageSchema>;

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

export const TELL_PHOTOS = 'tellPhotos';

/** A page of the manifest and the round of the batch that works on it. */
export interface PageInRound {
  page: number;
  round: number;
}

/** Argument of workflow type `tellPhotos`. */
export interface TellPhotosInput {
  batchId: string;
  tenant: string;
  /** What a run hands to the next; never set by a client. */
  carried?: { pages: PageInRound[]; messages: number };
}

/** Type of workflow `tellPhotos`. */
export type TellPhotosWorkflow = (input: TellPhotosInput) => Promise<void>;

/** What a look at the pages under way has found. */
export interface PhotosAnnounced {
  /** Messages that were sent on their way. */
  messages: number;
  /** Pages of which everything is told, up to their round. */
  finished: number[];
  /** True when no workflow works on the batch any more. */
  ended: boolean;
}

/** Task queue `io`. */
export interface AnnounceActivities {
  /** Has everything told that has become of the photos of these pages since the last look. */
  announcePhotos(task: { batchId: string; pages: PageInRound[] }): Promise<PhotosAnnounced>;
}

/** Task queue `webhooks`. */
export interface WebhookActivities {
  /** One attempt, noted in the log; fails when the receiver did not take the message. */
  sendWebhook(task: { batchId: string; messageId: string }): Promise<void>;
}
