import { z } from 'zod';
import { batchSchema } from './http-batches.ts';
import { PHOTO_STATES } from './http-batch-requests.ts';
import { count, share } from './http-numbers.ts';

/** The events of a batch as `GET /api/v1/batches/{id}/events` sends them: each tells a state, none a difference. */

export const photoEventSchema = z.object({
  task_id: z.string(),
  index: count,
  filename: z.string(),
  status: z.enum(PHOTO_STATES),
  progress: share.describe('By tiles.'),
  attempts: count,
  result_url: z.string().nullable(),
  error: z.string().nullable(),
  error_code: z.string().nullable(),
});
export type PhotoEvent = z.infer<typeof photoEventSchema>;

const progressEventSchema = batchSchema
  .pick({ batch_id: true, total: true, completed: true, failed: true, progress: true, work_done: true, eta: true })
  .extend({ stale: z.boolean(), updated_at: z.number() });
export type ProgressEvent = z.infer<typeof progressEventSchema>;

const snapshotEventSchema = z.object({
  batch: batchSchema,
  photos: z.array(photoEventSchema).describe('The first photos of the batch.'),
  next_cursor: z.string().nullable().describe('For the rest: the cursor of GET /api/v1/batches/{batch_id}/photos.'),
});
export type SnapshotEvent = z.infer<typeof snapshotEventSchema>;

const endEventSchema = batchSchema.pick({ batch_id: true, state: true, total: true, completed: true, failed: true });
export type EndEvent = z.infer<typeof endEventSchema>;

/** Data of every event by its name. */
export const BATCH_EVENTS = {
  snapshot: snapshotEventSchema,
  batch: batchSchema,
  photo: photoEventSchema,
  progress: progressEventSchema,
  end: endEventSchema,
} as const;

/** Longest `Last-Event-ID` that is looked at; ours are shorter. */
export const EVENT_ID_LENGTH = 1500;

export const eventsQuerySchema = z.object({
  last_event_id: z
    .string()
    .max(EVENT_ID_LENGTH, `must be ${EVENT_ID_LENGTH} characters at most`)
    .optional()
    .describe('The same as the header Last-Event-ID, for clients that cannot set one. The header counts.'),
});
