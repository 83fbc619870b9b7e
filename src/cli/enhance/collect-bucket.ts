import { walkBucket } from '../../api/sources/walk-bucket.ts';
import { fileName } from '../../api/uploads/photo-name.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { asFolder, isInFolder, keysBelow, parseS3Address, parseS3Folder, s3Address } from '../../contracts/s3-place.ts';
import type { FoundObject } from '../../storage/buckets.ts';
import type { FoundPhoto, Places } from './collect-photos.ts';

/** Listing a bucket begins nothing: whoever ends the command ends that too. */
const { signal } = new AbortController();

/**
 * Adds the photos that an address in a bucket means: the object of that key, else what is below it and named like a photo.
 * @returns a sentence when it cannot be used.
 */
export async function collectBucket(
  address: string,
  { buckets, isOurs, outDir }: Pick<Places, 'buckets' | 'isOurs'> & { outDir: string | undefined },
  photos: Map<string, FoundPhoto>,
): Promise<string | undefined> {
  const place = parseS3Address(address);
  if (place === undefined) return `${address} is no place in a bucket: write s3://bucket/folder.`;
  if (isOurs(place)) return `${address} belongs to Darkroom's own store and is not touched.`;
  const add = ({ key, bytes, modifiedAt, etag }: FoundObject, name: string): void => {
    const path = s3Address({ bucket: place.bucket, key });
    photos.set(path, { path, bytes, modifiedMs: modifiedAt, etag, name: fileName(name) });
  };
  try {
    const single = place.key === '' || place.key.endsWith('/') ? undefined : await buckets.stat(place, signal);
    if (single) {
      add(single, single.key.slice(single.key.lastIndexOf('/') + 1));
      return undefined;
    }
    const folder = asFolder(place.key);
    if (folder === undefined) return `${address} is no place in a bucket: write names with "/" between them.`;
    const below = keysBelow(folder).length;
    const out = parseS3Folder(outDir ?? '');
    if (out && isInFolder(out, { bucket: place.bucket, key: folder }))
      return `${address} lies in the place of the results: the photos would be in their way.`;
    // Neither the results of the last run nor what the store keeps are photos of this one.
    const isHidden = (key: string): boolean => {
      const object = { bucket: place.bucket, key };
      return isOurs(object) || (out !== undefined && isInFolder(out, object));
    };
    const walk = { recursive: true, isHidden, onPassed: () => undefined, signal };
    for await (const object of walkBucket(buckets, { bucket: place.bucket, key: folder }, walk)) {
      add(object, object.key.slice(below));
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof DarkroomError)) throw error;
    return `${address}: ${error.message} ${error.definition.hint}`;
  }
}
