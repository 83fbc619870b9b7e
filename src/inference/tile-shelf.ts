import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { DRAFT_SUFFIX, TILES_PREFIX } from './drafts.ts';
import { spanLength, type TileGrid } from './tiles.ts';

/** Where the kept areas of finished tiles wait until they are composed: in memory when small, else as files. */
export interface TileShelf {
  /** Indices (row by row) of the tiles an earlier attempt left whole. */
  finished(): Promise<Set<number>>;
  put(index: number, pixels: Uint8Array): Promise<void>;
  rows(row: number, column: number, start: number, end: number): Promise<Uint8Array>;
  clear(): Promise<void>;
}

const CHECKSUM_BYTES = 4;

const checksum = (pixels: Uint8Array): Buffer => {
  const trailer = Buffer.alloc(CHECKSUM_BYTES);
  trailer.writeUInt32LE(crc32(pixels));
  return trailer;
};

/**
 * Tiles as files of one directory, whose name is the fingerprint of everything that shapes their pixels: a tile of
 * another photo, network or geometry cannot be found by mistake. A file appears whole (rename) and ends with a checksum,
 * because after a power failure a renamed file may still be empty.
 */
export async function openDiskShelf(
  scratchDir: string,
  fingerprint: string,
  grid: TileGrid,
  scale: number,
): Promise<TileShelf> {
  const directory = join(scratchDir, `${TILES_PREFIX}${fingerprint}`);
  await removeOtherShelves(scratchDir, `${TILES_PREFIX}${fingerprint}`);
  await mkdir(directory, { recursive: true });
  const path = (index: number): string => join(directory, `${index}.rgb`);
  const rowBytesOf = (column: number): number => keptLength(grid.columns[column]) * scale * 3;
  return {
    finished: () => verifiedTiles(directory, grid, scale),
    put: async (index, pixels) => {
      const draft = `${path(index)}${DRAFT_SUFFIX}`;
      await writeFile(draft, [pixels, checksum(pixels)]);
      await rename(draft, path(index));
    },
    rows: (row, column, start, end) =>
      readBytes(path(row * grid.columns.length + column), start * rowBytesOf(column), end * rowBytesOf(column)),
    clear: () => rm(directory, { recursive: true, force: true }),
  };
}

export function memoryShelf(grid: TileGrid, scale: number): TileShelf {
  const tiles = new Map<number, Uint8Array>();
  return {
    finished: () => Promise.resolve(new Set()),
    put: (index, pixels) => {
      tiles.set(index, pixels);
      return Promise.resolve();
    },
    rows: (row, column, start, end) => {
      const pixels = tiles.get(row * grid.columns.length + column);
      if (pixels === undefined) throw new RangeError(`Expected tile ${row}/${column} to be finished`);
      const rowBytes = keptLength(grid.columns[column]) * scale * 3;
      return Promise.resolve(pixels.subarray(start * rowBytes, end * rowBytes));
    },
    clear: () => {
      tiles.clear();
      return Promise.resolve();
    },
  };
}

const keptLength = (slice: TileGrid['columns'][number] | undefined): number =>
  slice === undefined ? 0 : spanLength(slice.kept);

/** Tiles of another geometry (the photo was tried before with larger tiles) would only fill the disk. */
async function removeOtherShelves(scratchDir: string, keep: string): Promise<void> {
  const others = (await readdir(scratchDir)).filter((name) => name.startsWith(TILES_PREFIX) && name !== keep);
  await Promise.all(others.map((name) => rm(join(scratchDir, name), { recursive: true, force: true })));
}

async function verifiedTiles(directory: string, grid: TileGrid, scale: number): Promise<Set<number>> {
  const whole = new Set<number>();
  for (const name of await readdir(directory)) {
    const index = Number(/^(\d+)\.rgb$/.exec(name)?.[1] ?? NaN);
    const column = grid.columns[index % grid.columns.length];
    const row = grid.rows[Math.floor(index / grid.columns.length)];
    if (column === undefined || row === undefined) continue;
    const bytes = keptLength(column) * keptLength(row) * scale * scale * 3;
    const content = await readBytes(join(directory, name), 0, bytes + CHECKSUM_BYTES);
    const pixels = content.subarray(0, bytes);
    if (content.length === bytes + CHECKSUM_BYTES && checksum(pixels).equals(content.subarray(bytes))) whole.add(index);
  }
  return whole;
}

/** Bytes `[start, end)` of a file; fewer when it is shorter. */
async function readBytes(path: string, start: number, end: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(end - start);
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  } finally {
    await file.close();
  }
}
