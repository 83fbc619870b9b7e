import type { SpareSamples } from './spare-samples.ts';
import type { TileLayout, TileRows } from './tile-shelf.ts';
import type { Samples, Slice, TileGrid } from './tiles.ts';

/**
 * Joins finished tiles into rows of the result. A pure function of the grid and the tiles: neither the order in which
 * tiles were finished nor an interruption changes a byte. All arithmetic is on whole numbers.
 */

const CHANNELS = 3;

/** Gives rows `[start, end)` of a tile's kept area, counted from the top of that area; samples are RGB. */
export type ReadTileRows = (row: number, column: number, start: number, end: number) => Promise<TileRows>;

/** A slice in pixels of the result. */
interface Band {
  readonly kept: { readonly start: number; readonly end: number };
  readonly core: { readonly start: number; readonly end: number };
}

const enlarge = (slice: Slice, scale: number): Band => ({
  kept: { start: slice.kept.start * scale, end: slice.kept.end * scale },
  core: { start: slice.core.start * scale, end: slice.core.end * scale },
});

/** Rows of the result that are final once tile rows `0..row` are finished. */
export function finalRows(grid: TileGrid, row: number, scale: number): number {
  const slice = grid.rows[row];
  if (slice === undefined) throw new RangeError(`Expected a tile row below ${grid.rows.length} but received ${row}`);
  return row === grid.rows.length - 1 ? grid.height * scale : (slice.core.end - grid.marginY) * scale;
}

/** Where rows are composed from, and in which memory. */
export interface Composing {
  readonly layout: TileLayout;
  readonly read: ReadTileRows;
  readonly spare: SpareSamples;
}

/** Rows `[start, end)` of the result, as RGB of the tiles' depth; taken from the spare memory, for the caller to give back. */
export async function composeRows({ layout, read, spare }: Composing, start: number, end: number): Promise<Samples> {
  const { grid, scale, depth } = layout;
  const columns = grid.columns.map((slice) => enlarge(slice, scale));
  const rows = grid.rows.map((slice) => enlarge(slice, scale));
  const given: Samples[] = [];
  const reading: ReadTileRows = async (...place) => {
    const tile = await read(...place);
    given.push(tile.samples);
    return tile;
  };
  try {
    const strips = await readStrips(rows, columns, reading, start, end);
    const result = spare.take(depth, grid.width * scale * CHANNELS * (end - start));
    joinRows(layout, columns, strips, start, result);
    return result;
  } finally {
    for (const samples of given) spare.giveBack(samples);
  }
}

function joinRows(layout: TileLayout, columns: Band[], strips: readonly Strip[], start: number, result: Samples): void {
  const { grid, scale } = layout;
  const rowSamples = grid.width * scale * CHANNELS;
  const upper = new Int32Array(rowSamples);
  const lower = new Int32Array(rowSamples);
  for (let y = start; (y - start) * rowSamples < result.length; y += 1) {
    const target = result.subarray((y - start) * rowSamples, (y - start + 1) * rowSamples);
    const [first, second] = strips.filter(({ band }) => y >= band.kept.start && y < band.kept.end);
    if (first === undefined) throw new RangeError(`Expected a tile for row ${y}`);
    if (second === undefined) joinColumns(columns, first, y, grid.marginX * scale, target);
    else {
      // Both rows of tiles are joined sideways first, kept at full precision, and rounded only once.
      weighColumns(columns, first, y, grid.marginX * scale, upper);
      weighColumns(columns, second, y, grid.marginX * scale, lower);
      blendRows(upper, lower, weightOf(y, second.band.core.start, grid.marginY * scale), grid, scale, target);
    }
  }
}

/** What was read of one row of tiles: for each column its rows from `from` on. */
interface Strip {
  readonly band: Band;
  readonly from: number;
  readonly tiles: readonly TileRows[];
}

