import { z } from 'zod';
import { count, epochSeconds, share } from './http-numbers.ts';

/**
 * Part 1 of the HTTP contract, the way out: what answers about photos and batches look like; those about the service itself are
 * in `http-service.ts`. `/openapi.json` is generated from these schemas and the tests hold every answer against them. Field names
 * are fixed for ever; fields may be added.
 */

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('A sentence for people.'),
    instance: z.string(),
    code: z.string().describe('Stable name of the error; /docs lists them.'),
    hint: z.string(),
    traceId: z.string(),
    errors: z
      .array(
        z.object({ pointer: z.string().describe('Field name, or JSON pointer into the body.'), detail: z.string() }),
      )
      .optional(),
  })
  .describe('RFC 9457 problem details.');
export type Problem = z.infer<typeof problemSchema>;

const taskStateSchema = z.enum(['queued', 'processing', 'completed', 'failed']);

export const taskStatusSchema = z.object({
  task_id: z.string(),
  status: taskStateSchema,
  message: z.string(),
  progress: share.nullable(),
  result_url: z.string().nullable(),
  error: z.string().nullable(),
  error_code: z.string().nullable(),
  hint: z.string().nullable(),
  filename: z.string(),
  created_at: epochSeconds,
  updated_at: epochSeconds,
  processing_time: z.number().nonnegative().nullable().describe('Seconds in the engine.'),
  warnings: z.array(z.string()),
});
export type TaskStatus = z.infer<typeof taskStatusSchema>;

export const taskAcceptedSchema = z.object({
  task_id: z.string(),
  status: taskStateSchema.describe('`queued`; after `Prefer: wait` what it is then.'),
  message: z.string(),
  created_at: epochSeconds,
  operation_id: z.string(),
  ...taskStatusSchema.omit({ task_id: true, status: true, message: true, created_at: true }).partial().shape,
});
export type TaskAccepted = z.infer<typeof taskAcceptedSchema>;

export const taskListSchema = z.object({
  total_tasks: count.describe('Tasks in this answer; more follow when next_cursor is set.'),
  tasks: z.array(
    z.object({ task_id: z.string(), status: taskStateSchema, created_at: epochSeconds, updated_at: epochSeconds }),
  ),
  next_cursor: z.string().nullable(),
});
export type TaskList = z.infer<typeof taskListSchema>;

export const taskDeletedSchema = z.object({ message: z.string(), task_id: z.string() });

export const batchStateSchema = z.enum([
  'queued',
  'processing',
  'paused',
  'completed',
  'partial_completed',
  'failed',
  'cancelled',
  'rolled_back',
]);

export const batchAcceptedSchema = z.object({
  batch_task_id: z.string(),
  operation_id: z.string(),
  total_files: count,
  status: batchStateSchema.describe('`queued`; after `Prefer: wait` what it is then.'),
  message: z.string(),
  created_at: epochSeconds,
  sub_tasks: z.array(z.string()),
  completed_files: count.optional().describe('This and what follows: only after `Prefer: wait`.'),
  failed_files: count.optional(),
  progress: share.optional(),
  eta: z.number().nonnegative().nullable().optional(),
});
export type BatchAccepted = z.infer<typeof batchAcceptedSchema>;

export const batchStatusSchema = z.object({
  batch_task_id: z.string(),
  status: batchStateSchema,
  total_files: count,
  completed_files: count,
  failed_files: count,
  progress: share.describe('By pixels, tiles of photos under way included.'),
  sub_tasks: z.array(
    z.object({
      task_id: z.string(),
      status: taskStateSchema,
      filename: z.string(),
      progress: share,
      error: z.string().nullable(),
      error_code: z.string().nullable(),
    }),
  ),
  next_cursor: z.string().nullable(),
  created_at: epochSeconds,
  updated_at: epochSeconds,
  eta: z.number().nonnegative().nullable().describe('Seconds; null only while nothing can be said.'),
  stale: z.boolean().describe('True when no worker could be asked and the journal answered.'),
  expires_at: epochSeconds
    .nullable()
    .describe('When its uploads and results are removed; null while the batch is open.'),
  message: z.string(),
});
export type BatchStatus = z.infer<typeof batchStatusSchema>;

/** Of a batch or a rollback. */
export const operationStateSchema = z.enum([...batchStateSchema.options, 'stopping', 'undoing']);

export const batchProgressSchema = z.object({
  operation_id: z.string(),
  status: operationStateSchema,
  total: count,
  completed: count,
  failed: count,
  progress: share.describe('(completed + failed) / total.'),
  work_done: share.describe('The same by pixels, tiles of photos under way included.'),
  eta: z.number().nonnegative().nullable().describe('Seconds; null only while nothing can be said.'),
  stale: z.boolean(),
});
export type BatchProgressAnswer = z.infer<typeof batchProgressSchema>;

export const resumeAnswerSchema = z.object({
  operation_id: z.string(),
  action: z.enum(['resumed', 'retrying', 'restarted', 'none']).describe('What the call did.'),
  kept: count.describe('Photos that are complete and will not be done again.'),
  remaining: count.describe('Photos that will be done.'),
  message: z.string(),
});
export type ResumeAnswer = z.infer<typeof resumeAnswerSchema>;
