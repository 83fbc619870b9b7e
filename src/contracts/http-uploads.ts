import { z } from 'zod';

/** Uploads that come in piece by piece (tus 1.0): their names, what a batch says of them, and how one is shown. */

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const MOMENT_CHARACTERS = 7;
/** 130 bits: nobody finds another's upload by trying. */
const SECRET_CHARACTERS = 26;
const UPLOAD_ID = /^u-([0-9a-hjkmnp-tv-z]{7})([0-9a-hjkmnp-tv-z]{26})$/;

/** Random bytes that {@link makeUploadId} needs; five bits of each are used. */
export const UPLOAD_ID_BYTES = SECRET_CHARACTERS;

/** Names an upload after the second it was made in, so that its time is known without reading it, and a secret. */
export function makeUploadId(now: number, random: Uint8Array): string {
  if (random.length < SECRET_CHARACTERS) {
    throw new RangeError(`Expected ${SECRET_CHARACTERS} random bytes for an upload ID but received ${random.length}`);
  }
  let seconds = Math.floor(now / 1000);
  let moment = '';
  for (let place = 0; place < MOMENT_CHARACTERS; place += 1) {
    moment = `${ALPHABET[seconds % 32]}${moment}`;
    seconds = Math.floor(seconds / 32);
  }
  return `u-${moment}${Array.from(random.subarray(0, SECRET_CHARACTERS), (byte) => ALPHABET[byte & 31]).join('')}`;
}

export const isUploadId = (text: string): boolean => UPLOAD_ID.test(text);

/** When an upload was created, epoch milliseconds; `undefined` for what is no upload ID. */
export function momentOfUpload(uploadId: string): number | undefined {
  const moment = UPLOAD_ID.exec(uploadId)?.[1];
  if (moment === undefined) return undefined;
  return Array.from(moment).reduce((sum, character) => sum * 32 + ALPHABET.indexOf(character), 0) * 1000;
}

/** The first two characters of the secret: uploads lie in as many folders as those can name. */
export const shardOfUpload = (uploadId: string): string => uploadId.slice(9, 11);

/** Media type of the bytes of an upload. */
export const UPLOAD_BYTES = 'application/offset+octet-stream';

/** Photos that one call may add to an open batch. */
export const PHOTOS_PER_ADDITION = 10_000;

const uploadIds = (most: number) =>
  z
    .array(z.string())
    .min(1, 'must name at least one upload')
    .max(most, `must name ${most} uploads at most`)
    .describe('Uploads of /api/v1/uploads by ID, in the order of the batch; each can be used once.');

export const uploadSourceSchema = (most: number) =>
  z.strictObject({ kind: z.literal('uploads'), ids: uploadIds(most) });

export const addedUploadsSchema = uploadIds(PHOTOS_PER_ADDITION);

export const uploadParamsSchema = z.object({ upload_id: z.string().max(100).describe('Names an upload.') });

const photoSchema = z.object({
  format: z.enum(['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif', 'bmp']),
  width: z.int(),
  height: z.int(),
});

export const uploadSchema = z.object({
  upload_id: z.string(),
  filename: z.string(),
  length: z.int().describe('Bytes in all.'),
  offset: z.int().describe('Bytes that have come; where to go on.'),
  complete: z.boolean(),
  photo: photoSchema.nullable().describe('What it was found to be; null until it is complete.'),
  created_at: z.number(),
  expires_at: z.number().describe('When it is removed unless a batch has taken it.'),
});
export type UploadAnswer = z.infer<typeof uploadSchema>;

/** What is kept of an upload besides its bytes. */
export const uploadRecordSchema = z.object({
  id: z.string(),
  tenant: z.string(),
  /** The client's name of the photo, cleaned. */
  name: z.string(),
  /** As it was sent: the protocol gives it back. */
  metadata: z.record(z.string(), z.string().nullable()),
  length: z.int().nonnegative(),
  createdAt: z.number(),
  /** Set once all bytes are there and were found to be a photo. */
  photo: photoSchema.optional(),
});
export type UploadRecord = z.infer<typeof uploadRecordSchema>;
