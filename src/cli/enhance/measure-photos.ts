import sharp from 'sharp';
import { guessKilopixels } from '../../api/sources/bucket-photos.ts';
import type { FoundPhoto } from './collect-photos.ts';

const AT_ONCE = 8;

/** Thousands of pixels of each photo, out of its header alone, of an object about; 0 for what cannot be read: the worker will say why. */
export async function measurePhotos(photos: readonly FoundPhoto[], signal: AbortSignal): Promise<number[]> {
  const sizes = Array.from(photos, () => 0);
  let next = 0;
  const measure = async (): Promise<void> => {
    for (let index = next++; index < photos.length; index = next++) {
      signal.throwIfAborted();
      const { path = '', bytes = 0, etag } = photos[index] ?? {};
      sizes[index] = etag === undefined ? await kilopixelsOf(path) : guessKilopixels(bytes);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, measure));
  return sizes;
}

async function kilopixelsOf(path: string): Promise<number> {
  try {
    const { width, height } = await sharp(path).metadata();
    return (width * height) / 1000;
  } catch {
    return 0;
  }
}
