import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Metadata, type SharpOptions } from 'sharp';
import { asSourceFault, DarkroomError } from '../contracts/errors.ts';
import { HEAD_BYTES, recogniseFormat, type PhotoFormat } from '../contracts/photo-format.ts';
import { decodeBmp, readBmpHeader } from './bmp.ts';
import { readTiffMetadata } from './metadata-tiff-read.ts';
import { bareIptc } from './metadata-iptc.ts';
import { colourOf, type PhotoColour } from './photo-colour.ts';
import { samplesLike, type Depth, type Pixels } from './tiles.ts';
import { fillTransparent } from './transparent-colour.ts';

/** From a file to upright pixels of 8 or 16 bits, in the file's own colours where that is possible (photo-colour.ts). */

/** Known before the pixels are decoded. */
export interface PhotoHeader {
  readonly format: PhotoFormat;
  /** Upright: after the orientation of EXIF was applied. */
  readonly width: number;
  readonly height: number;
  readonly hasAlpha: boolean;
  /** Of the decoded samples. Whatever the file has more of than 8 bits becomes 16. */
  readonly depth: Depth;
  /** Bits a channel in the file. */
  readonly bits: number;
  readonly colour: PhotoColour;
  readonly metadata: CarriedMetadata;
  /** Pictures in the file; the first is enhanced. */
  readonly pictures: number;
}

/** Blocks as the file has them, without the marks that containers put around them. */
export interface CarriedMetadata {
  /** A TIFF structure, from its byte order mark on. */
  readonly exif?: Buffer;
  readonly xmp?: Buffer;
  /** IPTC-IIM datasets. */
  readonly iptc?: Buffer;
}

export interface DecodedPhoto {
  /** RGB, three channels, also for grey photos. */
  readonly colour: Pixels;
  /** One channel; absent when the photo has none. */
  readonly alpha?: Pixels;
}

/**
 * `error` refuses files that break off or are corrupt, but not those with a harmless oddity. Our own limit on pixels was
 * checked. Profiles are not applied: colourOf decides that.
 */
const READ = { failOn: 'error', limitInputPixels: false, sequentialRead: true, ignoreIcc: true } satisfies SharpOptions;

/**
 * Reads what there is without decoding pixels: a bomb costs no memory.
 * @throws DarkroomError `source_missing`, `empty_file`, `unsupported_format`, `image_unreadable`, `too_many_pixels`.
 */
