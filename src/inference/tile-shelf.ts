import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { DRAFT_SUFFIX, TILES_PREFIX } from './drafts.ts';
import type { SpareSamples } from './spare-samples.ts';
import {
  cutInto,
  sampleBytes,
  spanLength,
  type Depth,
  type Pixels,
  type Samples,
  type Span,
  type TileGrid,
} from './tiles.ts';

/** Where finished tiles wait until they are composed: in memory, or as files that another attempt finds again. */
export interface TileShelf {
  /** Indices (row by row) of the tiles an earlier attempt left whole. */
  finished(): Promise<Set<number>>;
  /** The kept area of a finished window. The caller may give back its pixels, but not change them. */
  put(index: number, window: Pixels, columns: Span, rows: Span): Promise<void>;
  /** Rows of the kept area, whose samples go to the spare memory once they were used. Each is asked for once, from top to bottom. */
  rows(row: number, column: number, start: number, end: number): Promise<TileRows>;
  /** Nothing will be asked for any more. */
  close(): void;
}

/** Where among the samples the first of some rows begins, and how far it is from one to the next. */
export interface TileRows {
  readonly samples: Samples;
  readonly at: number;
  readonly stride: number;
}

/** The tiles of one pass of the network: how a photo was cut, and what was made of the pieces. */
export interface TileLayout {
  readonly grid: TileGrid;
  readonly scale: number;
  readonly depth: Depth;
}

const CHANNELS = 3;
const CHECKSUM_BYTES = 4;

const checksum = (pixels: Uint8Array): Buffer => {
  const trailer = Buffer.alloc(CHECKSUM_BYTES);
  trailer.writeUInt32LE(crc32(pixels));
  return trailer;
};

const bytesOf = (pixels: Samples): Uint8Array => new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);

/**
 * Tiles as files of one directory, whose name is the fingerprint of everything that shapes their pixels: a tile of
 * another photo, network or geometry cannot be found by mistake. A file appears whole (rename) and ends with a checksum,
 * because after a power failure a renamed file may still be empty.
 * @param pass - a photo that goes through the network twice has two sets of tiles.
 */
export async function openDiskShelf(
  scratchDir: string,
  pass: number,
  fingerprint: string,
  layout: TileLayout,
  spare: SpareSamples,
): Promise<TileShelf> {
  const { grid, depth } = layout;
  const name = `${TILES_PREFIX}${pass}-${fingerprint}`;
  const directory = join(scratchDir, name);
  await removeOtherShelves(scratchDir, `${TILES_PREFIX}${pass}-`, name);
  await mkdir(directory, { recursive: true });
  const path = (index: number): string => join(directory, `${index}.rgb`);
  return {
    finished: () => verifiedTiles(directory, layout),
    put: async (index, window, columns, rows) => {
      const draft = `${path(index)}${DRAFT_SUFFIX}`;
      const kept = spare.take(depth, spanLength(columns) * CHANNELS * spanLength(rows));
      try {
        cutInto(kept, window, columns, rows);
        const bytes = bytesOf(kept);
        await writeFile(draft, [bytes, checksum(bytes)]);
      } finally {
        spare.giveBack(kept);
      }
      await rename(draft, path(index));
    },
    rows: async (row, column, start, end) => {
      const rowSamples = keptRow(layout, column);
      const samples = spare.take(depth, (end - start) * rowSamples);
      try {
        const from = start * rowSamples * sampleBytes(depth);
        const read = await readInto(bytesOf(samples), path(row * grid.columns.length + column), from);
        if (read < samples.byteLength) throw new RangeError(`Expected tile ${row}/${column} to be whole`);
        return { samples, at: 0, stride: rowSamples };
      } catch (error) {
        spare.giveBack(samples);
        throw error;
      }
    },
    close: () => undefined,
  };
}

/** Keeps whole windows, where the network left them, until their last row was read. */
export function memoryShelf({ grid, scale }: TileLayout, spare: SpareSamples): TileShelf {
  const tiles = new Map<number, TileRows>();
  return {
    finished: () => Promise.resolve(new Set()),
    put: (index, { data, width, channels }, columns, rows) => {
      const at = (rows.start * width + columns.start) * channels;
      tiles.set(index, { samples: spare.passOn(data), at, stride: width * channels });
      return Promise.resolve();
    },
    rows: (row, column, start, end) => {
      const index = row * grid.columns.length + column;
      const tile = tiles.get(index);
      if (tile === undefined) throw new RangeError(`Expected tile ${row}/${column} to be finished`);
      const isLast = end === keptLength(grid.rows[row]) * scale;
      if (isLast) tiles.delete(index);
      const { samples, at, stride } = tile;
      // Another view of them is not lent, and giving it back does nothing.
      return Promise.resolve({ samples: isLast ? samples : samples.subarray(), at: at + start * stride, stride });
    },
    close: () => {
      for (const { samples } of tiles.values()) spare.giveBack(samples);
      tiles.clear();
    },
  };
}

/** Whether an earlier attempt saved any tiles of this pass, of whatever they are. */
export async function hasSavedTiles(scratchDir: string, pass: number): Promise<boolean> {
  return (await readdir(scratchDir)).some((name) => name.startsWith(`${TILES_PREFIX}${pass}-`));
}

const keptLength = (slice: TileGrid['columns'][number] | undefined): number =>
  slice === undefined ? 0 : spanLength(slice.kept);

/** Samples of one row of a tile. */
const keptRow = ({ grid, scale }: TileLayout, column: number): number =>
  keptLength(grid.columns[column]) * scale * CHANNELS;

/** Tiles of another geometry (the photo was tried before with larger tiles) would only fill the disk. */
async function removeOtherShelves(scratchDir: string, prefix: string, keep: string): Promise<void> {
  const others = (await readdir(scratchDir)).filter((name) => name.startsWith(prefix) && name !== keep);
  await Promise.all(others.map((name) => rm(join(scratchDir, name), { recursive: true, force: true })));
}

async function verifiedTiles(directory: string, { grid, scale, depth }: TileLayout): Promise<Set<number>> {
  const whole = new Set<number>();
  for (const name of await readdir(directory)) {
    const index = Number(/^(\d+)\.rgb$/.exec(name)?.[1] ?? NaN);
    const column = grid.columns[index % grid.columns.length];
    const row = grid.rows[Math.floor(index / grid.columns.length)];
    if (column === undefined || row === undefined) continue;
    const bytes = keptLength(column) * keptLength(row) * scale * scale * CHANNELS * sampleBytes(depth);
    const content = Buffer.allocUnsafe(bytes + CHECKSUM_BYTES);
    const read = await readInto(content, join(directory, name), 0);
    const pixels = content.subarray(0, bytes);
    if (read === content.length && checksum(pixels).equals(content.subarray(bytes))) whole.add(index);
  }
  return whole;
}

/** Fills `target` from a place in a file. @returns bytes read: fewer when the file is shorter. */
async function readInto(target: Uint8Array, path: string, position: number): Promise<number> {
  const file = await open(path, 'r');
  try {
    let filled = 0;
    while (filled < target.length) {
      const { bytesRead } = await file.read(target, filled, target.length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  } finally {
    await file.close();
  }
}
