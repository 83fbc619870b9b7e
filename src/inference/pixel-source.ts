import { cutOut, type Depth, type OwnSamples, type Pixels, type Span } from './tiles.ts';

/** A picture that tiles are cut from: in memory, or on disk when it was made by a pass of the network. */
export interface PixelSource {
  readonly width: number;
  readonly height: number;
  readonly depth: Depth;
  /** RGB. */
  cut(columns: Span, rows: Span): Promise<OwnSamples>;
}

export const fromMemory = (pixels: Pixels): PixelSource => ({
  width: pixels.width,
  height: pixels.height,
  depth: pixels.data instanceof Uint16Array ? 16 : 8,
  cut: (columns, rows) => Promise.resolve(cutOut(pixels, columns, rows)),
});
