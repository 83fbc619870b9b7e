import { decode } from 'fast-bmp';
import { DarkroomError } from '../contracts/errors.ts';
import type { Pixels } from './tiles.ts';

/**
 * BMP, which sharp does not read. `fast-bmp` knows one header, bottom-up rows and no palette; so what cameras and
 * screenshot tools write is first put into that form, and palettes are applied afterwards.
 */

const FILE_HEADER_BYTES = 14;
const V5_HEADER_BYTES = 124;
const UNCOMPRESSED = 0;
const BIT_FIELDS = 3;

export interface BmpHeader {
  readonly width: number;
  readonly height: number;
  readonly topDown: boolean;
  readonly bitsPerPixel: number;
  readonly pixelOffset: number;
  /** Colours as blue, green, red, unused; empty for 24 and 32 bits. */
  readonly palette: Buffer;
}

const refuse = (what: string): never => {
  throw new DarkroomError('unsupported_format', `This kind of BMP (${what}) is not read. Save it as PNG.`);
};

/** @throws DarkroomError `unsupported_format` or `image_unreadable`. */
export function readBmpHeader(file: Buffer): BmpHeader {
  if (file.length < FILE_HEADER_BYTES + 40) throw new DarkroomError('image_unreadable');
  const headerBytes = file.readUInt32LE(14);
  if (headerBytes < 40 || headerBytes > file.length) refuse('an old header');
  const bitsPerPixel = file.readUInt16LE(28);
  if (![1, 8, 24, 32].includes(bitsPerPixel)) refuse(`${bitsPerPixel} bits a pixel`);
  const compression = file.readUInt32LE(30);
  if (compression !== UNCOMPRESSED && !(compression === BIT_FIELDS && bitsPerPixel === 32)) refuse('compressed');
  const masks = file.length >= 66 && compression === BIT_FIELDS ? [54, 58, 62].map((at) => file.readUInt32LE(at)) : [];
  if (masks.length > 0 && masks.join() !== [0xff0000, 0xff00, 0xff].join()) refuse('unusual colour masks');
  const height = file.readInt32LE(22);
  const pixelOffset = file.readUInt32LE(10);
  const width = file.readInt32LE(18);
  if (width < 1 || height === 0) throw new DarkroomError('image_unreadable');
  const paletteStart = FILE_HEADER_BYTES + headerBytes;
  const palette = bitsPerPixel <= 8 ? file.subarray(paletteStart, pixelOffset) : file.subarray(0, 0);
  return { width, height: Math.abs(height), topDown: height < 0, bitsPerPixel, pixelOffset, palette };
}

/** @returns RGB. */
export function decodeBmp(file: Buffer): Pixels {
  const header = readBmpHeader(file);
  const { width, height, bitsPerPixel, pixelOffset } = header;
  const rowBytes = Math.ceil((width * bitsPerPixel) / 32) * 4;
  if (file.length < pixelOffset + rowBytes * height) throw new DarkroomError('image_unreadable');
  const decoded = decode(inKnownForm(file, header, rowBytes));
  const samples = decoded.data instanceof Uint8Array ? decoded.data : new Uint8Array(0);
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    const from = header.topDown ? height - 1 - y : y;
    for (let x = 0; x < width; x += 1) {
      colourOf(header, samples, (from * width + x) * decoded.channels, rgb, (y * width + x) * 3);
    }
  }
  return { width, height, channels: 3, data: rgb };
}

function colourOf(header: BmpHeader, samples: Uint8Array, from: number, rgb: Uint8Array, to: number): void {
  const index = samples[from] ?? 0;
  const indexed = header.bitsPerPixel <= 8;
  for (let channel = 0; channel < 3; channel += 1) {
    rgb[to + channel] = indexed ? (header.palette[index * 4 + 2 - channel] ?? index) : (samples[from + channel] ?? 0);
  }
}

/** The same pixels behind the one header that `fast-bmp` reads. */
function inKnownForm(file: Buffer, header: BmpHeader, rowBytes: number): Buffer {
  const head = Buffer.alloc(FILE_HEADER_BYTES + V5_HEADER_BYTES);
  head.write('BM', 'latin1');
  head.writeUInt32LE(head.length, 10);
  head.writeUInt32LE(V5_HEADER_BYTES, 14);
  head.writeUInt32LE(header.width, 18);
  head.writeUInt32LE(header.height, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(header.bitsPerPixel, 28);
  head.writeUInt32LE(header.bitsPerPixel === 32 ? BIT_FIELDS : UNCOMPRESSED, 30);
  for (const [index, mask] of [0xff0000, 0xff00, 0xff].entries()) head.writeUInt32LE(mask, 54 + index * 4);
  return Buffer.concat([head, file.subarray(header.pixelOffset, header.pixelOffset + rowBytes * header.height)]);
}
