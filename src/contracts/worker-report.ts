import { z } from 'zod';
import { QUALITY_LEVELS } from './options.ts';

/** What a dry run must know of a network that serves a level. */
export const networkReportSchema = z.object({
  name: z.string(),
  serves: z.array(z.enum(QUALITY_LEVELS)),
  scale: z.int().positive(),
  overlap: z.object({ pixels: z.int().nonnegative(), join: z.enum(['cut', 'feather']) }),
  memory: z.object({ baseBytes: z.number(), bytesPerWindowPixel: z.number() }),
  /** The largest tile that memory allows here, whatever is asked for. */
  tileSize: z.int().positive(),
  /** Network time for a megapixel of windows, measured here; null until it was run. */
  msPerMegapixel: z.number().nullable(),
});
export type NetworkReport = z.infer<typeof networkReportSchema>;

/** What every worker writes into the store every few seconds: how the API knows models, devices and load. */
export const workerReportSchema = z.object({
  workerId: z.string(),
  host: z.string(),
  pid: z.int(),
  writtenAt: z.number(),
  startedAt: z.number(),
  state: z.enum(['starting', 'ready', 'draining', 'failed']),
  /** Why it failed, or what it does not do as named. */
  notices: z.array(z.string()),
  /** Execution provider: `cpu`, `cuda`, … */
  device: z.string(),
  lanes: z.int(),
  /** Photos it works on at a time; workers of older versions do not say. */
  slots: z.int().optional(),
  activePhotos: z.int(),
  models: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      weights: z.string(),
      licence: z.string(),
      resident: z.boolean(),
      serves: z.array(z.enum(QUALITY_LEVELS)),
    }),
  ),
  networks: z.array(networkReportSchema),
  /** Photos settled since it started, and their mean time in the engine in seconds. */
  totalProcessed: z.int(),
  avgProcessingSeconds: z.number().nullable(),
  /** Share of the time since the last report in which the device ran a network, 0..1. */
  deviceBusy: z.number(),
  engineMemoryBytes: z.number().nullable(),
  gpu: z.object({ usage: z.number(), memory: z.number() }).nullable(),
});
export type WorkerReport = z.infer<typeof workerReportSchema>;

export const slotsOf = ({ slots, lanes }: WorkerReport): number => slots ?? 2 * lanes;

export const REPORT_INTERVAL_MS = 2_000;
/** A report older than this is that of a worker that is gone. */
export const REPORT_STALE_MS = 15_000;
