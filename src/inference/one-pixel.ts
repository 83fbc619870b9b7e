import type { Depth } from './tiles.ts';

export interface PixelBlocks {
  readonly exif?: Buffer;
  readonly xmp?: Buffer;
  readonly profile?: Buffer;
}

/** Numbers of libvips for samples of 16 bits, and for colour spaces. */
const USHORT = 2;
const SRGB = 22;
const RGB16 = 25;

/** One black pixel in libvips' own file format: a header of 64 bytes, the samples, and the blocks as XML. */
export function onePixel(channels: 3 | 4, depth: Depth, { exif, xmp, profile }: PixelBlocks): Buffer {
  const deep = depth === 16;
  const header = Buffer.alloc(64 + (channels * depth) / 8);
  header.writeUInt32BE(0xb6a6f208, 0); // libvips, little-endian
  header.writeInt32LE(1, 4); // width
  header.writeInt32LE(1, 8); // height
  header.writeInt32LE(channels, 12);
  header.writeInt32LE(depth, 16);
  header.writeInt32LE(deep ? USHORT : 0, 20);
  header.writeInt32LE(deep ? RGB16 : SRGB, 28);
  header.writeFloatLE(1, 32); // pixels a millimetre, both ways
  header.writeFloatLE(1, 36);
  const blobs = [
    ['exif-data', exif && Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), exif])],
    ['xmp-data', xmp],
    ['icc-profile-data', profile],
  ] as const;
  const fields = blobs.flatMap(([name, blob]) =>
    blob === undefined ? [] : [`<field type="VipsBlob" name="${name}">${blob.toString('base64')}</field>`],
  );
  const upright = '<field type="gint" name="orientation">1</field>';
  const xml = `<?xml version="1.0"?>\n<root xmlns="http://www.vips.ecs.soton.ac.uk/vips/8.18.7"><header></header><meta>${fields.join('')}${upright}</meta></root>\n`;
  return Buffer.concat([header, Buffer.from(xml)]);
}
