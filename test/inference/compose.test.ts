/** Composing tiles gives back the picture they were cut from, whatever the bands; a blend is a fair one. */
import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { composeRows, finalRows } from '../../src/inference/compose.ts';
import { SpareSamples } from '../../src/inference/spare-samples.ts';
import { memoryShelf, openDiskShelf, type TileLayout, type TileShelf } from '../../src/inference/tile-shelf.ts';
import {
  cutOut,
  cutTiles,
  samplesLike,
  type Depth,
  type Pixels,
  type Samples,
  type Span,
  type TileGrid,
} from '../../src/inference/tiles.ts';

const SCALE = 4;

const layoutOf = (grid: TileGrid, depth: Depth = 8): TileLayout => ({ grid, scale: SCALE, depth });

/** A picture in which no two neighbouring pixels are alike. */
function picture(width: number, height: number, depth: Depth = 8): Pixels {
  const data = samplesLike(depth, width * height * 3);
  for (let i = 0; i < data.length; i += 1) data[i] = (i * 31 + Math.floor(i / 97) * 57) % (depth === 16 ? 65_536 : 256);
  return { width, height, channels: 3, data };
}

const enlarged = ({ start, end }: Span): Span => ({ start: start * SCALE, end: end * SCALE });

const span = (slices: TileGrid['rows'], index: number): Span => enlarged(slices[index]?.kept ?? { start: 0, end: 0 });

/** What a window has around its kept area. */
const FRAME = { left: 5, right: 2, top: 3, bottom: 4 };

/** Puts a tile as a window whose frame is nothing that belongs into the picture. */
async function putTile(grid: TileGrid, shelf: TileShelf, row: number, column: number, data: Samples) {
  const window = framed(grid, row, column, data, samplesLike);
  await shelf.put(row * grid.columns.length + column, window.pixels, window.columns, window.rows);
}

function framed(
  grid: TileGrid,
  row: number,
  column: number,
  data: Samples,
  memory: (like: Samples, length: number) => Samples,
) {
  const [across, down] = [span(grid.columns, column), span(grid.rows, row)];
  const columns = { start: FRAME.left, end: FRAME.left + across.end - across.start };
  const rows = { start: FRAME.top, end: FRAME.top + down.end - down.start };
  const [width, height] = [columns.end + FRAME.right, rows.end + FRAME.bottom];
  const pixels = { width, height, channels: 3, data: memory(data, width * height * 3).fill(99) };
  const length = (columns.end - columns.start) * 3;
  for (let y = rows.start; y < rows.end; y += 1) {
    const from = (y - rows.start) * length;
    pixels.data.set(data.subarray(from, from + length), (y * width + columns.start) * 3);
  }
  return { pixels, columns, rows };
}

