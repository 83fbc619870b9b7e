/** Composing tiles gives back the picture they were cut from, whatever the bands; a blend is a fair one. */
import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { composeRows, finalRows } from '../../src/inference/compose.ts';
import { memoryShelf, openDiskShelf, type TileShelf } from '../../src/inference/tile-shelf.ts';
import { cutOut, cutTiles, type Pixels, type Span, type TileGrid } from '../../src/inference/tiles.ts';

const SCALE = 4;

/** A picture in which no two neighbouring pixels are alike. */
function picture(width: number, height: number): Pixels {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 31 + Math.floor(i / 97) * 57) % 256);
  return { width, height, channels: 3, data };
}

const enlarged = ({ start, end }: Span): Span => ({ start: start * SCALE, end: end * SCALE });

const span = (slices: TileGrid['rows'], index: number): Span => enlarged(slices[index]?.kept ?? { start: 0, end: 0 });

async function putAll(grid: TileGrid, shelf: TileShelf, tileOf: (row: number, column: number) => Uint8Array) {
  for (const row of grid.rows.keys()) {
    for (const column of grid.columns.keys()) await shelf.put(row * grid.columns.length + column, tileOf(row, column));
  }
}

const composeAll = async (grid: TileGrid, shelf: TileShelf, bandRows: number): Promise<Uint8Array> => {
  const parts: Uint8Array[] = [];
  const height = grid.height * SCALE;
  for (let y = 0; y < height; y += bandRows) {
    parts.push(await composeRows(grid, SCALE, shelf.rows.bind(shelf), y, Math.min(height, y + bandRows)));
  }
  return Buffer.concat(parts);
};

const geometries = [
  [300, 200, 96, 18, 'cut'],
  [300, 200, 96, 18, 'feather'],
  [333, 97, 96, 16, 'feather'],
  [97, 333, 64, 32, 'feather'],
  [130, 130, 64, 9, 'feather'],
  [7, 5, 96, 16, 'feather'],
  [300, 1, 64, 34, 'cut'],
] as const;

describe('composeRows', () => {
  it.each(geometries)(
    'gives back a %i x %i picture cut with tile %i, overlap %i, %s',
    async (width, height, tile, pixels, join) => {
      const grid = cutTiles(width, height, tile, { pixels, join });
      const large = picture(width * SCALE, height * SCALE);
      const shelf = memoryShelf(grid, SCALE);
      await putAll(grid, shelf, (row, column) => cutOut(large, span(grid.columns, column), span(grid.rows, row)));
      for (const bandRows of [1, 16, 37, height * SCALE]) {
        expect(Buffer.compare(await composeAll(grid, shelf, bandRows), large.data)).toBe(0);
      }
    },
  );

  it('blends tiles that disagree in a ramp without a step', async () => {
    const grid = cutTiles(200, 20, 96, { pixels: 16, join: 'feather' });
    const shelf = memoryShelf(grid, SCALE);
    const bytes = (column: number): number =>
      ((grid.columns[column]?.kept.end ?? 0) - (grid.columns[column]?.kept.start ?? 0)) * SCALE * 20 * SCALE * 3;
    await putAll(grid, shelf, (_, column) => new Uint8Array(bytes(column)).fill(column * 100));
    const row = (await composeRows(grid, SCALE, shelf.rows.bind(shelf), 0, 1)).filter((_, index) => index % 3 === 0);
    const steps = row.slice(1).map((value, index) => value - (row[index] ?? 0));
    expect(Math.min(...steps)).toBe(0);
    expect(Math.max(...steps)).toBeLessThanOrEqual(2);
    const middle = (grid.columns[1]?.core.start ?? 0) * SCALE;
    expect((row[middle - 1] ?? 0) + (row[middle] ?? 0)).toBe(100);
  });

  it('calls rows final only when no later tile reaches into them', () => {
    const grid = cutTiles(50, 400, 96, { pixels: 16, join: 'feather' });
    expect(finalRows(grid, 0, SCALE)).toBe((grid.rows[1]?.kept.start ?? 0) * SCALE);
    expect(finalRows(grid, grid.rows.length - 1, SCALE)).toBe(1600);
  });
});

describe('tiles on disk', () => {
  let directory = '';
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('are found again when whole, not when torn, not under another fingerprint', async () => {
    directory = await mkdtemp(join(tmpdir(), 'darkroom-tiles-'));
    const grid = cutTiles(150, 70, 64, { pixels: 4, join: 'cut' });
    const large = picture(150 * SCALE, 70 * SCALE);
    const tileOf = (row: number, column: number): Uint8Array =>
      cutOut(
        large,
        enlarged(grid.columns[column]?.kept ?? { start: 0, end: 0 }),
        enlarged(grid.rows[row]?.kept ?? { start: 0, end: 0 }),
      );
    const first = await openDiskShelf(directory, 'a', grid, SCALE);
    await putAll(grid, first, tileOf);
    await truncate(join(directory, 'tiles-a', '1.rgb'), 1000);

    const again = await openDiskShelf(directory, 'a', grid, SCALE);
    const found = await again.finished();
    expect(found.has(0)).toBe(true);
    expect(found.has(1)).toBe(false);
    expect(found.size).toBe(grid.columns.length * grid.rows.length - 1);
    await again.put(1, tileOf(0, 1));
    expect(Buffer.compare(await composeAll(grid, again, 50), large.data)).toBe(0);

    const other = await openDiskShelf(directory, 'b', grid, SCALE);
    expect((await other.finished()).size).toBe(0);
    expect((await (await openDiskShelf(directory, 'a', grid, SCALE)).finished()).size).toBe(0);
  });
});
