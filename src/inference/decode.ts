import { open, readFile } from 'node:fs/promises';
import sharp, { type Metadata } from 'sharp';
import { DarkroomError } from '../contracts/errors.ts';
import { decodeBmp, readBmpHeader } from './bmp.ts';
import { HEAD_BYTES, recogniseFormat, type PhotoFormat } from './photo-format.ts';
import type { Pixels } from './tiles.ts';
import { fillTransparent } from './transparent-colour.ts';

/** From a file to upright 8-bit sRGB pixels. Whatever the file holds beyond that is reported as a warning. */

/** Known before the pixels are decoded. */
export interface PhotoHeader {
  readonly format: PhotoFormat;
  /** Upright: after the orientation of EXIF was applied. */
  readonly width: number;
  readonly height: number;
  readonly grey: boolean;
  readonly hasAlpha: boolean;
  readonly metadata: CarriedMetadata;
  readonly warnings: readonly string[];
}

/** Blocks that are copied into the result as they are. */
export interface CarriedMetadata {
  readonly exif?: Buffer;
  readonly xmp?: Buffer;
  readonly iptc?: Buffer;
}

export interface DecodedPhoto {
  /** RGB, three channels, also for grey photos. */
  readonly colour: Pixels;
  /** One channel; absent when the photo has none. */
  readonly alpha?: Pixels;
}

/** `error` refuses files that break off or are corrupt, but not those with a harmless oddity. Our own limit on pixels was checked. */
const READ = { failOn: 'error', limitInputPixels: false, sequentialRead: true } as const;

/**
 * Reads what there is without decoding pixels: a bomb costs no memory.
 * @throws DarkroomError `source_missing`, `empty_file`, `unsupported_format`, `image_unreadable`, `too_many_pixels`.
 */
export async function readHeader(path: string, maxPixels: number): Promise<PhotoHeader> {
  const format = recogniseFormat(await readHead(path));
  const header =
    format === 'bmp' ? await bmpHeader(path) : describe(format, await unreadable(sharp(path, READ).metadata()));
  if (header.width * header.height > maxPixels) {
    throw new DarkroomError(
      'too_many_pixels',
      `The photo has ${header.width} x ${header.height} pixels; this server takes at most ${maxPixels}.`,
    );
  }
  return header;
}

async function readHead(path: string): Promise<Buffer> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw new DarkroomError('source_missing', undefined, { cause: error });
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function unreadable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new DarkroomError('image_unreadable', undefined, { cause: error });
  }
}

function describe(format: PhotoFormat, found: Metadata): PhotoHeader {
  const { width, height } = found.autoOrient;
  if (!(width > 0 && height > 0)) throw new DarkroomError('image_unreadable');
  return {
    format,
    width,
    height,
    grey: found.channels <= 2,
    hasAlpha: found.hasAlpha,
    metadata: {
      ...(found.exif === undefined ? {} : { exif: found.exif }),
      ...(found.xmp === undefined ? {} : { xmp: found.xmp }),
      ...(found.iptc === undefined ? {} : { iptc: found.iptc }),
    },
    warnings: [...warningsFor(format, found)],
  };
}

function* warningsFor(format: PhotoFormat, found: Metadata): Generator<string> {
  if ((found.pages ?? 1) > 1) yield 'Only the first picture of the file was enhanced.';
  if (format === 'gif') yield 'The result is a PNG, because a GIF holds too few colours.';
  if (found.depth !== 'uchar') yield 'The photo was converted to 8 bits a channel.';
  if (found.space === 'cmyk') yield 'The photo was converted from CMYK to sRGB.';
  else if (found.hasProfile) yield 'The colours were converted to sRGB.';
  if (format === 'tiff' && found.exif !== undefined) yield 'EXIF data of TIFF files is not kept.';
}

async function bmpHeader(path: string): Promise<PhotoHeader> {
  const { width, height } = readBmpHeader(await readFile(path));
  const warnings = ['The result is a PNG, because BMP files cannot be written.'];
  return { format: 'bmp', width, height, grey: false, hasAlpha: false, metadata: {}, warnings };
}

/** @throws DarkroomError `image_unreadable` when the file breaks off or is corrupt. */
export async function decodePhoto(path: string, header: PhotoHeader): Promise<DecodedPhoto> {
  if (header.format === 'bmp') return { colour: decodeBmp(await readFile(path)) };
  const { data, info } = await unreadable(
    sharp(path, READ).autoOrient().toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true }),
  );
  if (info.width !== header.width || info.height !== header.height) throw new DarkroomError('image_unreadable');
  const photo = separate({ width: info.width, height: info.height, channels: info.channels, data });
  if (photo.alpha !== undefined) await fillTransparent(photo.colour, photo.alpha);
  return photo;
}

/** Splits interleaved samples of one to four channels into colour and alpha; grey becomes three equal channels. */
function separate(image: Pixels): DecodedPhoto {
  if (image.channels === 3) return { colour: image };
  const { width, height, channels, data } = image;
  const hasAlpha = channels % 2 === 0;
  const grey = channels < 3;
  const rgb = new Uint8Array(width * height * 3);
  const alpha = new Uint8Array(hasAlpha ? width * height : 0);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const from = pixel * channels;
    for (let channel = 0; channel < 3; channel += 1) rgb[pixel * 3 + channel] = data[grey ? from : from + channel] ?? 0;
    if (hasAlpha) alpha[pixel] = data[from + channels - 1] ?? 0;
  }
  const colour = { width, height, channels: 3, data: rgb };
  return hasAlpha ? { colour, alpha: { width, height, channels: 1, data: alpha } } : { colour };
}
