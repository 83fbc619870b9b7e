/** Seams cannot be seen, and if they could the score would tell: real weights, tiled against untiled. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeamMeter } from '../../src/inference/seam-meter.ts';
import { cutTiles, type TileGrid } from '../../src/inference/tiles.ts';
import {
  enhance,
  installedModel,
  largestDifference,
  makeScratch,
  paintPhoto,
  pixelsOf,
  removeScratch,
  startPool,
} from './support.ts';

const SCALE = 4;

/** Rows of a soft texture, to which `change` may do something. */
function texture(grid: TileGrid, change: (level: number, x: number, y: number) => number): Uint8Array {
  const [width, height] = [grid.width * SCALE, grid.height * SCALE];
  const rows = new Uint8Array(width * height * 3);
  for (let i = 0; i < rows.length; i += 1) {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    rows[i] = Math.round(change(128 + 40 * Math.sin(x / 5.3) * Math.cos(y / 4.1) + ((x * 31 + y * 17) % 3), x, y));
  }
  return rows;
}

function score(grid: TileGrid, rows: Uint8Array, bandRows: number): number | null {
  const meter = new SeamMeter(grid, SCALE);
  const rowSamples = grid.width * SCALE * 3;
  for (let y = 0; y * rowSamples < rows.length; y += bandRows) {
    meter.add(rows.subarray(y * rowSamples, (y + bandRows) * rowSamples), y);
  }
  return meter.score;
}

describe.each(['cut', 'feather'] as const)('the score, tiles joined by %s', (join) => {
  const grid = cutTiles(200, 150, 64, { pixels: 16, join });
  /** How many seams lie before a position: tiles that disagree lie a step apart. */
  const seamsBefore = (slices: TileGrid['columns'], position: number): number =>
    slices.slice(1).filter(({ core }) => position >= core.start * SCALE).length;

  it('is about 1 for a picture without seams, in whatever bands it comes', () => {
    const rows = texture(grid, (level) => level);
    expect(score(grid, rows, 1)).toBe(score(grid, rows, 37));
    expect(score(grid, rows, 16)).toBeGreaterThan(0.9);
    expect(score(grid, rows, 16)).toBeLessThan(1.1);
  });

  it('rises with a step of a few levels at the seams, in either direction', () => {
    const upright = texture(grid, (level, x) => level + 6 * (seamsBefore(grid.columns, x) % 2));
    const lying = texture(grid, (level, _, y) => level + 6 * (seamsBefore(grid.rows, y) % 2));
    const none =
      score(
        grid,
        texture(grid, (level) => level),
        16,
      ) ?? 1;
    const all = texture(
      grid,
      (level, x, y) => level + 6 * ((seamsBefore(grid.columns, x) + seamsBefore(grid.rows, y)) % 2),
    );
    expect(score(grid, upright, 16)).toBeGreaterThan(none * 1.02);
    expect(score(grid, lying, 16)).toBeGreaterThan(none * 1.02);
    expect(score(grid, all, 16)).toBeGreaterThan(none * 1.05);
  });
});

it('has no score without seams', () => {
  const grid = cutTiles(60, 50, 64, { pixels: 16, join: 'cut' });
  expect(
    score(
      grid,
      texture(grid, (level) => level),
      16,
    ),
  ).toBeNull();
});

const best = installedModel('realesrgan-x4plus');

describe.skipIf(best === undefined)('realesrgan-x4plus', () => {
  let root = '';
  beforeAll(async () => (root = await makeScratch()));
  afterAll(() => removeScratch(root));

  it('tiled is untiled to 2 levels in 99.9 % of the pixels, and no seam shows', async () => {
    if (best === undefined) return;
    const pool = startPool([best], { tileBudgetBytes: 16e9 });
    try {
      const inputPath = await paintPhoto(join(root, 'photo.png'), 232, 48);
      const job = { inputPath, model: best.entry.name };
      const tiled = await (await enhance(pool, root, { ...job, tileSize: 128 })).result;
      const whole = await (await enhance(pool, root, { ...job, tileSize: 512 })).result;
      expect([tiled.tiles, whole.tiles]).toEqual([2, 1]);
      const [a, b] = [await pixelsOf(tiled.path), await pixelsOf(whole.path)];
      let beyond = 0;
      for (let i = 0; i < a.length; i += 3) {
        if (largestDifference(a.subarray(i, i + 3), b.subarray(i, i + 3)) > 2) beyond += 1;
      }
      expect(beyond / (a.length / 3)).toBeLessThanOrEqual(0.001);
      expect(tiled.making.measures.seam).toBeLessThan(1.15);
      expect(whole.making.measures.seam).toBeNull();
    } finally {
      await pool.close();
    }
  }, 240_000);
});
