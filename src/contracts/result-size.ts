import { DarkroomError } from './errors.ts';
import type { EnhanceOptions } from './options.ts';

/** The most a photo may be enlarged: beyond it a network invents more than it restores. */
export const LARGEST_FACTOR = 8;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Size of the result of a photo, in whole pixels: `scale` times the photo, or fitted into the target with the photo's proportions.
 * @throws DarkroomError `enlargement_too_large` when a target is more than {@link LARGEST_FACTOR} times the photo.
 */
export function resultSize(photo: Size, options: Pick<EnhanceOptions, 'scale' | 'targetWidth' | 'targetHeight'>): Size {
  const { scale, targetWidth, targetHeight } = options;
  if (targetWidth === null && targetHeight === null)
    return { width: photo.width * scale, height: photo.height * scale };
  const factor = Math.min((targetWidth ?? Infinity) / photo.width, (targetHeight ?? Infinity) / photo.height);
  if (factor > LARGEST_FACTOR) {
    throw new DarkroomError(
      'enlargement_too_large',
      `The photo has ${photo.width} x ${photo.height} pixels; the target asks for ${factor.toFixed(1)} times that, and at most ${LARGEST_FACTOR} times are made.`,
    );
  }
  const side = (pixels: number, asked: number | null): number =>
    Math.max(1, Math.min(Math.round(pixels * factor), asked ?? Infinity));
  return { width: side(photo.width, targetWidth), height: side(photo.height, targetHeight) };
}

/** What a server takes, in pixels; and what is asked for. */
export interface SizeLimits {
  readonly maxPixels: number;
  readonly maxResultPixels: number;
  readonly options: Pick<EnhanceOptions, 'scale' | 'targetWidth' | 'targetHeight'>;
}

/**
 * Refuses what would be too large before any work is done. @returns the size of the result.
 * @throws DarkroomError `too_many_pixels`, `result_too_large`, `enlargement_too_large`.
 */
export function checkSize(photo: Size, { maxPixels, maxResultPixels, options }: SizeLimits): Size {
  if (photo.width * photo.height > maxPixels) {
    throw new DarkroomError(
      'too_many_pixels',
      `The photo has ${photo.width} x ${photo.height} pixels; ${maxPixels} are allowed in all.`,
    );
  }
  const result = resultSize(photo, options);
  if (result.width * result.height > maxResultPixels) {
    throw new DarkroomError(
      'result_too_large',
      `The result would have ${result.width} x ${result.height} pixels; ${maxResultPixels} are allowed in all.`,
    );
  }
  return result;
}