async function readStrips(rows: Band[], columns: Band[], read: ReadTileRows, start: number, end: number) {
  const strips: Strip[] = [];
  for (const [row, band] of rows.entries()) {
    const from = Math.max(start, band.kept.start);
    const to = Math.min(end, band.kept.end);
    if (from >= to) continue;
    // All have settled when one failed: what the others were lent is known then.
    const tiles = await Promise.allSettled(
      columns.map((_, column) => read(row, column, from - band.kept.start, to - band.kept.start)),
    );
    strips.push({ band, from, tiles: tiles.map(valueOf) });
  }
  return strips;
}

function valueOf<Value>(outcome: PromiseSettledResult<Value>): Value {
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}

/** One row of one tile. */
function tileRow(columns: Band[], strip: Strip, column: number, y: number): { row: Samples; left: number } {
  const band = columns[column];
  const tile = strip.tiles[column];
  if (band === undefined || tile === undefined) throw new RangeError(`Expected a tile in column ${column}`);
  const length = (band.kept.end - band.kept.start) * CHANNELS;
  const offset = tile.at + (y - strip.from) * tile.stride;
  return { row: tile.samples.subarray(offset, offset + length), left: band.kept.start };
}

/** Share of the right (or lower) tile at pixel `position`, in parts of `2 * (2 * margin)`: odd, since pixels have centres. */
const weightOf = (position: number, seam: number, margin: number): number => 2 * (position - (seam - margin)) + 1;

/** A row that lies in one row of tiles only: copies, except in the zones around the seams. */
function joinColumns(columns: Band[], strip: Strip, y: number, margin: number, target: Samples): void {
  const parts = 4 * margin;
  for (const [column, band] of columns.entries()) {
    const { row, left } = tileRow(columns, strip, column, y);
    const from = column === 0 ? 0 : band.core.start + margin;
    const to = column === columns.length - 1 ? band.core.end : band.core.end - margin;
    target.set(row.subarray((from - left) * CHANNELS, (to - left) * CHANNELS), from * CHANNELS);
    if (column === 0 || margin === 0) continue;
    const before = tileRow(columns, strip, column - 1, y);
    for (let x = band.core.start - margin; x < band.core.start + margin; x += 1) {
      const weight = weightOf(x, band.core.start, margin);
      for (let channel = 0; channel < CHANNELS; channel += 1) {
        const a = before.row[(x - before.left) * CHANNELS + channel] ?? 0;
        const b = row[(x - left) * CHANNELS + channel] ?? 0;
        target[x * CHANNELS + channel] = Math.floor((a * (parts - weight) + b * weight + parts / 2) / parts);
      }
    }
  }
}

/** The same at full precision: every sample is multiplied by `4 * margin` (by 1 without a margin), which 32 bits hold. */
function weighColumns(columns: Band[], strip: Strip, y: number, margin: number, target: Int32Array): void {
  const parts = margin === 0 ? 1 : 4 * margin;
  for (const [column, band] of columns.entries()) {
    const { row, left } = tileRow(columns, strip, column, y);
    const from = column === 0 ? 0 : band.core.start + margin;
    const to = column === columns.length - 1 ? band.core.end : band.core.end - margin;
    for (let i = from * CHANNELS; i < to * CHANNELS; i += 1) target[i] = (row[i - left * CHANNELS] ?? 0) * parts;
    if (column === 0) continue;
    const before = tileRow(columns, strip, column - 1, y);
    for (let i = (band.core.start - margin) * CHANNELS; i < (band.core.start + margin) * CHANNELS; i += 1) {
      const weight = weightOf(Math.floor(i / CHANNELS), band.core.start, margin);
      const a = before.row[i - before.left * CHANNELS] ?? 0;
      target[i] = a * (parts - weight) + (row[i - left * CHANNELS] ?? 0) * weight;
    }
  }
}

function blendRows(
  upper: Int32Array,
  lower: Int32Array,
  weight: number,
  grid: TileGrid,
  scale: number,
  target: Samples,
): void {
  const partsY = 4 * grid.marginY * scale;
  const parts = partsY * (grid.marginX === 0 ? 1 : 4 * grid.marginX * scale);
  for (let i = 0; i < target.length; i += 1) {
    const sum = (upper[i] ?? 0) * (partsY - weight) + (lower[i] ?? 0) * weight;
    target[i] = Math.floor((sum + parts / 2) / parts);
  }
}
