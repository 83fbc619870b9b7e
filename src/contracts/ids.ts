/**
 * Names of things. A batch ID is also its workflow ID and its operation ID; a photo ID names its batch and its place in it,
 * so that no table is needed to find either.
 */

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'; // Crockford base 32: no i, l, o, u to misread
const BATCH_ID = /^b-\d{8}-\d{6}-[0-9a-hjkmnp-tv-z]{10}$/;
const OPERATION_ID = /^[br]-(\d{4})(\d{2})(\d{2})-\d{6}-[0-9a-hjkmnp-tv-z]{10}$/;
const PHOTO_ID = /^(b-[0-9]{8}-[0-9]{6}-[0-9a-hjkmnp-tv-z]{10})\.(0|[1-9]\d{0,5})$/;
const ADDITION_ID = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/;

/** Whether photos can be added under this name: it becomes part of file names. */
export const isAdditionId = (text: string): boolean => ADDITION_ID.test(text);

/** Photos in one page of a manifest; also how many a workflow run starts before it continues as new. */
export const PHOTOS_PER_PAGE = 500;

/** Makes `b-20261122-120934-k7m2x9qfab` from a moment and ten random bytes (50 bits are used). */
export function makeBatchId(now: Date, random: Uint8Array): string {
  if (random.length < 10) throw new RangeError(`Expected 10 random bytes for a batch ID but received ${random.length}`);
  const stamp = now.toISOString().replace(/[-:]/g, '');
  return `b-${stamp.slice(0, 8)}-${stamp.slice(9, 15)}-${suffixOf(random)}`;
}

const suffixOf = (bytes: Uint8Array): string =>
  Array.from(bytes.subarray(0, 10), (byte) => ALPHABET[byte & 31]).join('');

export const isBatchId = (text: string): boolean => BATCH_ID.test(text);

export const photoId = (batchId: string, index: number): string => `${batchId}.${index}`;

/** Undoes {@link photoId}; `undefined` for anything else. */
export function parsePhotoId(text: string): { batchId: string; index: number } | undefined {
  const match = PHOTO_ID.exec(text);
  return match?.[1] !== undefined && match[2] !== undefined
    ? { batchId: match[1], index: Number(match[2]) }
    : undefined;
}

/**
 * The ID of the rollback of a selection: always the same for the same selection, so that asking twice is one rollback.
 * @param batchId the (first) batch it undoes, whose day and time it takes over
 * @param digest ten bytes of a digest of the whole selection
 */
export function makeRollbackId(batchId: string, digest: Uint8Array): string {
  if (digest.length < 10) throw new RangeError(`Expected 10 bytes for a rollback ID but received ${digest.length}`);
  return `r-${batchId.slice(2, 17)}-${suffixOf(digest)}`;
}

export const isRollbackId = (text: string): boolean => text.startsWith('r-') && OPERATION_ID.test(text);

/** Where an operation is in the history that batches and rollbacks share: `{second}.{operationId}`. */
export const isHistoryPosition = (text: string): boolean =>
  /^\d{8}-\d{6}\./.test(text) && OPERATION_ID.test(text.slice('YYYYMMDD-hhmmss.'.length));

/** The day in the ID of a batch or rollback: `['2026', '11', '22']`. */
export function dayOf(operationId: string): [string, string, string] {
  const match = OPERATION_ID.exec(operationId);
  if (!match?.[1] || !match[2] || !match[3]) {
    throw new TypeError(`Expected an operation ID but received ${JSON.stringify(operationId)}`);
  }
  return [match[1], match[2], match[3]];
}

/** The moment in the ID of a batch, epoch milliseconds. */
export function momentOf(batchId: string): number {
  const [year, month, day] = dayOf(batchId);
  const [hours, minutes, seconds] = [batchId.slice(11, 13), batchId.slice(13, 15), batchId.slice(15, 17)];
  return Date.parse(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`);
}

export const pageOf = (index: number): number => Math.floor(index / PHOTOS_PER_PAGE);
