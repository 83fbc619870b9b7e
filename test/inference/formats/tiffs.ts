import type { Samples } from '../../../src/inference/tiles.ts';

/** Classic TIFF files with samples and tags that no library would write. */

export interface TiffContent {
  readonly data: Samples;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** 1 is grey, 2 RGB, 5 inks. */
  readonly photometric: 1 | 2 | 5;
  readonly profile?: Buffer | undefined;
  /** 1: multiplied into the colours; 2: not. */
  readonly extraSamples?: 1 | 2;
}

export function canvasBytes({
  data,
  width,
  height,
  channels,
  photometric,
  profile,
  extraSamples,
}: TiffContent): Buffer {
  const bits = data instanceof Uint16Array ? 16 : 8;
  const pixels = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const entries: { tag: number; type: number; values: number[] | Buffer }[] = [
    { tag: 256, type: 4, values: [width] },
    { tag: 257, type: 4, values: [height] },
    { tag: 258, type: 3, values: Array.from({ length: channels }, () => bits) },
    { tag: 259, type: 3, values: [1] },
    { tag: 262, type: 3, values: [photometric] },
    { tag: 273, type: 4, values: [8] },
    { tag: 277, type: 3, values: [channels] },
    { tag: 278, type: 4, values: [height] },
    { tag: 279, type: 4, values: [pixels.length] },
    { tag: 284, type: 3, values: [1] },
  ];
  if (extraSamples !== undefined) entries.push({ tag: 338, type: 3, values: [extraSamples] });
  if (profile !== undefined) entries.push({ tag: 34675, type: 7, values: profile });
  const at = 8 + pixels.length + (pixels.length % 2);
  const directory = Buffer.alloc(2 + entries.length * 12 + 4);
  directory.writeUInt16LE(entries.length);
  const rest: Buffer[] = [];
  let end = at + directory.length;
  for (const [index, { tag, type, values }] of entries.entries()) {
    const bytes = Buffer.isBuffer(values) ? values : packed(values, type);
    const entry = 2 + index * 12;
    directory.writeUInt16LE(tag, entry);
    directory.writeUInt16LE(type, entry + 2);
    directory.writeUInt32LE(values.length, entry + 4);
    if (bytes.length <= 4) bytes.copy(directory, entry + 8);
    else {
      directory.writeUInt32LE(end, entry + 8);
      rest.push(bytes, Buffer.alloc(bytes.length % 2));
      end += bytes.length + (bytes.length % 2);
    }
  }
  const head = Buffer.from('II*\0\0\0\0\0', 'latin1');
  head.writeUInt32LE(at, 4);
  return Buffer.concat([head, pixels, Buffer.alloc(pixels.length % 2), directory, ...rest]);
}

function packed(values: readonly number[], type: number): Buffer {
  const size = type === 3 ? 2 : 4;
  const bytes = Buffer.alloc(values.length * size);
  for (const [index, value] of values.entries()) {
    if (size === 2) bytes.writeUInt16LE(value, index * 2);
    else bytes.writeUInt32LE(value, index * 4);
  }
  return bytes;
}