async function putAll(grid: TileGrid, shelf: TileShelf, tileOf: (row: number, column: number) => Samples) {
  for (const row of grid.rows.keys()) {
    for (const column of grid.columns.keys()) await putTile(grid, shelf, row, column, tileOf(row, column));
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Samples): Buffer => Buffer.from(buffer, byteOffset, byteLength);

const composeAll = async (grid: TileGrid, shelf: TileShelf, bandRows: number, depth: Depth = 8): Promise<Buffer> => {
  const parts: Buffer[] = [];
  const spare = new SpareSamples();
  const composing = { layout: layoutOf(grid, depth), read: shelf.rows.bind(shelf), spare };
  const height = grid.height * SCALE;
  for (let y = 0; y < height; y += bandRows) {
    const end = Math.min(height, y + bandRows);
    const rows = await composeRows(composing, y, end);
    parts.push(Buffer.from(bytesOf(rows)));
    spare.giveBack(rows);
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
      for (const bandRows of [1, 16, 37, height * SCALE]) {
        const shelf = memoryShelf(layoutOf(grid), new SpareSamples());
        await putAll(grid, shelf, (row, column) => cutOut(large, span(grid.columns, column), span(grid.rows, row)));
        expect(Buffer.compare(await composeAll(grid, shelf, bandRows), bytesOf(large.data))).toBe(0);
      }
    },
  );

  it.each(['memory', 'disk'] as const)('gives back 16 bits as they were, by way of %s', async (place) => {
    const directory = await mkdtemp(join(tmpdir(), 'darkroom-tiles-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const grid = cutTiles(150, 97, 64, { pixels: 18, join: 'feather' });
    const large = picture(150 * SCALE, 97 * SCALE, 16);
    const layout = layoutOf(grid, 16);
    const shelf =
      place === 'memory'
        ? memoryShelf(layout, new SpareSamples())
        : await openDiskShelf(directory, 1, 'deep', layout, new SpareSamples());
    await putAll(grid, shelf, (row, column) => cutOut(large, span(grid.columns, column), span(grid.rows, row)));
    expect(Buffer.compare(await composeAll(grid, shelf, 37, 16), bytesOf(large.data))).toBe(0);
  });

  it.each([1, 0.4])(
    'leaves nothing lent when a share of %d of it was composed and the shelf is closed',
    async (share) => {
      const grid = cutTiles(150, 97, 64, { pixels: 16, join: 'feather' });
      const large = picture(150 * SCALE, 97 * SCALE);
      const bytes = 8 * 2 ** 20;
      const spare = new SpareSamples(bytes);
      const layout = layoutOf(grid);
      const shelf = memoryShelf(layout, spare);
      for (const row of grid.rows.keys()) {
        for (const column of grid.columns.keys()) {
          const cut = cutOut(large, span(grid.columns, column), span(grid.rows, row));
          const lent = framed(grid, row, column, cut, (_, length) => spare.take(8, length));
          await shelf.put(row * grid.columns.length + column, lent.pixels, lent.columns, lent.rows);
          spare.giveBack(lent.pixels.data); // as its caller does, who does not know whether it is still needed
        }
      }
      expect(spare.share(8, bytes)).toBeUndefined();
      const composing = { layout, read: shelf.rows.bind(shelf), spare };
      const end = Math.round(97 * SCALE * share);
      for (let y = 0; y < end; y += 50) {
        const rows = await composeRows(composing, y, Math.min(end, y + 50));
        expect(
          Buffer.compare(bytesOf(rows), bytesOf(large.data.subarray(y * 600 * 3, Math.min(end, y + 50) * 600 * 3))),
        ).toBe(0);
        spare.giveBack(rows);
      }
      shelf.close();
      expect(spare.share(8, bytes)).toHaveLength(bytes);
    },
  );

  it('leaves nothing lent when a tile is missing', async () => {
    const grid = cutTiles(150, 97, 64, { pixels: 16, join: 'feather' });
    const bytes = 8 * 2 ** 20;
    const spare = new SpareSamples(bytes);
    const shelf = memoryShelf(layoutOf(grid), spare);
    for (const column of grid.columns.keys()) {
      const kept = [span(grid.columns, column), span(grid.rows, 0)].map(({ start, end }) => end - start);
      const lent = framed(grid, 0, column, new Uint8Array((kept[0] ?? 0) * (kept[1] ?? 0) * 3), (_, length) =>
        spare.take(8, length),
      );
      await shelf.put(column, lent.pixels, lent.columns, lent.rows);
    }
    const composing = { layout: layoutOf(grid), read: shelf.rows.bind(shelf), spare };
    await expect(composeRows(composing, 0, 97 * SCALE)).rejects.toThrow('Expected tile 1/0 to be finished');
    shelf.close();
    expect(spare.share(8, bytes)).toHaveLength(bytes);
  });

  it('blends tiles that disagree in a ramp without a step', async () => {
    const grid = cutTiles(200, 20, 96, { pixels: 16, join: 'feather' });
    const shelf = memoryShelf(layoutOf(grid), new SpareSamples());
    const bytes = (column: number): number =>
      ((grid.columns[column]?.kept.end ?? 0) - (grid.columns[column]?.kept.start ?? 0)) * SCALE * 20 * SCALE * 3;
    await putAll(grid, shelf, (_, column) => new Uint8Array(bytes(column)).fill(column * 100));
    const composing = { layout: layoutOf(grid), read: shelf.rows.bind(shelf), spare: new SpareSamples() };
    const row = (await composeRows(composing, 0, 1)).filter((_, index) => index % 3 === 0);
    const steps = row.slice(1).map((value, index) => value - (row[index] ?? 0));
    expect(Math.min(...steps)).toBe(0);
    expect(Math.max(...steps)).toBeLessThanOrEqual(4);
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
    const spare = new SpareSamples();
    const grid = cutTiles(150, 70, 64, { pixels: 4, join: 'cut' });
    const large = picture(150 * SCALE, 70 * SCALE);
    const tileOf = (row: number, column: number): Samples =>
      cutOut(
        large,
        enlarged(grid.columns[column]?.kept ?? { start: 0, end: 0 }),
        enlarged(grid.rows[row]?.kept ?? { start: 0, end: 0 }),
      );
    const first = await openDiskShelf(directory, 1, 'a', layoutOf(grid), spare);
    await putAll(grid, first, tileOf);
    await truncate(join(directory, 'tiles-1-a', '1.rgb'), 1000);

    const again = await openDiskShelf(directory, 1, 'a', layoutOf(grid), spare);
    const found = await again.finished();
    expect(found.has(0)).toBe(true);
    expect(found.has(1)).toBe(false);
    expect(found.size).toBe(grid.columns.length * grid.rows.length - 1);
    await putTile(grid, again, 0, 1, tileOf(0, 1));
    expect(Buffer.compare(await composeAll(grid, again, 50), bytesOf(large.data))).toBe(0);

    const other = await openDiskShelf(directory, 1, 'b', layoutOf(grid), spare);
    expect((await other.finished()).size).toBe(0);
    expect((await (await openDiskShelf(directory, 1, 'a', layoutOf(grid), spare)).finished()).size).toBe(0);
  });
});
