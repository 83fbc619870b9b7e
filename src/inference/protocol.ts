import { z } from 'zod';
import { isErrorCode, type ErrorCode } from '../contracts/errors.ts';
import { enhanceOptionsSchema } from '../contracts/options.ts';
import { makingSchema } from '../contracts/recipe.ts';
import type { EnhanceJob, EnhancedPhoto } from './engine.ts';

/** What crosses the pipe between the pool and an engine process: paths, options and progress, never pixels. */

const modelSchema = z.object({
  name: z.string(),
  graphPath: z.string(),
  scale: z.int().positive(),
  overlap: z.object({ pixels: z.int().nonnegative(), join: z.enum(['cut', 'feather']) }),
  memory: z.object({ baseBytes: z.number(), bytesPerWindowPixel: z.number() }),
  /** The network that it is blended with where less denoising is asked for. */
  twin: z.object({ name: z.string(), graphPath: z.string() }).optional(),
  /** Of a network in 8 bits: the installed one that is the same in full precision. */
  fullPrecision: z.string().optional(),
});
export type EngineModel = z.infer<typeof modelSchema>;

const faceModelSchema = z.object({
  name: z.string(),
  path: z.string(),
  /** What it takes in memory while it runs. */
  memoryBytes: z.number(),
});

const settingsSchema = z.object({
  models: z.array(modelSchema),
  /** Absent where faces are not restored. */
  faces: z.object({ detector: faceModelSchema, restorer: faceModelSchema }).optional(),
  /** Created and run once before the engine is ready. */
  warm: z.array(z.string()),
  /** What earlier engines on this device found of networks in 8 bits; see `precision.ts`. */
  verdicts: z.record(z.string(), z.string().nullable()),
  /** In order of preference. */
  providers: z.array(z.string()),
  /** Which of several devices of the same kind. */
  deviceId: z.int(),
  /** Threads of the network on a CPU. */
  threads: z.int().positive(),
  /** That most photos ask for. */
  tileSize: z.int().positive(),
  /** How photos are cut; by the device, if nothing is said. */
  windows: z.enum(['fitted', 'fixed']).optional(),
  /** Photos at a time; 0: as fits the device. */
  photosAtOnce: z.int().nonnegative(),
  /** Memory that more than two photos may take together, beside the network. */
  photosBudgetBytes: z.number(),
  /** Memory all resident sessions together may take; beyond it the one unused for longest goes. */
  sessionBudgetBytes: z.number(),
  /** Of photos that take the network less, in milliseconds, no tiles are kept. */
  checkpointMinMs: z.number(),
  photoMaxPixels: z.number(),
  resultMaxPixels: z.number(),
});
export type EngineSettings = z.infer<typeof settingsSchema>;

const jobSchema = z.object({
  inputPath: z.string(),
  scratchDir: z.string(),
  model: z.string(),
  // Smaller tiles than a client may ask for serve machines with little memory, and tests.
  options: enhanceOptionsSchema.extend({ tileSize: z.int().positive() }),
  checkpoint: z.boolean(),
}) satisfies z.ZodType<EnhanceJob>;

const toEngineSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('start'), settings: settingsSchema }),
  /** `tileSize` is the job's, or less where memory is short. */
  z.object({ type: z.literal('enhance'), id: z.int(), job: jobSchema, tileSize: z.int().positive() }),
  z.object({ type: z.literal('cancel'), id: z.int() }),
]);
export type ToEngine = z.infer<typeof toEngineSchema>;

const photoSchema = z.object({
  path: z.string(),
  contentType: z.string(),
  extension: z.string(),
  width: z.int(),
  height: z.int(),
  original: z.object({ width: z.int(), height: z.int(), format: z.string() }),
  timings: z.object({ decodeMs: z.number(), networkMs: z.number(), encodeMs: z.number(), totalMs: z.number() }),
  tiles: z.int(),
  tilesReused: z.int(),
  tileSize: z.int(),
  model: z.string(),
  device: z.string(),
  making: makingSchema,
  warnings: z.array(z.string()).readonly(),
}) satisfies z.ZodType<EnhancedPhoto>;

const faultSchema = z.object({
  code: z.string().refine((code): code is ErrorCode => isErrorCode(code)),
  message: z.string(),
  /** For the log: the cause's text. */
  detail: z.string(),
});
export type Fault = z.infer<typeof faultSchema>;

const stepSchema = z.object({
  stage: z.enum(['waiting', 'decoding', 'enhancing', 'encoding']),
  tilesDone: z.int(),
  tilesTotal: z.int(),
  /** How long the next step should take; null while the photo waits for another. */
  expectedMs: z.number().nullable(),
  /** How long the network will take for the rest of the photo; absent where nothing is known of it. */
  networkLeftMs: z.number().optional(),
});
export type Step = z.infer<typeof stepSchema>;

const fromEngineSchema = z.discriminatedUnion('type', [
  /** Said before it is tried, because a broken driver may take the process down. */
  z.object({ type: z.literal('trying'), provider: z.string() }),
  z.object({
    type: z.literal('ready'),
    device: z.string(),
    deviceMemoryBytes: z.number().nullable(),
    notes: z.array(z.string()),
  }),
  z.object({ type: z.literal('unusable'), fault: faultSchema }),
  z.object({
    type: z.literal('pulse'),
    memoryBytes: z.number(),
    networkMs: z.number(),
    resident: z.array(z.string()),
    /** Memory that a window's pixel was seen to take, in bytes, for models that were opened. */
    measured: z.record(z.string(), z.number()),
    /** Milliseconds of the network for a pixel of a window, of the same models. */
    speeds: z.record(z.string(), z.number()),
    verdicts: settingsSchema.shape.verdicts,
  }),
  z.object({ type: z.literal('step'), id: z.int(), step: stepSchema }),
  z.object({ type: z.literal('done'), id: z.int(), photo: photoSchema }),
  z.object({ type: z.literal('failed'), id: z.int(), fault: faultSchema }),
  z.object({ type: z.literal('cancelled'), id: z.int() }),
]);
export type FromEngine = z.infer<typeof fromEngineSchema>;

export const parseToEngine = (message: unknown): ToEngine => toEngineSchema.parse(message);
export const parseFromEngine = (message: unknown): FromEngine => fromEngineSchema.parse(message);
