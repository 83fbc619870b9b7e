import { DarkroomError } from '../../contracts/errors.ts';
import { keysBelow, type S3Place } from '../../contracts/s3-place.ts';
import type { Buckets, FoundObject } from '../../storage/buckets.ts';
import type { Passed } from './walk-folder.ts';

/** What a photo is named like. Of objects nothing but their names is known before they are fetched. */
export const PHOTO_NAME = /\.(?:jpe?g|jpe|jfif|png|webp|avif|gif|tiff?|bmp)$/i;

/** Objects looked at for the photos of one order: a bucket may hold billions of something else. */
const OBJECTS_LOOKED_AT = 500_000;

interface BucketWalk {
  readonly recursive: boolean;
  /** Keys that are passed over without a word. */
  readonly isHidden: (key: string) => boolean;
  readonly onPassed: (passed: Passed) => void;
  readonly signal: AbortSignal;
}

/**
 * Objects below a folder that are named like photos, in the order of their keys. As in a folder of this host, what is
 * below a name that begins with a dot is hidden: `.` and `..` are no way anywhere.
 * @throws DarkroomError `too_many_files` and those of {@link Buckets}.
 */
export async function* walkBucket(
  buckets: Pick<Buckets, 'list'>,
  folder: S3Place,
  walk: BucketWalk,
): AsyncGenerator<FoundObject> {
  const from = keysBelow(folder.key).length;
  let seen = 0;
  for await (const page of buckets.list(folder, walk)) {
    for (const object of page) {
      const name = object.key.slice(from);
      // `a/` with nothing in it is how tools write down that there is a folder.
      if (name === '' || name.endsWith('/') || isHiddenName(name) || walk.isHidden(object.key)) continue;
      if (PHOTO_NAME.test(name)) yield object;
      else walk.onPassed({ path: name, reason: 'It is not named like a photo; an order may name it by its key.' });
    }
    seen += page.length;
    if (seen > OBJECTS_LOOKED_AT) {
      const detail = `There are more than ${OBJECTS_LOOKED_AT} objects there: name their folders one by one.`;
      throw new DarkroomError('too_many_files', detail);
    }
  }
}

const isHiddenName = (name: string): boolean => name.split('/').some((part) => part.startsWith('.'));
