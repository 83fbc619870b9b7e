import { open } from 'node:fs/promises';
import { DarkroomError } from '../../contracts/errors.ts';
import { HEAD_BYTES, recogniseFormat, type PhotoFormat } from '../../contracts/photo-format.ts';
import { checkSize, type SizeLimits } from '../../contracts/result-size.ts';
import { sharp } from '../image-library.ts';
import { bmpSize } from './bmp-size.ts';

export interface InspectedPhoto {
  readonly format: PhotoFormat;
  /** Upright: after the orientation of EXIF was applied. */
  readonly width: number;
  readonly height: number;
}

/**
 * Looks at the header of a photo, which is a file or its first bytes; no pixel is decoded, so that a bomb costs nothing. A file with a good header may still turn
 * out to be damaged when it is decoded.
 * @throws DarkroomError `empty_file`, `unsupported_format`, `image_unreadable`, `too_many_pixels`, `result_too_large`,
 * `enlargement_too_large`.
 */
export async function inspectPhoto(photo: string | Buffer, limits: SizeLimits): Promise<InspectedPhoto> {
  const head = typeof photo === 'string' ? await readHead(photo) : photo.subarray(0, HEAD_BYTES);
  const format = recogniseFormat(head);
  const size = format === 'bmp' ? bmpSize(head) : await sizeBySharp(photo);
  if (!size) throw new DarkroomError('image_unreadable', 'The header of the photo is damaged.');
  checkSize(size, limits);
  return { format, ...size };
}

/** As much of a file as {@link recogniseFormat} wants to see. */
export async function readHead(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function sizeBySharp(photo: string | Buffer): Promise<{ width: number; height: number }> {
  try {
    const { autoOrient } = await sharp(photo, { limitInputPixels: false, failOn: 'none' }).metadata();
    return autoOrient;
  } catch (error) {
    throw new DarkroomError('image_unreadable', 'The header of the photo is damaged.', { cause: error });
  }
}
