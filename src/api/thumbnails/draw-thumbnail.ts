import type { Metadata } from 'sharp';
import { DarkroomError } from '../../contracts/errors.ts';
import { recogniseFormat } from '../../contracts/photo-format.ts';
import { sharp } from '../image-library.ts';
import { readHead } from '../uploads/inspect-photo.ts';

/** A photo that cannot be decoded in this time has no small picture. */
const SECONDS = 30;
const QUALITY = 80;
/** More than this is decoded alone: other requests live in this process too. */
const HEAVY_BYTES = 120e6;
/** And more than this is not decoded here at all. */
const MOST_BYTES = 768e6;

/** Ends when the last heavy picture that was begun has ended. */
let heavy: Promise<unknown> = Promise.resolve();

/**
 * A small upright WebP of a photo, never larger than the photo.
 * @throws DarkroomError `image_unreadable` for what is no photo or cannot be decoded (BMP neither), `too_many_pixels` for what
 * takes too much memory to look at.
 */
export async function drawThumbnail(path: string, side: number, maxPixels: number): Promise<Buffer> {
  try {
    recogniseFormat(await readHead(path));
    const bytes = bytesHeld(await sharp(path, { limitInputPixels: maxPixels, failOn: 'none' }).metadata());
    if (bytes > MOST_BYTES) throw new DarkroomError('too_many_pixels', 'The photo is too large for a small picture.');
    const make = (): Promise<Buffer> => draw(path, side, maxPixels);
    return await (bytes > HEAVY_BYTES ? alone(make) : make());
  } catch (error) {
    if (error instanceof DarkroomError && error.code === 'too_many_pixels') throw error;
    throw new DarkroomError('image_unreadable', 'There is no small picture of this photo.', { cause: error });
  }
}

const draw = (path: string, side: number, maxPixels: number): Promise<Buffer> =>
  sharp(path, { limitInputPixels: maxPixels, failOn: 'none', sequentialRead: true })
    .autoOrient()
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: QUALITY, effort: 2 })
    .timeout({ seconds: SECONDS })
    .toBuffer();

async function alone<T>(make: () => Promise<T>): Promise<T> {
  const turn = heavy.then(make);
  heavy = turn.catch(() => undefined);
  return turn;
}

/**
 * What the library holds of a picture while it is made smaller. Measured with 119 megapixels: 2131 MB for AVIF, 549 for GIF,
 * 707 for a progressive JPEG in full colour and 359 with halved colour, 384 for an interlaced PNG; with 40 megapixels of
 * lossless WebP 269. What is decoded by rows (other JPEG, PNG, TIFF) takes 60 at most, upright or not.
 */
function bytesHeld({ format, width, height, channels, depth, isProgressive, chromaSubsampling }: Metadata): number {
  const pixels = width * height;
  if (format === 'heif') return pixels * 18;
  if (format === 'gif') return pixels * 5;
  if (format === 'webp') return pixels * 6; // lossy ones take less, but their header need not say so
  if (!isProgressive) return 0;
  if (format !== 'jpeg') return pixels * channels * (depth === 'ushort' ? 2 : 1);
  // All coefficients, in 16 bits each.
  return pixels * 2 * (chromaSubsampling === '4:2:0' ? channels / 2 : channels);
}
