import { z } from 'zod';
import { isErrorCode } from './errors.ts';
import { bucketSourceSchema, folderSourceSchema, PHOTOS_PER_BATCH, urlSourceSchema } from './http-batch-requests.ts';
import { integerText } from './http-requests.ts';
import { count, seconds } from './http-numbers.ts';
import { jsonOptionFields } from './option-fields.ts';
import { uploadSourceSchema } from './http-uploads.ts';

/** The dry run of the HTTP contract: what a batch would do, photo by photo, before anything is started. */

const side = z.int().min(1, 'must be at least 1').max(1_000_000, 'must be at most 1000000');

const planSourceSchema = z.discriminatedUnion(
  'kind',
  [
    folderSourceSchema,
    z
      .strictObject({
        kind: z.literal('sizes'),
        photos: z
          .array(
            z.strictObject({
              name: z.string().max(1000, 'must be 1000 characters at most').optional(),
              width: side,
              height: side,
              bytes: z.int().nonnegative().optional(),
            }),
          )
          .min(1, 'must name a photo')
          .max(PHOTOS_PER_BATCH, `must be ${PHOTOS_PER_BATCH} photos at most`),
      })
      .describe('Photos that are not here yet, by their pixels.'),
    uploadSourceSchema(PHOTOS_PER_BATCH),
    urlSourceSchema,
    bucketSourceSchema,
  ],
  { error: 'must be "folder", "uploads", "urls", "s3" or "sizes"' },
);

export const planRequestSchema = z.strictObject({
  source: planSourceSchema,
  options: z.strictObject(jsonOptionFields).optional(),
});
export type PlanRequest = z.infer<typeof planRequestSchema>;

export const PLANNED_PER_ANSWER = 500;
export const planPageSchema = z.object({
  limit: integerText(
    0,
    PLANNED_PER_ANSWER,
    'Photos listed in the answer; 100 unless said. The sums are of all.',
  ).optional(),
});

const bytes = z.number().nonnegative();

const plannedPhotoSchema = z.object({
  name: z.string(),
  status: z.enum(['planned', 'refused', 'unknown']),
  error_code: z.string().refine(isErrorCode).nullable().describe('Why it would fail; null when it is planned.'),
  error: z.string().nullable(),
  unknown: z.string().nullable().describe('Why nothing can be said of it before it is fetched; else null.'),
  width: count.nullable(),
  height: count.nullable(),
  result_width: count.nullable(),
  result_height: count.nullable(),
  how: z.string().nullable().describe('How the size is reached, in a sentence.'),
  network_passes: count,
  tiles: count,
  memory_bytes: bytes.describe('Peak memory of the engine, by the memory model of the network.'),
  scratch_bytes: bytes.describe('Scratch disk while it is under way.'),
  seconds: seconds
    .nullable()
    .describe('On one engine, at the speed that was measured; null while there is no measurement.'),
});

export const planSchema = z.object({
  photos: z.array(plannedPhotoSchema),
  total: z.object({
    photos: count,
    planned: count,
    refused: count,
    unknown: count.describe('Photos that lie elsewhere and were not, or could not be, looked at: in no other sum.'),
    tiles: count,
    megapixels: z.number().nonnegative().describe('Of the photos that are planned.'),
    memory_bytes: bytes.describe('The most that one engine would need at a time.'),
    scratch_bytes: bytes.describe('The most that is on scratch at a time.'),
    result_bytes: bytes.describe('Estimate of what the results will take in the store.'),
    seconds: seconds.nullable().describe('Until all that are planned are done, with the engines that are there now.'),
  }),
  disk: z.object({ free_bytes: bytes.nullable(), enough: z.boolean().nullable() }),
  engines: count.describe('Engines that are there now.'),
  device: z.string().nullable(),
  model: z.string().nullable().describe('The network that serves the level; null while no worker has said.'),
  notices: z.array(z.string()),
  message: z.string(),
});
export type PlanAnswer = z.infer<typeof planSchema>;
