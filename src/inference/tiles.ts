import { spanLength, type Span } from '../contracts/tile-grid.ts';

export { cutTiles, spanLength, windowPixels } from '../contracts/tile-grid.ts';
export type { Overlap, Slice, Span, TileGrid } from '../contracts/tile-grid.ts';

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
  const samples = spanLength(columns) * image.channels;
  const length = samples * spanLength(rows);
  const cut = samplesLike(image.data, length);
  for (let y = rows.start; y < rows.end; y += 1) {
    const from = (y * image.width + columns.start) * image.channels;
    cut.set(image.data.subarray(from, from + samples), (y - rows.start) * samples);
  }
  return cut;
}
