import type { Config } from '../../contracts/config.ts';
import { asFolder, isInFolder, parseS3Address, s3Address, type S3Place } from '../../contracts/s3-place.ts';
import { refuse } from './roots.ts';

/** Which places in buckets callers may name. Decided by names alone: nobody is asked about a place that is not allowed. */

type Places = Pick<Config, 'S3_SOURCES' | 'STORE' | 'S3_BUCKET' | 'S3_PREFIX'>;

/** Where the store itself lies: nobody may name that, nor what is below it. */
export function isOurs({ STORE, S3_BUCKET, S3_PREFIX }: Places, place: S3Place): boolean {
  return STORE === 's3' && isInFolder({ bucket: S3_BUCKET, key: asFolder(S3_PREFIX) ?? '' }, place);
}

/**
 * A folder or object of a bucket that photos may be read from.
 * @throws DarkroomError `invalid_request` that names the field.
 */
export function requireSource(places: Places, place: S3Place, pointer: string): S3Place {
  if (places.S3_SOURCES.length === 0) {
    throw refuse(pointer, 'cannot be used: this server reads no buckets; set S3_SOURCES to the places it may read');
  }
  if (isOurs(places, place) || !isBelowOne(places.S3_SOURCES, place)) {
    throw refuse(
      pointer,
      `names ${s3Address(place)}, which is not below a place that this server may read (S3_SOURCES)`,
    );
  }
  return place;
}

const isBelowOne = (addresses: readonly string[], place: S3Place): boolean =>
  addresses.some((address) => {
    const allowed = parseS3Address(address);
    return allowed && isInFolder({ bucket: allowed.bucket, key: asFolder(allowed.key) ?? '' }, place);
  });
