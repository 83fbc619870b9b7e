import { z } from 'zod';
import { isErrorCode, type ErrorCode } from './errors.ts';
import { enhanceOptionsSchema } from './options.ts';
import { recipeSchema } from './recipe.ts';
import { s3Address } from './s3-place.ts';
import { webhookSchema } from './webhooks.ts';

/** What the journal keeps of a batch: its header, the pages of its manifest, the outcome of every photo, its summary. */

const errorCodeSchema = z
  .string()
  .refine((code): code is ErrorCode => isErrorCode(code), 'must be a code of the error table');

/**
 * Where a photo's original is. `path` is a file of this host that the CLI was pointed at; it is read, never moved. An upload
 * with `from` is fetched from that address (`http:`, `https:`, `s3:`) before the photo is worked on, and only while it has
 * the content that `etag` names.
 */
export const originalSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('upload'),
    key: z.string(),
    from: z.string().optional(),
    etag: z.string().optional(),
  }),
  z.object({ kind: z.literal('path'), path: z.string(), bytes: z.int(), modifiedMs: z.number() }),
]);
export type Original = z.infer<typeof originalSchema>;

/** Where results go besides the store. */
export const destinationSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('store') }),
  /** Below this folder of the worker's host, under each photo's `target`. */
  z.object({ kind: z.literal('folder'), path: z.string() }),
  /** Instead of the original, which is preserved first. */
  z.object({ kind: z.literal('in_place') }),
  /** Below this folder of a bucket (empty: all of it), under each photo's `target`. */
  z.object({ kind: z.literal('s3'), bucket: z.string(), prefix: z.string() }),
]);
export type Destination = z.infer<typeof destinationSchema>;

/** Whether each result needs a name of its own there. */
export const hasTargets = ({ kind }: Destination): boolean => kind === 'folder' || kind === 's3';

/** Where results go, for people: a path, or an address in a bucket. */
export function showPlace(destination: Destination): string | null {
  if (destination.kind === 's3') return s3Address({ bucket: destination.bucket, key: destination.prefix });
  return destination.kind === 'folder' ? destination.path : null;
}

/** What a photo is: upright, in pixels. */
const pictureSchema = z.object({ width: z.int(), height: z.int(), format: z.string() });
export type Picture = z.infer<typeof pictureSchema>;

/** One line of the manifest. */
export const photoRecordSchema = z.object({
  index: z.int().nonnegative(),
  /** The client's name for it, as text only; never used as a path inside the store. */
  name: z.string(),
  bytes: z.int().nonnegative(),
  original: originalSchema,
  /** For destinations `folder` and `s3`: where below it the result goes, with the original's extension. */
  target: z.string().optional(),
  /** Size of the photo in thousands of pixels: the weight of its share of the work. 0 when it could not be read. */
  kilopixels: z.number().nonnegative(),
  /** As its header says. Absent where nobody has looked: originals at addresses and in buckets, batches of older versions. */
  picture: pictureSchema.optional(),
  /** Set when the photo was refused as it came in: it is part of the batch, failed, and never scheduled. */
  refused: z.object({ code: errorCodeSchema, message: z.string() }).optional(),
});
export type PhotoRecord = z.infer<typeof photoRecordSchema>;

/** The batch's header; written once, before its workflow is started. */
export const batchHeaderSchema = z.object({
  batchId: z.string(),
  /** `single` came through `/api/v1/enhance` or is otherwise one urgent photo; it differs in priority and in nothing else. */
  kind: z.enum(['single', 'batch']),
  tenant: z.string(),
  createdAt: z.number(),
  /** Photos in the manifest; an open batch may begin with none and grow. */
  total: z.int().nonnegative(),
  kilopixels: z.number().nonnegative(),
  /** True while photos may be added. */
  open: z.boolean(),
  options: enhanceOptionsSchema,
  destination: destinationSchema,
  maxWorkers: z.int().positive(),
  priority: z.int().min(1).max(5),
  rollbackEnabled: z.boolean(),
  checkpointEnabled: z.boolean(),
  /** The client's own words for it; nothing is done with them but to show them. */
  tags: z.array(z.string()).optional(),
  /** Whom it tells how it ended. */
  webhook: webhookSchema.optional(),
});
export type BatchHeader = z.infer<typeof batchHeaderSchema>;

export const photoResultSchema = z.object({
  key: z.string(),
  bytes: z.int().positive(),
  sha256: z.string(),
  /** CRC-32, unsigned: lets a ZIP be laid out before it is sent. */
  crc32: z.int().nonnegative(),
  contentType: z.string(),
  /** With the dot, lower case: `.jpg`. */
  extension: z.string(),
  width: z.int().positive(),
  height: z.int().positive(),
});
export type PhotoResult = z.infer<typeof photoResultSchema>;

export const photoErrorSchema = z.object({ code: errorCodeSchema, message: z.string(), hint: z.string() });
export type PhotoError = z.infer<typeof photoErrorSchema>;

const outcomeBase = {
  index: z.int().nonnegative(),
  /** Round of the batch that this outcome belongs to; of two outcomes the one of the later round counts. */
  epoch: z.int().nonnegative(),
  attempts: z.int().nonnegative(),
  finishedAt: z.number(),
};

/** How a photo ended. An outcome is written once (put-if-absent) and is the only thing that makes a result visible. */
export const photoOutcomeSchema = z.discriminatedUnion('status', [
  z.object({
    ...outcomeBase,
    status: z.literal('completed'),
    startedAt: z.number(),
    /** Milliseconds in the engine by stage. `network` is the part the device was busy. */
    timings: z.object({ decodeMs: z.number(), networkMs: z.number(), encodeMs: z.number(), totalMs: z.number() }),
    original: pictureSchema,
    tiles: z.int(),
    result: photoResultSchema,
    recipe: recipeSchema,
    warnings: z.array(z.string()),
  }),
  z.object({ ...outcomeBase, status: z.literal('failed'), error: photoErrorSchema }),
  /** The tombstone of a photo that was deleted: nothing may be published for it any more. */
  z.object({ ...outcomeBase, status: z.literal('removed'), reason: z.enum(['deleted', 'rolled_back', 'expired']) }),
]);
export type PhotoOutcome = z.infer<typeof photoOutcomeSchema>;
export type CompletedOutcome = Extract<PhotoOutcome, { status: 'completed' }>;
export type FailedOutcome = Extract<PhotoOutcome, { status: 'failed' }>;

/** Final account of a batch; written when its workflow closes, replaced if it is opened again. */
export const batchSummarySchema = z.object({
  batchId: z.string(),
  /** First run ID of the workflow execution that wrote it: tells a summary of an earlier life from today's. */
  executionId: z.string(),
  status: z.enum(['completed', 'partial_completed', 'failed', 'cancelled']),
  total: z.int(),
  completed: z.int(),
  failed: z.int(),
  closedAt: z.number(),
});
export type BatchSummary = z.infer<typeof batchSummarySchema>;
