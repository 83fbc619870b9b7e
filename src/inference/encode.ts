import { rename, rm, writeFile } from 'node:fs/promises';
import sharp, { type Raw, type Sharp } from 'sharp';
import type { CarriedMetadata } from './decode.ts';
import { DRAFT_SUFFIX } from './drafts.ts';
import type { ResultFormat } from './result-format.ts';

/** From the canvas on disk to the finished file; memory does not grow with the picture. */

export interface Encoding {
  readonly canvasPath: string;
  readonly resultPath: string;
  readonly canvas: { readonly width: number; readonly height: number; readonly channels: 3 | 4 };
  readonly width: number;
  readonly height: number;
  readonly format: ResultFormat;
  readonly grey: boolean;
  readonly metadata: CarriedMetadata;
}

const READ = { limitInputPixels: false, unlimited: true, sequentialRead: true } as const;

/** The typings of `boolean()` know `raw` only; the code takes every option of an input, and a large canvas needs them. */
const READ_AS_OPERAND = READ as object as { raw: Raw };

/** Above this, better Huffman tables are not worth holding all coefficients in memory (1.7 GB for 192 megapixels). */
const OPTIMISE_JPEG_PIXELS = 24_000_000;

/** Writes the file under a temporary name and renames it, so that a result is whole or not there. */
export async function encodeResult(encoding: Encoding): Promise<void> {
  const reducedPath = `${encoding.canvasPath}.reduced`;
  const metadataPath = `${encoding.canvasPath}.metadata.v`;
  const draft = `${encoding.resultPath}${DRAFT_SUFFIX}`;
  try {
    const canvasPath = await reduced(encoding, reducedPath);
    const picture = await withMetadata(encoding, canvasPath, metadataPath);
    const coloured = encoding.grey ? picture.toColourspace('b-w') : picture.toColourspace('srgb');
    await inFormat(coloured, encoding).toFile(draft);
    await rename(draft, encoding.resultPath);
  } finally {
    await Promise.all([reducedPath, metadataPath, draft].map((path) => rm(path, { force: true })));
  }
}

/** The canvas at the size that was asked for; Lanczos averages the network's finest texture instead of aliasing it. */
async function reduced({ canvas, canvasPath, width, height }: Encoding, reducedPath: string): Promise<string> {
  if (canvas.width === width && canvas.height === height) return canvasPath;
  await sharp(canvasPath, READ)
    .resize(width, height, { kernel: 'lanczos3', fit: 'fill' })
    .tiff({ compression: 'none', bigtiff: true })
    .toFile(reducedPath);
  return reducedPath;
}

/**
 * sharp takes metadata only from the picture it started with. So it starts with a black picture of one pixel that
 * carries the photo's, enlarges that, and lays the canvas over it with OR: the canvas' own bytes, in every format.
 */
async function withMetadata(encoding: Encoding, canvasPath: string, metadataPath: string): Promise<Sharp> {
  const { metadata, canvas, width, height } = encoding;
  if (Object.keys(metadata).length === 0) return sharp(canvasPath, READ);
  await writeFile(metadataPath, metadataCarrier(metadata, canvas.channels));
  return sharp(metadataPath, READ)
    .resize(width, height, { kernel: 'nearest', fit: 'fill' })
    .boolean(canvasPath, 'or', READ_AS_OPERAND)
    .keepMetadata();
}

/** One black pixel in libvips' own file format: a header of 64 bytes, the samples, and the metadata as XML. */
function metadataCarrier(metadata: CarriedMetadata, channels: 3 | 4): Buffer {
  const header = Buffer.alloc(64 + channels);
  header.writeUInt32BE(0xb6a6f208, 0); // libvips, little-endian
  header.writeInt32LE(1, 4); // width
  header.writeInt32LE(1, 8); // height
  header.writeInt32LE(channels, 12);
  header.writeInt32LE(8, 16); // bits a sample
  header.writeInt32LE(22, 28); // interpretation: sRGB
  header.writeFloatLE(1, 32); // pixels a millimetre, both ways
  header.writeFloatLE(1, 36);
  const blobs = [
    ['exif-data', metadata.exif],
    ['xmp-data', metadata.xmp],
    ['iptc-data', metadata.iptc],
  ] as const;
  const fields = blobs.flatMap(([name, blob]) =>
    blob === undefined ? [] : [`<field type="VipsBlob" name="${name}">${blob.toString('base64')}</field>`],
  );
  // The pixels were turned upright when they were decoded; libvips corrects EXIF's orientation after this field.
  const upright = '<field type="gint" name="orientation">1</field>';
  const xml = `<?xml version="1.0"?>\n<root xmlns="http://www.vips.ecs.soton.ac.uk/vips/8.18.7"><header></header><meta>${fields.join('')}${upright}</meta></root>\n`;
  return Buffer.concat([header, Buffer.from(xml)]);
}

function inFormat(picture: Sharp, { format, width, height }: Encoding): Sharp {
  switch (format.name) {
    case 'jpeg':
      return picture.jpeg({
        quality: 92,
        chromaSubsampling: '4:4:4',
        optimiseCoding: width * height <= OPTIMISE_JPEG_PIXELS,
      });
    case 'png':
      return picture.png({ compressionLevel: 3, adaptiveFiltering: true });
    case 'webp':
      return picture.webp({ quality: 90, effort: 2 });
    case 'avif':
      return picture.avif({ quality: 70, effort: 1, chromaSubsampling: '4:4:4' });
    case 'tiff':
      return picture.tiff({ compression: 'lzw', predictor: 'horizontal', bigtiff: width * height > 2 ** 28 });
  }
}
