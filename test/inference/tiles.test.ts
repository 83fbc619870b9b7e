/** Every pixel belongs to exactly one tile's core, no window leaves the photo, and the windows of a photo have one size. */
import { describe, expect, it } from 'vitest';
import { cutOut, cutTiles, spanLength, type Slice } from '../../src/inference/tiles.ts';

const sides = [1, 2, 3, 5, 7, 64, 95, 96, 97, 255, 256, 257, 291, 292, 293, 424, 640, 1000, 1080, 1440, 4000, 6123];
const geometries = [
  { tile: 64, overlap: 32 },
  { tile: 96, overlap: 0 },
  { tile: 200, overlap: 18 },
  { tile: 256, overlap: 34 },
  { tile: 400, overlap: 16 },
  { tile: 512, overlap: 48 },
];

function assertSound(slices: readonly Slice[], side: number, tile: number, overlap: number): void {
  expect(slices[0]?.core.start).toBe(0);
  expect(slices.at(-1)?.core.end).toBe(side);
  const size = spanLength(slices[0]?.window ?? { start: 0, end: 0 });
  expect(size).toBeLessThanOrEqual(tile + 2 * overlap);
  for (const [index, { window, core, kept }] of slices.entries()) {
    expect(spanLength(core)).toBeGreaterThan(0);
    expect(spanLength(window)).toBe(size);
    expect(window.start).toBeGreaterThanOrEqual(0);
    expect(window.end).toBeLessThanOrEqual(side);
    expect(window.start === 0 || core.start - window.start >= overlap).toBe(true);
    expect(window.end === side || window.end - core.end >= overlap).toBe(true);
    expect(kept.start).toBeGreaterThanOrEqual(window.start);
    expect(kept.end).toBeLessThanOrEqual(window.end);
    if (index > 0) expect(core.start).toBe(slices[index - 1]?.core.end);
  }
}

describe('cutTiles', () => {
  it.each(geometries)('covers every side once with tile $tile and overlap $overlap', ({ tile, overlap }) => {
    for (const join of ['cut', 'feather'] as const) {
      for (const side of sides) {
        const { columns, rows } = cutTiles(side, 1, tile, { pixels: overlap, join });
        assertSound(columns, side, tile, overlap);
        expect(rows).toHaveLength(1);
      }
    }
  });

  it('covers random photos', () => {
    // A fixed sequence, so that a failure can be looked at again.
    let state = 12345;
    const random = (below: number): number => {
      state = (state * 1103515245 + 12345) % 2 ** 31;
      return 1 + (state % below);
    };
    for (let round = 0; round < 300; round += 1) {
      const side = random(9000);
      const tile = 63 + random(450);
      const overlap = random(60) - 1;
      const { columns } = cutTiles(side, 10, tile, { pixels: overlap, join: round % 2 === 0 ? 'cut' : 'feather' });
      assertSound(columns, side, tile, overlap);
    }
  });

  it('recomputes no more than the overlap needs, give or take the rounding', () => {
    const { columns } = cutTiles(4000, 10, 256, { pixels: 18, join: 'cut' });
    const computed = columns.reduce((sum, { window }) => sum + spanLength(window), 0);
    expect(computed).toBeLessThanOrEqual(4000 + 36 * (columns.length - 1) + 8 * columns.length);
  });

  it('keeps the shapes of many photos few', () => {
    const shapes = new Set<number>();
    for (let side = 600; side < 4600; side += 1) {
      shapes.add(
        spanLength(cutTiles(side, 10, 256, { pixels: 18, join: 'cut' }).columns[0]?.window ?? { start: 0, end: 0 }),
      );
    }
    expect(shapes.size).toBeLessThanOrEqual(20);
  });

  it('runs a photo smaller than a tile as it is', () => {
    const { columns, rows } = cutTiles(300, 1, 400, { pixels: 18, join: 'cut' });
    expect(columns).toEqual([
      { window: { start: 0, end: 300 }, core: { start: 0, end: 300 }, kept: { start: 0, end: 300 } },
    ]);
    expect(rows).toHaveLength(1);
  });
});

describe('cutOut', () => {
  it('copies the rectangle that was asked for', () => {
    const data = Uint8Array.from({ length: 4 * 3 }, (_, index) => index);
    const image = { width: 4, height: 3, channels: 1, data };
    expect([...cutOut(image, { start: 1, end: 3 }, { start: 1, end: 3 })]).toEqual([5, 6, 9, 10]);
  });
});
