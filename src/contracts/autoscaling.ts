import { z } from 'zod';

/** What the autoscaler did and why: how people and metrics see it. */
export const scalingEventSchema = z.object({
  /** Epoch milliseconds. */
  at: z.number(),
  from: z.int(),
  to: z.int(),
  reason: z.string(),
});
export type ScalingEvent = z.infer<typeof scalingEventSchema>;

/** What the autoscaler writes into the store after every look. */
export const autoscalerReportSchema = z.object({
  host: z.string(),
  pid: z.int(),
  writtenAt: z.number(),
  workers: z.int(),
  minWorkers: z.int(),
  maxWorkers: z.int(),
  /** What it thought at its last look, also where nothing came of it. */
  reason: z.string(),
  hired: z.int(),
  dismissed: z.int(),
  /** Newest last; bounded. */
  events: z.array(scalingEventSchema),
});
export type AutoscalerReport = z.infer<typeof autoscalerReportSchema>;

export const SCALING_EVENTS_KEPT = 50;
/** Longer than starting a worker may take: meanwhile nothing is written. */
export const SCALING_STALE_MS = 600_000;
