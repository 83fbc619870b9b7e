import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { DRAFT_SUFFIX, TILES_PREFIX } from './drafts.ts';
import type { SpareSamples } from './spare-samples.ts';
import {
  cutInto,
  cutOut,
  sampleBytes,
  spanLength,
  type Depth,
  type Pixels,
  type Samples,
  type Span,
  type TileGrid,
} from './tiles.ts';

/** Where the kept areas of finished tiles wait until they are composed: in memory when small, else as files. */
export interface TileShelf {
  /** Indices (row by row) of the tiles an earlier attempt left whole. */
  finished(): Promise<Set<number>>;
  /** The kept area of a finished window, whose pixels are left to the caller. */
  put(index: number, window: Pixels, columns: Span, rows: Span): Promise<void>;
  /** Pixels of the kept area, for the spare memory once they were used. */
  rows(row: number, column: number, start: number, end: number): Promise<Samples>;
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
      const from = start * rowSamples * sampleBytes(depth);
      const read = await readInto(bytesOf(samples), path(row * grid.columns.length + column), from);
      if (read < samples.byteLength) throw new RangeError(`Expected tile ${row}/${column} to be whole`);
      return samples;
    },
  };
}

export function memoryShelf(layout: TileLayout): TileShelf {
  const tiles = new Map<number, Samples>();
  return {
    finished: () => Promise.resolve(new Set()),
    put: (index, window, columns, rows) => {
      tiles.set(index, cutOut(window, columns, rows));
      return Promise.resolve();
    },
    rows: (row, column, start, end) => {
      const pixels = tiles.get(row * layout.grid.columns.length + column);
      if (pixels === undefined) throw new RangeError(`Expected tile ${row}/${column} to be finished`);
      const rowSamples = keptRow(layout, column);
      return Promise.resolve(pixels.subarray(start * rowSamples, end * rowSamples));
    },
  };
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
