import { z } from 'zod';
import { batchStateSchema } from './http.ts';
import { PHOTO_STATES } from './http-batch-requests.ts';
import { count, epochSeconds, seconds, share } from './http-numbers.ts';
import { shownOptionsSchema } from './option-fields.ts';
import { recipeSchema } from './recipe.ts';

/** Part 2 of the HTTP contract, the way out: batches, their photos and their control. */

export const batchSchema = z.object({
  batch_id: z.string(),
  operation_id: z.string(),
  state: z
    .enum([...batchStateSchema.options, 'cancelling'])
    .describe('`cancelling` until the photos under way have stopped.'),
  open: z.boolean().describe('Whether photos may still be added.'),
  options: shownOptionsSchema,
  destination: z.object({
    kind: z.enum(['store', 'folder', 'in_place', 's3']),
    path: z.string().nullable().describe('A folder of the worker, or `s3://bucket/prefix`.'),
  }),
  max_workers: z.int(),
  priority: z.int(),
  tags: z.array(z.string()),
  total: count,
  completed: count,
  failed: count,
  progress: share.describe('(completed + failed) / total.'),
  work_done: share.describe('The same by pixels, tiles of photos under way included.'),
  eta: seconds.nullable().describe('Seconds; null only while nothing can be said.'),
  stale: z.boolean().describe('True when no worker could be asked and the journal answered.'),
  created_at: epochSeconds,
  updated_at: epochSeconds,
  expires_at: epochSeconds
    .nullable()
    .describe('When its uploads and results are removed; null while the batch is open.'),
  message: z.string(),
  links: z.object({ self: z.string(), photos: z.string(), download: z.string(), operation: z.string() }),
});
export type BatchAnswer = z.infer<typeof batchSchema>;

const skipping = {
  skipped: z
    .array(z.object({ path: z.string(), reason: z.string() }))
    .describe('What of the source was passed over and why; at most 100 are listed.'),
  skipped_total: count,
};

export const batchCreatedSchema = batchSchema.extend(skipping);
export type BatchCreated = z.infer<typeof batchCreatedSchema>;

export const batchControlledSchema = batchSchema.extend({
  changed: z.boolean().describe('False when the batch was like that before.'),
});
export type BatchControlled = z.infer<typeof batchControlledSchema>;

export const photosAddedSchema = z.object({
  batch_id: z.string(),
  from: count.describe('Place of the first of them in the batch.'),
  count,
  task_ids: z.array(z.string()),
  repeated: z.boolean().describe('True when this Idempotency-Key brought its photos before.'),
  refused: z
    .array(z.object({ filename: z.string(), error_code: z.string(), error: z.string() }))
    .describe('Those that cannot be enhanced: they are part of the batch, failed.'),
  ...skipping,
  message: z.string(),
});
export type PhotosAdded = z.infer<typeof photosAddedSchema>;

const size = z.object({ width: z.int(), height: z.int() });

export const photoListSchema = z.object({
  batch_id: z.string(),
  photos: z.array(
    z.object({
      task_id: z.string(),
      index: count,
      filename: z.string(),
      status: z.enum(PHOTO_STATES).describe('`removed`: deleted, rolled back or past its time; the error says which.'),
      progress: share,
      attempts: count,
      bytes: count,
      original: size.extend({ format: z.string() }).nullable(),
      result: size.extend({ bytes: z.int(), content_type: z.string(), sha256: z.string(), url: z.string() }).nullable(),
      timings: z.object({ decode: seconds, network: seconds, encode: seconds, total: seconds }).nullable(),
      recipe: recipeSchema.nullable(),
      warnings: z.array(z.string()),
      error: z.string().nullable(),
      error_code: z.string().nullable(),
      hint: z.string().nullable(),
      started_at: epochSeconds.nullable(),
      finished_at: epochSeconds.nullable(),
      message: z.string(),
    }),
  ),
  next_cursor: z.string().nullable(),
});
export type PhotoList = z.infer<typeof photoListSchema>;