export async function readHeader(path: string, maxPixels: number): Promise<PhotoHeader> {
  const format = recogniseFormat(await readHead(path));
  const header =
    format === 'bmp'
      ? await bmpHeader(path)
      : await describe(path, format, await unreadable(sharp(path, READ).metadata()));
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
    throw asSourceFault(error);
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

async function describe(path: string, format: PhotoFormat, found: Metadata): Promise<PhotoHeader> {
  const { width, height } = found.autoOrient;
  if (!(width > 0 && height > 0)) throw new DarkroomError('image_unreadable');
  const colour = colourOf(found);
  const deep = found.depth !== 'uchar' && found.depth !== 'char';
  // The conversion of inks works with 8 bits; light that is counted needs more, or its shadows would be torn.
  const depth = colour.model === 'cmyk' ? 8 : deep || colour.working !== undefined ? 16 : 8;
  return {
    format,
    width,
    height,
    hasAlpha: found.hasAlpha,
    depth,
    bits: deep ? (found.bitsPerSample ?? 16) : 8,
    colour,
    metadata: await metadataOf(path, format, found),
    pictures: found.pages ?? 1,
  };
}

async function metadataOf(path: string, format: PhotoFormat, found: Metadata): Promise<CarriedMetadata> {
  // libvips does not read the EXIF of TIFF files.
  const exif = format === 'tiff' ? await readTiffMetadata(path) : found.exif;
  const iptc = found.iptc && bareIptc(found.iptc);
  return {
    ...(exif === undefined ? {} : { exif: withoutMark(exif) }),
    ...(found.xmp === undefined ? {} : { xmp: found.xmp }),
    ...(iptc === undefined ? {} : { iptc }),
  };
}

/** JPEG puts a mark before the TIFF structure, and some writers do so in other formats. */
const withoutMark = (exif: Buffer): Buffer => (exif.toString('latin1', 0, 6) === 'Exif\0\0' ? exif.subarray(6) : exif);

async function bmpHeader(path: string): Promise<PhotoHeader> {
  const { width, height } = readBmpHeader(await readFile(path));
  const colour = { model: 'rgb', profileBroken: false, converted: false } as const;
  const base = { format: 'bmp', width, height, colour, hasAlpha: false, metadata: {}, pictures: 1 } as const;
  return { ...base, depth: 8, bits: 8 };
}

/** @throws DarkroomError `image_unreadable` when the file breaks off or is corrupt. */
export async function decodePhoto(path: string, header: PhotoHeader): Promise<DecodedPhoto> {
  if (header.format === 'bmp') return { colour: decodeBmp(await readFile(path)) };
  const image = await unreadable(decodeStrictly(path, header));
  if (image.width !== header.width || image.height !== header.height) throw new DarkroomError('image_unreadable');
  const photo = separate(image);
  if (photo.alpha !== undefined) await fillTransparent(photo.colour, photo.alpha);
  return photo;
}

/**
 * Of a JPEG whose codes are corrupt libjpeg only warns, and fills in grey: that is no photo. Whatever else it warns of is an
 * oddity that the picture does not show.
 */
async function decodeStrictly(path: string, header: PhotoHeader): Promise<Pixels> {
  if (header.format !== 'jpeg') return decodeSamples(path, header, READ);
  try {
    return await decodeSamples(path, header, { ...READ, failOn: 'warning' });
  } catch (error) {
    if (error instanceof Error && error.message.includes('Corrupt JPEG data')) throw error;
    return decodeSamples(path, header, READ);
  }
}

async function decodeSamples(path: string, { colour, depth }: PhotoHeader, read: SharpOptions): Promise<Pixels> {
  const deep = depth === 16;
  const picture = sharp(path, colour.converted ? { ...read, ignoreIcc: false } : read).autoOrient();
  const folder = colour.working && (await mkdtemp(join(tmpdir(), 'darkroom-profile-')));
  try {
    if (colour.working !== undefined && folder !== undefined) {
      const profile = join(folder, 'working.icc');
      await writeFile(profile, colour.working);
      picture.withIccProfile(profile, { attach: false });
    }
    if (colour.model === 'cmyk') picture.pipelineColourspace('cmyk').toColourspace('cmyk');
    else picture.toColourspace(deep ? 'rgb16' : 'srgb');
    const { data, info } = await picture
      .raw({ depth: deep ? 'ushort' : 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    return { width, height, channels, data: deep ? samples16(data) : data };
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** sharp's buffers need not begin where a sample of 16 bits may. */
function samples16(data: Buffer): Uint16Array {
  if (data.byteOffset % 2 === 0) return new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  return new Uint16Array(new Uint8Array(data).buffer);
}

/** Splits interleaved samples into colour and alpha. Grey was made three equal channels: of two, sharp hands out one. */
function separate(image: Pixels): DecodedPhoto {
  if (image.channels === 3) return { colour: image };
  const { width, height, channels, data } = image;
  const rgb = samplesLike(data, width * height * 3);
  const alpha = samplesLike(data, width * height);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const from = pixel * channels;
    for (let channel = 0; channel < 3; channel += 1) rgb[pixel * 3 + channel] = data[from + channel] ?? 0;
    alpha[pixel] = data[from + 3] ?? 0;
  }
  const colour = { width, height, channels: 3, data: rgb };
  return { colour, alpha: { width, height, channels: 1, data: alpha } };
}
