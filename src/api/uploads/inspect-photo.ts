import { open } from 'node:fs/promises';
import sharp from 'sharp';
import { DarkroomError } from '../../contracts/errors.ts';
import { bmpSize, SNIFF_BYTES, sniffFormat, type PhotoFormat } from './photo-format.ts';

export interface PhotoLimits {
  readonly maxPixels: number;
  readonly maxResultPixels: number;
  readonly scale: number;
}

export interface InspectedPhoto {
  readonly format: PhotoFormat;
  readonly width: number;
  readonly height: number;
}

// libvips keeps recent files open: an upload that was removed would go on holding disk and a descriptor.
sharp.cache(false);

/**
 * Looks at a photo's header; no pixel is decoded, so that a bomb costs nothing. A file with a good header may still turn
 * out to be damaged when it is decoded.
 * @throws DarkroomError `empty_file`, `unsupported_format`, `image_unreadable`, `too_many_pixels`, `result_too_large`.
 */
export async function inspectPhoto(path: string, limits: PhotoLimits): Promise<InspectedPhoto> {
  const head = await readHead(path);
  if (head.length === 0) throw new DarkroomError('empty_file');
  const format = sniffFormat(head);
  if (!format) throw new DarkroomError('unsupported_format');
  const size = format === 'bmp' ? bmpSize(head) : await sizeBySharp(path);
  if (!size) throw new DarkroomError('image_unreadable', 'The header of the photo is damaged.');
  checkSize(size, limits);
  return { format, ...size };
}

async function readHead(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function sizeBySharp(path: string): Promise<{ width: number; height: number }> {
  try {
    const { width, height } = await sharp(path, { limitInputPixels: false, failOn: 'none' }).metadata();
    return { width, height };
  } catch (error) {
    throw new DarkroomError('image_unreadable', 'The header of the photo is damaged.', { cause: error });
  }
}

function checkSize({ width, height }: { width: number; height: number }, limits: PhotoLimits): void {
  const pixels = width * height;
  if (pixels > limits.maxPixels) {
    throw new DarkroomError(
      'too_many_pixels',
      `The photo has ${width} x ${height} pixels; ${limits.maxPixels} are allowed in all.`,
    );
  }
  if (pixels * limits.scale ** 2 > limits.maxResultPixels) {
    throw new DarkroomError(
      'result_too_large',
      `The result would have ${width * limits.scale} x ${height * limits.scale} pixels; ${limits.maxResultPixels} are allowed in all.`,
    );
  }
}
