import { z } from 'zod';
import { QUALITY_LEVELS } from './options.ts';

/**
 * Part 1 of the HTTP contract, the way out: what answers look like. `/openapi.json` is generated from these schemas and
 * the tests hold every answer against them. Field names are fixed for ever; fields may be added.
 */

const epochSeconds = z.number().nonnegative().describe('Seconds since 1970-01-01 UTC, with fractions.');
const share = z.number().min(0).max(1);
const count = z.int().nonnegative();
const percent = z.number().nonnegative().nullable().describe('Percent; null when this host has no such reading.');

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

export const serviceInfoSchema = z.object({
  service: z.string(),
  version: z.string(),
  status: z.literal('running'),
  description: z.string(),
  features: z.record(z.string(), z.unknown()),
  endpoints: z.record(z.string(), z.string()),
});
export type ServiceInfo = z.infer<typeof serviceInfoSchema>;

export const healthSchema = z.object({
  status: z
    .enum(['healthy', 'degraded', 'unhealthy'])
    .describe('`healthy` only when photos are really being worked on.'),
  timestamp: epochSeconds,
  active_tasks: count,
  model_status: z.object({
    initialized: z.boolean(),
    cuda_available: z.boolean(),
    device: z.string(),
    notices: z.array(z.string()).describe('Where a quality level does not do what its name promises, and why.'),
  }),
  message: z.string(),
});
export type Health = z.infer<typeof healthSchema>;

export const probeSchema = z.object({ status: z.literal('alive') });

export const readinessSchema = z.object({
  status: z.literal('ready'),
  checks: z.array(
    z.object({ check: z.string(), state: z.enum(['ok', 'skipped', 'warning', 'fault']), message: z.string() }),
  ),
});

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

export const batchProgressSchema = z.object({
  operation_id: z.string(),
  status: batchStateSchema,
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

export const performanceSchema = z.object({
  current_metrics: z.object({
    timestamp: epochSeconds,
    cpu_usage: percent,
    memory_usage: percent,
    gpu_usage: percent,
    gpu_memory: percent,
    active_tasks: count,
    queue_size: count.nullable(),
    avg_processing_time: z.number().nonnegative().nullable(),
  }),
  performance_summary: z.object({
    avg_cpu_usage: percent,
    avg_memory_usage: percent,
    avg_gpu_usage: percent,
    avg_gpu_memory: percent,
    avg_processing_time: z.number().nonnegative().nullable(),
    total_processed: count,
  }),
  workers: z
    .array(
      z.object({
        state: z.enum(['starting', 'ready', 'draining', 'failed']),
        device: z.string(),
        engines: count,
        active_tasks: count,
        engine_memory_bytes: z.number().nonnegative().nullable(),
      }),
    )
    .describe('The workers that are there now.'),
  autoscalers: z
    .array(
      z.object({
        workers: count,
        min_workers: count,
        max_workers: count,
        reason: z.string().describe('What it thought at its last look.'),
        hired: count,
        dismissed: count,
        events: z.array(z.object({ timestamp: epochSeconds, from: count, to: count, reason: z.string() })),
      }),
    )
    .describe('What makes the workers more and fewer (AUTOSCALE), with its latest changes, oldest first.'),
  history: z
    .array(
      z.object({
        timestamp: epochSeconds,
        cpu_usage: percent,
        memory_usage: percent,
        gpu_usage: percent,
        device_busy: percent.describe('Share of the time in which the devices ran a network, percent.'),
        active_tasks: count,
        queue_size: count.nullable(),
        workers: count.describe('Workers that were ready.'),
        total_processed: count.describe('By the workers that were there.'),
      }),
    )
    .optional()
    .describe('With `history=true`: the last ten minutes, oldest first.'),
  timestamp: epochSeconds,
});
export type PerformanceAnswer = z.infer<typeof performanceSchema>;

export const modelsSchema = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      weights: z.string().describe('SHA-256 of the weights.'),
      licence: z.string(),
      resident: z.boolean(),
      serves: z.array(z.enum(QUALITY_LEVELS)),
      devices: z.array(z.string()),
    }),
  ),
  notices: z.array(z.string()),
});
export type ModelsAnswer = z.infer<typeof modelsSchema>;
