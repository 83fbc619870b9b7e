import { rename, rm, writeFile } from 'node:fs/promises';
import sharp, { type Raw, type Sharp } from 'sharp';
import type { EnhanceOptions } from '../contracts/options.ts';
import type { ResultFormat } from '../contracts/result-format.ts';
import type { Size } from '../contracts/result-size.ts';
import type { Canvas } from './canvas.ts';
import type { CarriedMetadata, PhotoHeader } from './decode.ts';
import { DRAFT_SUFFIX } from './drafts.ts';
import { colorimetric } from './icc-profile.ts';
import { openJpegStrips } from './jpeg-strips.ts';
import { metadataFor } from './metadata-policy.ts';
import { writeMetadata } from './metadata-write.ts';
import { onePixel } from './one-pixel.ts';
import { resultColour, type ResultColour } from './photo-colour.ts';

/** From the canvas, whose samples have the photo's depth, to the finished file; memory does not grow with the picture. */

export interface Result {
  readonly resultPath: string;
  readonly width: number;
  readonly height: number;
  readonly format: ResultFormat;
  readonly header: Pick<PhotoHeader, 'colour' | 'depth' | 'bits' | 'metadata'>;
  readonly options: Pick<EnhanceOptions, 'outputQuality' | 'metadata' | 'sharpen'>;
}

export interface Encoding extends Result {
  readonly canvasPath: string;
  readonly canvas: Size & { readonly channels: 3 | 4 };
}

const READ = { limitInputPixels: false, unlimited: true, sequentialRead: true, ignoreIcc: true } as const;

/** The typings of `boolean()` know `raw` only; the code takes every option of an input, and a large canvas needs them. */
const READ_AS_OPERAND = READ as object as { raw: Raw };

/**
 * Above this, Huffman tables of the picture's own are not worth it: they save 5 % of the file and take four times as long to encode, while
 * all coefficients are held in memory (1.7 GB for 192 megapixels).
 */
export const JPEG_OPTIMISED_PIXELS = 4_000_000;

/** A classic TIFF ends at 4 GiB; compression cannot be counted on. */
const CLASSIC_TIFF_BYTES = 3.5 * 2 ** 30;

/** Radius in pixels and slope at full strength; flat areas are left alone. */
const SHARPEN = { sigma: 1, slope: 2 } as const;

const draftOf = ({ resultPath }: Result): string => `${resultPath}${DRAFT_SUFFIX}`;

const hasOwnTables = ({ width, height }: Size): boolean => width * height <= JPEG_OPTIMISED_PIXELS;

/** @returns opens what encodes rows of the result as they come, for `completeResult` to end; undefined where the encoder needs them all. */
export function rowsEncoder(result: Result): ((channels: 3 | 4) => Promise<Canvas>) | undefined {
  const { width, height, format, header, options } = result;
  if (format.name !== 'jpeg' || header.depth !== 8 || hasOwnTables(result) || options.sharpen > 0) return undefined;
  if (resultColour(header.colour, format, false).back) return undefined;
  return (channels) => {
    const colour = resultColour(header.colour, format, channels === 4);
    return openJpegStrips(draftOf(result), { width, height, channels }, (strip) =>
      inFormat(inChannels(strip, result, colour), result, channels),
    );
  };
}

/** Writes the file under a temporary name and renames it, so that a result is whole or not there. */
export async function encodeResult(encoding: Encoding): Promise<void> {
  const { canvasPath, canvas, format, header } = encoding;
  const side = { prepared: `${canvasPath}.prepared`, profile: `${canvasPath}.icc`, carrier: `${canvasPath}.carrier.v` };
  const colour = resultColour(header.colour, format, canvas.channels === 4);
  try {
    const picture = await inColour(encoding, colour, carriedBy(encoding), side);
    await inFormat(picture, encoding, canvas.channels).toFile(draftOf(encoding));
    await completeResult(encoding, canvas.channels);
  } finally {
    const left = [...Object.values(side), draftOf(encoding), `${draftOf(encoding)}.whole`];
    await Promise.all(left.map((path) => rm(path, { force: true })));
  }
}

/** Gives the encoded picture what goes with it, and its name. @param channels - those of the canvas. */
export async function completeResult(result: Result, channels: 3 | 4): Promise<void> {
  const { resultPath, width, height, format, header } = result;
  const { embedded } = resultColour(header.colour, format, channels === 4);
  const path = draftOf(result);
  const file = { path, width, height, hasAlpha: channels === 4 && format.alpha };
  await writeMetadata(format, file, { ...carriedBy(result), ...(embedded && { profile: embedded }) });
  await rename(path, resultPath);
}

const carriedBy = ({ header, options, format, width, height }: Result): CarriedMetadata =>
  metadataFor(header.metadata, options.metadata, format, { width, height }).carried;

interface SideFiles {
  readonly prepared: string;
  readonly profile: string;
  readonly carrier: string;
}

