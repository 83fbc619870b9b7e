import { z } from 'zod';
import { optionFields } from './option-fields.ts';

/**
 * Part 1 of the HTTP contract, the way in: what query strings, forms and JSON bodies may hold.
 *
 * Texts are turned into numbers here; `openapi` in a schema's metadata says how such a value looks from outside.
 */

export const integerText = (min: number, max: number, description: string) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.int().min(min, `must be from ${min} to ${max}`).max(max, `must be from ${min} to ${max}`))
    .meta({ openapi: { type: 'integer', minimum: min, maximum: max, description } });

const flagText = (description: string) =>
  z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .transform((text) => text === 'true')
    .meta({ openapi: { type: 'boolean', description } });

export const enhanceSettingsSchema = z.strictObject({
  ...optionFields,
  max_workers: integerText(1, 200, 'Photos of this batch that may be under way at once.').optional(),
  enable_checkpoint: flagText(
    'Keep finished tiles of a photo under way, so that an interruption costs little.',
  ).optional(),
  enable_rollback: flagText('Whether this batch can be rolled back later.').optional(),
});
export type EnhanceSettings = z.infer<typeof enhanceSettingsSchema>;

export const taskParamsSchema = z.object({ task_id: z.string().max(100).describe('Names one photo.') });
export const batchParamsSchema = z.object({ batch_task_id: z.string().max(100).describe('Names a batch.') });
export const operationParamsSchema = z.object({
  operation_id: z.string().max(100).describe('Names an operation; for a batch it is the same as batch_task_id.'),
});

/** A cursor is opaque to clients: they send back what `next_cursor` said. */
export const cursorText = z
  .string()
  .max(200)
  .regex(/^[\w.-]+$/, 'must be a next_cursor of an earlier answer')
  .describe('The next_cursor of the answer before.');

export const SUB_TASKS_PER_ANSWER = 500;
export const TASKS_PER_ANSWER = 100;

export const performanceQuerySchema = z.object({
  history: flagText('Whether the readings of the last ten minutes are listed as well.').optional(),
});

export const subTaskPageSchema = z.object({
  cursor: cursorText.optional(),
  limit: integerText(1, SUB_TASKS_PER_ANSWER, 'Photos in one answer; 500 unless said.').optional(),
});
export const taskPageSchema = z.object({
  cursor: cursorText.optional(),
  limit: integerText(1, 500, 'Tasks in one answer; 100 unless said.').optional(),
});

/** Longest `Idempotency-Key`. */
export const IDEMPOTENCY_KEY_LENGTH = 255;

export const resumeRequestSchema = z.strictObject({ operation_id: z.string().min(1).max(100) });
