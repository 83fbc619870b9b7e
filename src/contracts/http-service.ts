import { z } from 'zod';
import { count, epochSeconds } from './http-numbers.ts';
import { QUALITY_LEVELS } from './options.ts';

/** Part 1 of the HTTP contract, the way out: what the service says of itself. Field names are fixed for ever; fields may be added. */

const percent = z.number().nonnegative().nullable().describe('Percent; null when this host has no such reading.');

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
