import type { Config } from '../../contracts/config.ts';
import { asFolder, isInFolder, parseS3Folder, s3Address, type S3Place } from '../../contracts/s3-place.ts';
import { refuse } from './roots.ts';

/** Which places in buckets callers may name. Decided by names alone: nobody is asked about a place that is not allowed. */

type Places = Pick<Config, 'S3_SOURCES' | 'S3_DESTINATIONS' | 'STORE' | 'S3_BUCKET' | 'S3_PREFIX'>;

/** Where the store itself lies: nobody may name that, nor what is below it. */
export function isOurs({ STORE, S3_BUCKET, S3_PREFIX }: Places, place: S3Place): boolean {
  return STORE === 's3' && isInFolder({ bucket: S3_BUCKET, key: asFolder(S3_PREFIX) ?? '' }, place);
}

/**
 * A folder or object of a bucket that photos may be read from, or results written to.
 * @throws DarkroomError `invalid_request` that names the field.
 */
export function requirePlace(
  places: Places,
  setting: 'S3_SOURCES' | 'S3_DESTINATIONS',
  place: S3Place,
  pointer: string,
): S3Place {
  const deed = setting === 'S3_SOURCES' ? 'read' : 'write';
  if (places[setting].length === 0) {
    throw refuse(
      pointer,
      `cannot be used: this server may ${deed} no buckets; ${setting} sets the places it may ${deed}`,
    );
  }
  if (isOurs(places, place) || !isBelowOne(places[setting], place)) {
    throw refuse(
      pointer,
      `names ${s3Address(place)}, which is not below a place that this server may ${deed} (${setting})`,
    );
  }
  return place;
}

const isBelowOne = (addresses: readonly string[], place: S3Place): boolean =>
  addresses.some((address) => {
    const allowed = parseS3Folder(address);
    return allowed && isInFolder(allowed, place);
  });
