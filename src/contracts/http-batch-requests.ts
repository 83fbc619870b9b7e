import { z } from 'zod';
import { cursorText, integerText } from './http-requests.ts';
import { uploadSourceSchema } from './http-uploads.ts';
import { optionFields } from './option-fields.ts';
import { newWebhookSchema } from './webhooks.ts';

/** Part 2 of the HTTP contract, the way in: batches as JSON, their photos and their control. */

const whole = (min: number, max: number) =>
  z.int().min(min, `must be from ${min} to ${max}`).max(max, `must be from ${min} to ${max}`);

export const pathText = z
  .string()
  .min(1, 'must be a path')
  .max(4096, 'must be a path of 4096 characters at most')
  .refine((path) => !path.includes('\0'), 'must be a path')
  .describe('Absolute, or from the first of SOURCE_ROOTS; always below one of them.');

const maxWorkers = whole(1, 200).describe('Photos of this batch that may be under way at once.');
const priority = whole(1, 5).describe('1 is served first; a large batch has 4 unless said.');

/** Photos of one batch: the promise of the contract, and the bound of what one call reads. */
export const PHOTOS_PER_BATCH = 100_000;

const sourceSchema = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({
      kind: z.literal('folder'),
      path: pathText,
      recursive: z.boolean().optional().describe('Whether folders below it are read as well; true unless said.'),
    }),
    uploadSourceSchema(PHOTOS_PER_BATCH),
    z.strictObject({
      kind: z.literal('urls'),
      urls: z
        .array(z.string())
        .min(1, 'must name at least one photo')
        .max(PHOTOS_PER_BATCH, `must be ${PHOTOS_PER_BATCH} photos at most`)
        .describe('Photos on the internet, http or https; each is fetched when its turn comes, and fails alone.'),
    }),
  ],
  {
    error:
      'must be "folder", "uploads" or "urls"; or send photos to POST /api/v1/batches/{batch_id}/photos of an open batch',
  },
);

const destinationSchema = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('store') }),
    z.strictObject({ kind: z.literal('folder'), path: pathText }),
    z.strictObject({ kind: z.literal('in_place') }).describe('Results replace the photos of the source folder.'),
  ],
  { error: 'must be "store", "folder" or "in_place"' },
);

export const newBatchSchema = z.strictObject({
  source: sourceSchema.optional(),
  destination: destinationSchema.optional(),
  options: z.strictObject(optionFields).optional(),
  max_workers: maxWorkers.optional(),
  priority: priority.optional(),
  tags: z
    .array(z.string().min(1, 'must not be empty').max(100, 'must be 100 characters at most'))
    .max(20, 'must be 20 tags at most')
    .optional(),
  webhook: newWebhookSchema.optional().describe('Who is told how the batch ended.'),
  open: z.boolean().optional().describe('Whether photos may be added until the batch is sealed.'),
  enable_checkpoint: z.boolean().optional(),
  enable_rollback: z.boolean().optional(),
});
export type NewBatchRequest = z.infer<typeof newBatchSchema>;

export const changeBatchSchema = z
  .strictObject({ priority: priority.optional(), max_workers: maxWorkers.optional() })
  .refine(
    ({ priority, max_workers }) => priority !== undefined || max_workers !== undefined,
    'must name priority or max_workers',
  );

export const batchIdParamsSchema = z.object({ batch_id: z.string().max(100).describe('Names a batch.') });

/** A form of photos alone: the settings are the batch's. */
export const noSettingsSchema = z.strictObject({});

export const PHOTO_STATES = ['queued', 'processing', 'completed', 'failed', 'removed'] as const;

export const photoPageSchema = z.object({
  status: z.enum(PHOTO_STATES).optional().describe('Only photos in this state.'),
  cursor: cursorText.optional(),
  limit: integerText(1, 500, 'Photos in one answer; 100 unless said.').optional(),
});
export const PHOTOS_PER_ANSWER = 100;
