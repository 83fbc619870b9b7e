import sharp from 'sharp';
import { DarkroomError } from '../../contracts/errors.ts';

/** A photo that cannot be decoded in this time has no small picture. */
const SECONDS = 30;
const QUALITY = 80;

/**
 * A small upright WebP of a photo, never larger than the photo.
 * @throws DarkroomError `image_unreadable` for what sharp cannot decode, BMP among it.
 */
export async function drawThumbnail(path: string, side: number, maxPixels: number): Promise<Buffer> {
  try {
    return await sharp(path, { limitInputPixels: maxPixels, failOn: 'none', sequentialRead: true })
      .autoOrient()
      .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
      .webp({ quality: QUALITY, effort: 2 })
      .timeout({ seconds: SECONDS })
      .toBuffer();
  } catch (error) {
    throw new DarkroomError('image_unreadable', 'There is no small picture of this photo.', { cause: error });
  }
}
