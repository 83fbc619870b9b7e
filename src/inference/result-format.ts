import { DarkroomError } from '../contracts/errors.ts';
import type { PhotoFormat } from './photo-format.ts';

/** The formats results are written in, and what each can hold. */
export interface ResultFormat {
  readonly name: 'jpeg' | 'png' | 'webp' | 'tiff' | 'avif';
  readonly extension: string;
  readonly contentType: string;
  /** Longest side the encoder writes, in pixels (measured with sharp 0.35.5). */
  readonly maxSide: number;
  readonly alpha: boolean;
}

const JPEG: ResultFormat = {
  name: 'jpeg',
  extension: '.jpg',
  contentType: 'image/jpeg',
  maxSide: 65_500,
  alpha: false,
};
const PNG: ResultFormat = {
  name: 'png',
  extension: '.png',
  contentType: 'image/png',
  maxSide: 1_000_000,
  alpha: true,
};
const WEBP: ResultFormat = {
  name: 'webp',
  extension: '.webp',
  contentType: 'image/webp',
  maxSide: 16_383,
  alpha: true,
};
const TIFF: ResultFormat = {
  name: 'tiff',
  extension: '.tiff',
  contentType: 'image/tiff',
  maxSide: 1_000_000,
  alpha: true,
};
const AVIF: ResultFormat = {
  name: 'avif',
  extension: '.avif',
  contentType: 'image/avif',
  maxSide: 16_384,
  alpha: true,
};

/** A photo keeps its format where it can be written; GIF and BMP become PNG, which loses nothing. */
export const RESULT_FORMATS: Readonly<Record<PhotoFormat, ResultFormat>> = {
  jpeg: JPEG,
  png: PNG,
  webp: WEBP,
  tiff: TIFF,
  avif: AVIF,
  gif: PNG,
  bmp: PNG,
};

/**
 * Asked before the work, not after it.
 * @throws DarkroomError `result_too_large`.
 */
export function assertFits(format: ResultFormat, width: number, height: number, maxPixels: number): void {
  if (width * height > maxPixels) {
    throw new DarkroomError(
      'result_too_large',
      `The result would be ${width} x ${height} pixels; this server makes at most ${maxPixels}. Ask for a smaller scale.`,
    );
  }
  if (Math.max(width, height) > format.maxSide) {
    throw new DarkroomError(
      'result_too_large',
      `The result would be ${width} x ${height} pixels, but a ${format.name.toUpperCase()} file holds at most ` +
        `${format.maxSide} a side. Send the photo as PNG, or ask for a smaller scale.`,
    );
  }
}
