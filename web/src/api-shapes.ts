import * as z from 'zod/mini';
import { catch as otherwise } from 'zod/mini';

/** What the API answers, as far as the page reads it. Unknown fields are ignored: the server may be newer. */

export const QUALITIES = ['fast', 'medium', 'high'] as const;
export type Quality = (typeof QUALITIES)[number];
export type Scale = 2 | 4;

export interface EnhanceChoice {
  quality: Quality;
  scale: Scale;
  tileSize: number;
}

/** `GET /` with `Accept: application/json`. */
export const aboutShape = z.object({
  service: z.string(),
  version: z.string(),
  features: otherwise(
    z.object({ max_file_bytes: z.optional(z.number()), max_files_per_form: z.optional(z.number()) }),
    {},
  ),
  endpoints: otherwise(z.record(z.string(), z.string()), {}),
});
export type About = z.infer<typeof aboutShape>;

/** `GET /health`. */
export const healthShape = z.object({
  status: z.string(),
  model_status: z.object({
    initialized: z.boolean(),
    cuda_available: z.boolean(),
    /** Execution provider, such as `cpu`; `none` while no worker is there. */
    device: z.string(),
    notices: otherwise(z.array(z.string()), []),
  }),
  message: otherwise(z.string(), ''),
});
export type Health = z.infer<typeof healthShape>;

export const submittedShape = z.object({
  batch_task_id: z.string(),
  total_files: z.number(),
  sub_tasks: z.array(z.string()),
});
export type Submitted = z.infer<typeof submittedShape>;

const taskStatus = z.enum(['queued', 'processing', 'completed', 'failed']);
export type TaskStatus = z.infer<typeof taskStatus>;

const subTaskShape = z.object({
  task_id: z.string(),
  status: taskStatus,
  filename: z.string(),
  progress: otherwise(z.nullable(z.number()), null),
  error: otherwise(z.nullable(z.string()), null),
});
export type SubTask = z.infer<typeof subTaskShape>;

/** `GET /api/v1/batch/status/{id}`; times are epoch seconds, `eta` is seconds. */
export const batchStatusShape = z.object({
  batch_task_id: z.string(),
  status: z.string(),
  total_files: z.number(),
  completed_files: z.number(),
  failed_files: z.number(),
  progress: z.number(),
  sub_tasks: z.array(subTaskShape),
  created_at: z.number(),
  updated_at: z.number(),
  eta: z.nullable(z.number()),
  next_cursor: otherwise(z.nullable(z.string()), null),
});
export type BatchStatus = z.infer<typeof batchStatusShape>;

/** `GET /api/v1/status/{task_id}`: only what the batch's answer does not say. */
export const taskShape = z.object({ hint: otherwise(z.nullable(z.string()), null) });
export type Task = z.infer<typeof taskShape>;

export const tasksShape = z.object({
  tasks: z.array(z.object({ task_id: z.string(), created_at: z.number() })),
});
export type Tasks = z.infer<typeof tasksShape>;

export const problemShape = z.object({
  title: otherwise(z.string(), ''),
  detail: otherwise(z.string(), ''),
  code: otherwise(z.string(), ''),
});
