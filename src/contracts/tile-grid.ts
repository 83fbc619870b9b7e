/**
 * How a photo is cut. Time per pixel hardly depends on a tile's size, but every overlap is computed twice and every new
 * shape costs the runtime memory: so all windows of a photo have one size, and no pixel is invented to fill them. Where a
 * new shape costs seconds, all photos share two windows, which reach beyond the end of a photo that is smaller.
 */

/** Rounding the window up keeps the shapes of different photos few; larger steps would recompute more than they save. */
const WINDOW_STEP = 8;

/**
 * Providers that work a long time on a shape they have not met: cuDNN tries every way of every convolution (7 s for x4plus on an
 * H100, as much as 12 megapixels take), the others compile. WebGPU does not: measured, a new shape costs it a tenth of a second at most.
 */
const FIXES_WINDOWS = new Set(['cuda', 'tensorrt', 'coreml', 'dml']);

/** Windows that fit each photo, or the same few for all. */
export type Windows = 'fitted' | 'fixed';

export const windowsOn = (device: string): Windows => (FIXES_WINDOWS.has(device) ? 'fixed' : 'fitted');

/**
 * Tiles that fixed windows are made for; what is asked for is rounded down. The smallest, the default and the largest that can be
 * asked for, and their halves and quarters, which are tried when memory runs short.
 */
const FIXED_TILES = [512, 400, 256, 200, 128, 100, 64];

/** The ceiling in force where this one was asked for. */
export const tileCeiling = (windows: Windows, tile: number): number =>
  windows === 'fitted' ? tile : (FIXED_TILES.find((fixed) => fixed <= tile) ?? tile);

/**
 * Sides of the fixed windows: what the ceiling allows, and half of that. Photos of about a megapixel cost a quarter more than with
 * fitted ones, with the larger window alone two fifths; those of 4 megapixels and more a fifteenth.
 */
export function fixedWindows(tile: number, overlap: number): number[] {
  const largest = floorTo(WINDOW_STEP, tile + 2 * overlap);
  return [largest, floorTo(WINDOW_STEP, largest / 2)].filter((side) => side > 2 * overlap);
}

const floorTo = (step: number, length: number): number => Math.floor(length / step) * step;

export interface Span {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** One tile along one axis, in pixels of the photo. Cores follow each other without gap or overlap. */
export interface Slice {
  /** What the network sees; lies inside the photo, unless that is smaller than a fixed window: then it reaches beyond its end. */
  readonly window: Span;
  /** What the tile answers for. */
  readonly core: Span;
  /** What is kept of the network's answer: the core, and for feathered joins the zone shared with each neighbour. */
  readonly kept: Span;
}

export interface TileGrid {
  readonly width: number;
  readonly height: number;
  readonly columns: readonly Slice[];
  readonly rows: readonly Slice[];
  /** Half the width of the zone in which neighbours are blended, in pixels of the photo; 0 = cut. */
  readonly marginX: number;
  readonly marginY: number;
}

export interface Overlap {
  readonly pixels: number;
  readonly join: 'cut' | 'feather';
}

export const spanLength = (span: Span): number => span.end - span.start;

/**
 * Cuts `side` pixels into windows of one size, no larger than `tile + 2 * overlap`, whose overlap is at least
 * `2 * overlap` (so that each core has `overlap` pixels around it, except at the photo's edge).
 */
function cutWindows(side: number, tile: number, overlap: number): Span[] {
  const largest = tile + 2 * overlap;
  const count = Math.max(1, Math.ceil((side - 2 * overlap) / tile));
  if (count === 1) return [{ start: 0, end: side }];
  const needed = Math.ceil((side + 2 * overlap * (count - 1)) / count);
  const size = Math.min(Math.ceil(needed / WINDOW_STEP) * WINDOW_STEP, largest, side);
  return Array.from({ length: count }, (_, index) => {
    const start = Math.floor((index * (side - size)) / (count - 1));
    return { start, end: start + size };
  });
}

/** The same with windows of exactly this size, which overlap by as much more as is left over. */
function cutFixed(side: number, size: number, overlap: number): Span[] {
  const count = Math.max(1, Math.ceil((side - 2 * overlap) / (size - 2 * overlap)));
  return Array.from({ length: count }, (_, index) => {
    const start = count === 1 ? 0 : Math.floor((index * (side - size)) / (count - 1));
    return { start, end: start + size };
  });
}

function slicesOf(windows: Span[], side: number, { pixels, join }: Overlap): { slices: Slice[]; margin: number } {
  const cores = windows.map((window, index) => ({
    start: index === 0 ? 0 : middle(windows[index - 1], window),
    end: index === windows.length - 1 ? side : middle(window, windows[index + 1]),
  }));
  const narrowest = Math.min(...cores.map(spanLength));
  // A quarter of the overlap hides the step at a seam; more would bring in pixels whose surroundings are cut off.
  const margin = join === 'cut' || windows.length === 1 ? 0 : Math.floor(Math.min(pixels, narrowest) / 4);
  const slices = windows.map((window, index) => {
    const core = cores[index] ?? window;
    const kept = {
      start: index === 0 ? 0 : core.start - margin,
      end: index === windows.length - 1 ? side : core.end + margin,
    };
    return { window, core, kept };
  });
  return { slices, margin };
}

const middle = (left: Span | undefined, right: Span | undefined): number => {
  if (left === undefined || right === undefined) throw new RangeError('Expected a neighbour for the tile');
  return right.start + Math.floor((left.end - right.start) / 2);
};

/**
 * @param tile - ceiling: a window is never larger than `tile + 2 * overlap.pixels` in either direction.
 * @param windows - fixed ones are all squares of one of {@link fixedWindows}, whichever computes fewer pixels.
 */
export function cutTiles(
  width: number,
  height: number,
  tile: number,
  overlap: Overlap,
  windows: Windows = 'fitted',
): TileGrid {
  const fitted = (side: number): Span[] => cutWindows(side, tile, overlap.pixels);
  if (windows === 'fitted') return gridOf(width, height, fitted, overlap);
  const [grid] = fixedWindows(tile, overlap.pixels)
    .map((size) => gridOf(width, height, (side) => cutFixed(side, size, overlap.pixels), overlap))
    .toSorted((a, b) => windowPixels(a).total - windowPixels(b).total);
  if (grid === undefined) throw new RangeError(`Expected a window for tiles of ${tile} pixels`);
  return grid;
}

function gridOf(width: number, height: number, windows: (side: number) => Span[], overlap: Overlap): TileGrid {
  const horizontal = slicesOf(windows(width), width, overlap);
  const vertical = slicesOf(windows(height), height, overlap);
  return {
    width,
    height,
    columns: horizontal.slices,
    rows: vertical.slices,
    marginX: horizontal.margin,
    marginY: vertical.margin,
  };
}

/** Pixels that the network computes for a picture, with every overlap, and the most at a time. */
export function windowPixels({ columns, rows }: TileGrid): { readonly total: number; readonly largest: number } {
  const [wide, tall] = [windowLengths(columns), windowLengths(rows)];
  return { total: sum(wide) * sum(tall), largest: Math.max(...wide) * Math.max(...tall) };
}

const windowLengths = (slices: readonly Slice[]): number[] => slices.map(({ window }) => spanLength(window));

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
