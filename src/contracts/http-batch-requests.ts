import { z } from 'zod';
import { cursorText, integerText } from './http-requests.ts';
import { addedUploadsSchema, PHOTOS_PER_ADDITION, uploadSourceSchema } from './http-uploads.ts';
import { newWebhookSchema } from './http-webhooks.ts';
import { jsonOptionFields } from './option-fields.ts';
import { asFolder, isBucketName, isKey, KEY_BYTES } from './s3-place.ts';

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

const recursive = z.boolean().optional().describe('Whether folders below it are read as well; true unless said.');

export const folderSourceSchema = z.strictObject({ kind: z.literal('folder'), path: pathText, recursive });

export const urlSourceSchema = z.strictObject({
  kind: z.literal('urls'),
  urls: z
    .array(z.string())
    .min(1, 'must name at least one photo')
    .max(PHOTOS_PER_BATCH, `must be ${PHOTOS_PER_BATCH} photos at most`)
    .describe('Photos on the internet, http or https; each is fetched when its turn comes, and fails alone.'),
});

const bucketText = z
  .string()
  .refine(isBucketName, 'must be the name of a bucket')
  .describe('A bucket of the S3 server that this server uses (S3_ENDPOINT).');

const prefixText = z
  .string()
  .max(KEY_BYTES, `must be ${KEY_BYTES} characters at most`)
  .refine((prefix) => asFolder(prefix) !== undefined, 'must be names with "/" between them, as in a/b');

/** Objects that one order names by their keys: each is asked for before the answer. */
export const KEYS_PER_ORDER = 10_000;

export const bucketSourceSchema = z.strictObject({
  kind: z.literal('s3'),
  bucket: bucketText,
  prefix: prefixText
    .optional()
    .describe('What is below it, name by name: `a/b` stands for `a/b/…`. All of the bucket unless said.'),
  keys: z
    .array(z.string().refine((key) => key !== '' && isKey(key), 'must be the key of an object'))
    .min(1, 'must name at least one object')
    .max(KEYS_PER_ORDER, `must be ${KEYS_PER_ORDER} objects at most`)
    .optional()
    .describe('Instead of a prefix: objects by their whole keys, whatever they are called.'),
  recursive,
});

export type BucketSource = z.infer<typeof bucketSourceSchema>;

const sourceSchema = z.discriminatedUnion(
  'kind',
  [folderSourceSchema, uploadSourceSchema(PHOTOS_PER_BATCH), urlSourceSchema, bucketSourceSchema],
  {
    error:
      'must be "folder", "uploads", "urls" or "s3"; or send photos to POST /api/v1/batches/{batch_id}/photos of an open batch',
  },
);

const destinationSchema = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('store') }),
    z.strictObject({ kind: z.literal('folder'), path: pathText }),
    z.strictObject({ kind: z.literal('in_place') }).describe('Results replace the photos of the source folder.'),
    z
      .strictObject({ kind: z.literal('s3'), bucket: bucketText, prefix: prefixText.optional() })
      .describe('An object for each photo; what is there already is not replaced.'),
  ],
  { error: 'must be "store", "folder", "in_place" or "s3"' },
);

export const newBatchSchema = z.strictObject({
  source: sourceSchema.optional(),
  destination: destinationSchema.optional(),
  options: z.strictObject(jsonOptionFields).optional(),
  max_workers: maxWorkers.optional(),
  priority: priority.optional(),
  tags: z
    .array(z.string().min(1, 'must not be empty').max(100, 'must be 100 characters at most'))
    .max(20, 'must be 20 tags at most')
    .optional(),
  webhook: newWebhookSchema.optional().describe('Who is told what became of the batch and, if wanted, of its photos.'),
  open: z.boolean().optional().describe('Whether photos may be added until the batch is sealed.'),
  enable_checkpoint: z.boolean().optional(),
  enable_rollback: z.boolean().optional(),
});
export type NewBatchRequest = z.infer<typeof newBatchSchema>;

/** Photos for an open batch that do not come as a form. */
export const addPhotosSchema = z
  .strictObject({
    upload_ids: addedUploadsSchema.optional(),
    source: z
      .discriminatedUnion('kind', [urlSourceSchema, bucketSourceSchema], { error: 'must be "urls" or "s3"' })
      .optional()
      .describe(`Photos that lie elsewhere, ${PHOTOS_PER_ADDITION} at most; each is fetched when its turn comes.`),
  })
  .refine(
    ({ upload_ids, source }) => (upload_ids === undefined) !== (source === undefined),
    'must name either upload_ids or a source',
  );
export type AddPhotosRequest = z.infer<typeof addPhotosSchema>;

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
