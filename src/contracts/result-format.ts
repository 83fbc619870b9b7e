import { DarkroomError } from './errors.ts';
import type { EnhanceOptions } from './options.ts';
import type { PhotoFormat } from './photo-format.ts';

/** The formats results are written in, and what each can hold. */
export interface ResultFormat {
  readonly name: 'jpeg' | 'png' | 'webp' | 'tiff' | 'avif';
  /** As people write it. */
  readonly title: string;
  readonly extension: string;
  readonly contentType: string;
  /** Longest side the encoder writes, in pixels (measured with sharp 0.35.5). */
  readonly maxSide: number;
  /** Encoders that hold the whole picture in memory get no more than this: WebP takes 6 bytes a pixel, AVIF 35. */
  readonly maxPixels: number;
  readonly alpha: boolean;
  /** Most bits a channel. */
  readonly bits: 8 | 12 | 16;
  readonly grey: boolean;
  readonly cmyk: boolean;
  readonly iptc: boolean;
}

export const RESULT_FORMATS: Readonly<Record<ResultFormat['name'], ResultFormat>> = {
  jpeg: {
    name: 'jpeg',
    title: 'JPEG',
    extension: '.jpg',
    contentType: 'image/jpeg',
    maxSide: 65_500,
    maxPixels: Infinity,
    alpha: false,
    bits: 8,
    grey: true,
    cmyk: true,
    iptc: true,
  },
  png: {
    name: 'png',
    title: 'PNG',
    extension: '.png',
    contentType: 'image/png',
    maxSide: 1_000_000,
    maxPixels: Infinity,
    alpha: true,
    bits: 16,
    grey: true,
    cmyk: false,
    iptc: false,
  },
  webp: {
    name: 'webp',
    title: 'WebP',
    extension: '.webp',
    contentType: 'image/webp',
    maxSide: 16_383,
    maxPixels: 150_000_000,
    alpha: true,
    bits: 8,
    grey: false,
    cmyk: false,
    iptc: false,
  },
  tiff: {
    name: 'tiff',
    title: 'TIFF',
    extension: '.tiff',
    contentType: 'image/tiff',
    maxSide: 1_000_000,
    maxPixels: Infinity,
    alpha: true,
    bits: 16,
    grey: true,
    cmyk: true,
    iptc: true,
  },
  avif: {
    name: 'avif',
    title: 'AVIF',
    extension: '.avif',
    contentType: 'image/avif',
    maxSide: 16_384,
    maxPixels: 40_000_000,
    alpha: true,
    bits: 12,
    grey: false,
    cmyk: false,
    iptc: false,
  },
};

/** A photo keeps its format where that can be written; GIF and BMP become PNG, which loses nothing. */
const SAME: Readonly<Record<PhotoFormat, ResultFormat['name']>> = {
  jpeg: 'jpeg',
  png: 'png',
  webp: 'webp',
  tiff: 'tiff',
  avif: 'avif',
  gif: 'png',
  bmp: 'png',
};

export const resultFormatOf = (photo: PhotoFormat, asked: EnhanceOptions['format']): ResultFormat =>
  RESULT_FORMATS[asked === 'same' ? SAME[photo] : asked];

/**
 * Asked before the work, not after it.
 * @throws DarkroomError `result_too_large`.
 */
export function assertFits(format: ResultFormat, width: number, height: number, maxPixels: number): void {
  const size = `The result would be ${width} x ${height} pixels`;
  if (width * height > maxPixels) {
    const most = `this server makes at most ${maxPixels}. Ask for a smaller scale.`;
    throw new DarkroomError('result_too_large', `${size}; ${most}`);
  }
  const instead = `Ask for the format ${format.name === 'png' ? 'tiff' : 'png'}, or for a smaller scale.`;
  if (Math.max(width, height) > format.maxSide) {
    const most = `a ${format.title} file holds at most ${format.maxSide} a side.`;
    throw new DarkroomError('result_too_large', `${size}, but ${most} ${instead}`);
  }
  if (width * height > format.maxPixels) {
    const most = `a ${format.title} file is written with at most ${format.maxPixels} in all, because its encoder holds all of them in memory.`;
    throw new DarkroomError('result_too_large', `${size}, but ${most} ${instead}`);
  }
}
