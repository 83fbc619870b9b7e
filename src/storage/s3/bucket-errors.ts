import { S3ServiceException } from '@aws-sdk/client-s3';
import { DarkroomError, type ErrorCode } from '../../contracts/errors.ts';
import { s3Address, type S3Place } from '../../contracts/s3-place.ts';
import { asS3Error, isNoObject, isRefusedCondition, statusOf } from './s3-errors.ts';

interface Deed {
  readonly place: S3Place;
  /** As in "may not read". */
  readonly verb: 'list' | 'read' | 'write' | 'remove';
  /** What it is when the server does not answer. */
  readonly away: Extract<ErrorCode, 'storage_unavailable' | 'address_unreachable'>;
}

/**
 * What a call about a bucket of others ended with, in a sentence for whoever named the bucket: other than for the store,
 * where and what is theirs to know.
 */
export function asBucketError(thrown: unknown, deed: Deed): Error {
  // A body that could not be taken up again has been told in terms of the store already.
  const error = thrown instanceof DarkroomError && thrown.cause !== undefined ? thrown.cause : thrown;
  const address = s3Address(deed.place);
  const refused = (sentence: string) => new DarkroomError('bucket_refused', sentence, { cause: error });
  if (nameOf(error) === 'CredentialsProviderError') return refused('This server has no credentials for S3.');
  if (error instanceof S3ServiceException) {
    const { bucket } = deed.place;
    const status = statusOf(error) ?? 0;
    if (error.name === 'NoSuchBucket') return refused(`There is no bucket ${bucket}.`);
    if (isNoObject(error) && deed.verb === 'read')
      return new DarkroomError('source_missing', `There is no ${address}.`, { cause: error });
    if (isRefusedCondition(error) && deed.verb === 'read') {
      return new DarkroomError('source_changed', `${address} changed after the batch was made.`, { cause: error });
    }
    if (error.name === 'InvalidObjectState') return refused(`${address} is archived; restore it first.`);
    if (status === 301) return refused(`The bucket ${bucket} is in another region than this server uses (S3_REGION).`);
    if (status === 401 || status === 403) {
      return refused(`The credentials of this server may not ${deed.verb} ${address}.`);
    }
    if (status >= 400 && status < 500 && !PASSING.has(status)) return refused(`The S3 server refuses ${address}.`);
  }
  const known = asS3Error(thrown);
  if (known instanceof DarkroomError && known.code !== 'storage_unavailable') return known;
  return new DarkroomError(deed.away, 'The S3 server does not answer, or broke off.', { cause: error });
}

/** What a server may answer now and not later. */
const PASSING = new Set([404, 408, 409, 412, 425, 429]);

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');
