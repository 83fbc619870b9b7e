import { DarkroomError } from '../../contracts/errors.ts';
import type { UploadRecord } from '../../contracts/http-uploads.ts';
import { optionsFrom } from '../../contracts/option-fields.ts';
import type { House } from '../house.ts';
import { inspectPhoto } from './inspect-photo.ts';
import { isRefusal } from './photo-records.ts';

/**
 * Looks at an upload whose bytes are all there. What is no photo is removed: there is nothing to resume.
 * @returns the upload with what it was found to be; unchanged while bytes are missing, `undefined` when it is gone.
 * @throws DarkroomError with the code that the photo is refused with.
 */
export async function finishUpload(
  { uploads, config }: House,
  id: string,
  signal: AbortSignal,
): Promise<UploadRecord | undefined> {
  const { shelf, locks } = uploads;
  return locks.hold(id, signal, async () => {
    const record = await shelf.read(id);
    if (!record || record.photo || (await shelf.offset(id)) < record.length) return record;
    try {
      const photo = await inspectPhoto(shelf.bytesPath(id), {
        maxPixels: config.PHOTO_MAX_PIXELS,
        // How large a result may be depends on the batch, which is not known yet.
        maxResultPixels: Number.POSITIVE_INFINITY,
        options: optionsFrom({}, { quality: config.QUALITY_LEVEL, tileSize: config.TILE_SIZE }),
      });
      const finished = { ...record, photo };
      await shelf.describe(finished);
      return finished;
    } catch (error) {
      if (error instanceof DarkroomError && isRefusal(error)) await shelf.remove(id);
      throw error;
    }
  });
}
