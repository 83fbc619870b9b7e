import { spanLength, type Span } from '../contracts/tile-grid.ts';

export { cutTiles, fixedWindows, spanLength, tileCeiling, windowPixels, windowsOn } from '../contracts/tile-grid.ts';
export type { Overlap, Slice, Span, TileGrid, Windows } from '../contracts/tile-grid.ts';

/** Interleaved samples: 8 bits, or 16 (0 to 65535). */
export type Samples = Uint8Array | Uint16Array;

/** A run of samples of the same kind as another. */
export const samplesLike = (kind: Depth | Samples, length: number): OwnSamples =>
  kind === 16 || kind instanceof Uint16Array ? new Uint16Array(length) : new Uint8Array(length);

/** Bits a sample. */
export type Depth = 8 | 16;

/** Samples in memory of their own, which can be handed to another thread. */
export type OwnSamples = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

/** Bytes of a sample. */
export const sampleBytes = (depth: Depth): 1 | 2 => (depth === 16 ? 2 : 1);

/** A picture, row by row. */
export interface Pixels<Data extends Samples = Samples> {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Data;
}

/** Copies a rectangle out of an image into memory of its own, which can be handed to another thread. */
export function cutOut(image: Pixels<Uint8Array>, columns: Span, rows: Span): Uint8Array<ArrayBuffer>;
export function cutOut(image: Pixels, columns: Span, rows: Span): OwnSamples;
export function cutOut(image: Pixels, columns: Span, rows: Span): OwnSamples {
  const cut = samplesLike(image.data, spanLength(columns) * image.channels * spanLength(rows));
  cutInto(cut, image, columns, rows);
  return cut;
}

/**
 * Copies a rectangle out of an image.
 * @throws RangeError when `cut` is not of just its size and depth.
 */
export function cutInto(cut: Samples, image: Pixels, columns: Span, rows: Span): void {
  const samples = spanLength(columns) * image.channels;
  const bytes = samples * spanLength(rows) * image.data.BYTES_PER_ELEMENT;
  if (cut.byteLength !== bytes || cut.BYTES_PER_ELEMENT !== image.data.BYTES_PER_ELEMENT)
    throw new RangeError(`Expected memory of ${bytes} bytes but received ${cut.byteLength}`);
  for (let y = rows.start; y < rows.end; y += 1) {
    const from = (y * image.width + columns.start) * image.channels;
    cut.set(image.data.subarray(from, from + samples), (y - rows.start) * samples);
  }
}

/** The part of a window that lies in a picture of this side. */
export const within = ({ start, end }: Span, side: number): Span => ({ start, end: Math.min(end, side) });

/**
 * Carries a picture on to the right and downwards by its own mirror image, to and fro, its last pixel twice; what lies beyond is cut off
 * again. Measured against what the network makes where it sees what is really there, that is nearer than its own zeros, a row of last
 * pixels, or a mirror that has the last pixel once (`test/inference/fixed-windows.test.ts`).
 */
export function mirrorOut(image: Pixels<OwnSamples>, width: number, height: number): OwnSamples {
  if (image.width === width && image.height === height) return image.data;
  const { channels, data } = image;
  const wide = samplesLike(data, width * height * channels);
  const from = Array.from({ length: width }, (_, x) => mirrored(x, image.width) * channels);
  for (let y = 0; y < height; y += 1) {
    const row = mirrored(y, image.height) * image.width * channels;
    for (let x = 0; x < width; x += 1) {
      const at = row + (from[x] ?? 0);
      for (let channel = 0; channel < channels; channel += 1) {
        wide[(y * width + x) * channels + channel] = data[at + channel] ?? 0;
      }
    }
  }
  return wide;
}

/** Where position `at` lies when a line of so many is walked to and fro. */
function mirrored(at: number, length: number): number {
  const along = at % (2 * length);
  return Math.min(along, 2 * length - 1 - along);
}
