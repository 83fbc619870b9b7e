import { S3ServiceException } from '@aws-sdk/client-s3';
import { asDarkroomError, DarkroomError } from '../../contracts/errors.ts';

/** What servers of objects answer, in our own terms. */

const FULL = new Set(['QuotaExceeded', 'NoSpaceLeftOnDevice', 'InsufficientStorage', 'XMinioStorageFull']);
const INSUFFICIENT_STORAGE = 507;

export const isNoObject = (error: unknown): boolean =>
  error instanceof S3ServiceException &&
  (error.name === 'NoSuchKey' || error.name === 'NotFound' || statusOf(error) === 404) &&
  error.name !== 'NoSuchBucket';

/** There is an object already, or another than the one that was named. */
export const isRefusedCondition = (error: unknown): boolean =>
  error instanceof S3ServiceException && (error.name === 'PreconditionFailed' || statusOf(error) === 412);

/** Two conditional writes met; nobody has won yet. */
export const isConflict = (error: unknown): boolean =>
  error instanceof S3ServiceException &&
  (error.name === 'ConditionalRequestConflict' || (statusOf(error) === 409 && error.name !== 'BucketNotEmpty'));

/** The multipart upload is over: aborted, or completed by a call whose answer was lost. */
export const isOver = (error: unknown): boolean => error instanceof S3ServiceException && error.name === 'NoSuchUpload';

/** An answer that no waiting will change: there is no such bucket, or not for us. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof S3ServiceException && [401, 403, 404].includes(statusOf(error) ?? 0);

export const statusOf = (error: S3ServiceException): number | undefined => error.$metadata.httpStatusCode;

/**
 * Full is full, absent is absent; all else that a call can end with after its retries means that the store cannot be used
 * now. Which bucket, which key and what was said stays in the cause, for the log.
 */
export function asS3Error(error: unknown): Error {
  if (error instanceof DarkroomError || error instanceof TypeError) return error;
  if (isNoObject(error)) return new DarkroomError('not_found', undefined, { cause: error });
  if (error instanceof S3ServiceException && (FULL.has(error.name) || statusOf(error) === INSUFFICIENT_STORAGE)) {
    return new DarkroomError('storage_full', 'The store has no room left.', { cause: error });
  }
  const known = asDarkroomError(error); // the disk that copies are lent on has errors of its own
  return known.code === 'internal' ? new DarkroomError('storage_unavailable', undefined, { cause: error }) : known;
}