/** The canvas at its final size, in the result's channels and colours. */
async function inColour(
  encoding: Encoding,
  colour: ResultColour,
  carried: CarriedMetadata,
  side: SideFiles,
): Promise<Sharp> {
  const { canvas, format, header } = encoding;
  const embedding = format.name === 'avif' && (colour.embedded !== undefined || Object.keys(carried).length > 0);
  if (!colour.back && !embedding) return inChannels(finished(encoding), encoding, colour);
  const profile = colour.back ? header.colour.working : colour.embedded;
  await writeFile(
    side.carrier,
    onePixel(canvas.channels, header.depth, {
      ...(embedding ? carried : {}),
      ...(profile === undefined ? {} : { profile }),
    }),
  );
  const picture = inChannels(await carry(encoding, side), encoding, colour);
  if (embedding) {
    // Asked to keep what is not there, libvips makes up a block of its own.
    picture.keepIccProfile();
    if (carried.exif !== undefined) picture.keepExif();
    if (carried.xmp !== undefined) picture.keepXmp();
  }
  if (!colour.back) return picture;
  const target = colour.embedded ?? (await commonInks());
  await writeFile(side.profile, colour.model === 'cmyk' ? colorimetric(target) : target);
  return picture.withIccProfile(side.profile, { attach: embedding });
}

/**
 * sharp takes profiles and metadata only from the picture it started with. So it starts with a black picture of one pixel
 * that has them, enlarges that, and lays the canvas over it with OR: the canvas' own samples.
 */
async function carry(encoding: Encoding, side: SideFiles): Promise<Sharp> {
  const { canvas, canvasPath, width, height, options } = encoding;
  const isFinal = canvas.width === width && canvas.height === height && options.sharpen === 0;
  if (!isFinal) {
    const prepared = finished(encoding).toColourspace(encoding.header.depth === 16 ? 'rgb16' : 'srgb');
    await prepared.tiff({ compression: 'none', bigtiff: true }).toFile(side.prepared);
  }
  return sharp(side.carrier, READ)
    .resize(width, height, { kernel: 'nearest', fit: 'fill' })
    .boolean(isFinal ? canvasPath : side.prepared, 'or', READ_AS_OPERAND);
}

/** The profile that libvips assumes for inks without one. */
async function commonInks(): Promise<Buffer> {
  const white = sharp({ create: { width: 1, height: 1, channels: 3, background: '#fff' } });
  const { icc } = await sharp(await white.withIccProfile('cmyk').toColourspace('cmyk').tiff().toBuffer()).metadata();
  if (icc === undefined) throw new TypeError('Expected a profile for inks in libvips');
  return icc;
}

/** Lanczos averages the network's finest texture instead of aliasing it. */
function finished({ canvas, canvasPath, width, height, options }: Encoding): Sharp {
  const picture = sharp(canvasPath, READ);
  if (canvas.width !== width || canvas.height !== height) {
    picture.resize(width, height, { kernel: 'lanczos3', fit: 'fill' });
  }
  if (options.sharpen > 0) picture.sharpen({ sigma: SHARPEN.sigma, m1: 0, m2: SHARPEN.slope * options.sharpen });
  return picture;
}

function inChannels(picture: Sharp, { header, format }: Result, { model }: ResultColour): Sharp {
  const deep = header.depth === 16 && format.bits > 8;
  if (model === 'grey') return picture.toColourspace(deep ? 'grey16' : 'b-w');
  return picture.toColourspace(deep ? 'rgb16' : 'srgb');
}

function inFormat(canvas: Sharp, { format, width, height, header, options }: Result, channels: 3 | 4): Sharp {
  const picture = channels === 4 && !format.alpha ? canvas.flatten({ background: '#fff' }) : canvas;
  const quality = options.outputQuality ?? DEFAULT_QUALITY[format.name];
  switch (format.name) {
    case 'jpeg':
      return picture.jpeg({ quality, chromaSubsampling: '4:4:4', optimiseCoding: hasOwnTables({ width, height }) });
    case 'png':
      return picture.png({ compressionLevel: 3, adaptiveFiltering: true });
    case 'webp':
      return picture.webp({ quality, effort: 2 });
    case 'avif':
      return picture.avif({
        quality,
        effort: 1,
        chromaSubsampling: '4:4:4',
        bitdepth: header.depth === 8 ? 8 : header.bits === 10 ? 10 : 12,
      });
    case 'tiff': {
      const bytes = (width * height * channels * header.depth) / 8;
      return picture.tiff({ compression: 'lzw', predictor: 'horizontal', bigtiff: bytes > CLASSIC_TIFF_BYTES });
    }
  }
}

/** Of formats that lose something; the others have no quality. */
export const DEFAULT_QUALITY: Readonly<Record<ResultFormat['name'], number>> = {
  jpeg: 92,
  webp: 90,
  avif: 70,
  png: 100,
  tiff: 100,
};
