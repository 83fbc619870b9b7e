/** Where a provider works long on every new shape, all photos share two windows, and look as if each had been cut to fit. */
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cutTiles, fixedWindows, mirrorOut, spanLength, tileCeiling, windowsOn } from '../../src/inference/tiles.ts';
import type { Slice, Windows } from '../../src/inference/tiles.ts';
import { enhance, installedModel, makeScratch, pixelsOf, removeScratch, standInModel, startPool } from './support.ts';

const sample = (name: string): string => join(import.meta.dirname, '../../samples', name);
const SCALE = 4;

const OVERLAPS = [
  { pixels: 13, join: 'cut' },
  { pixels: 34, join: 'cut' },
  { pixels: 16, join: 'feather' },
] as const;

/** A fixed sequence of sides, so that a failure can be looked at again. */
const sides = Array.from({ length: 200 }, (_, index) => 1 + ((index * 7919) % (index < 100 ? 900 : 7000)));

function assertSound(slices: readonly Slice[], side: number, overlap: number): void {
  expect(slices[0]?.core.start).toBe(0);
  expect(slices.at(-1)?.core.end).toBe(side);
  for (const [index, { window, core, kept }] of slices.entries()) {
    if (index > 0) expect(core.start).toBe(slices[index - 1]?.core.end);
    expect(spanLength(core)).toBeGreaterThan(0);
    expect(kept.start >= window.start && kept.end <= Math.min(window.end, side)).toBe(true);
    expect(window.start === 0 || core.start - window.start >= overlap).toBe(true);
    expect(window.end >= side || window.end - core.end >= overlap).toBe(true);
    // Nothing is made up where the photo is as large as a window: at its edge the network sees what it ever saw.
    if (side >= spanLength(window)) expect(window.start >= 0 && window.end <= side).toBe(true);
    else expect(window.start).toBe(0);
  }
}

describe('fixed windows', () => {
  it('are for devices that a new shape costs seconds', () => {
    expect(['cuda', 'tensorrt', 'coreml', 'dml'].map(windowsOn)).toEqual(Array(4).fill('fixed'));
    expect(['cpu', 'webgpu', ''].map(windowsOn)).toEqual(Array(3).fill('fitted'));
  });

  it('are two squares for photos of all sizes, and cover each once', () => {
    for (const overlap of OVERLAPS) {
      const seen = new Set<string>();
      for (const [index, width] of sides.entries()) {
        const height = sides[sides.length - 1 - index] ?? 1;
        const { columns, rows } = cutTiles(width, height, 400, overlap, 'fixed');
        assertSound(columns, width, overlap.pixels);
        assertSound(rows, height, overlap.pixels);
        for (const { window: column } of columns) {
          for (const { window: row } of rows) seen.add([spanLength(column), spanLength(row)].join('x'));
        }
      }
      expect([...seen].toSorted()).toEqual(
        fixedWindows(400, overlap.pixels)
          .map((side) => `${side}x${side}`)
          .toSorted(),
      );
    }
  });

  it('are made for three tiles that can be asked for, and their halves', () => {
    const asked = Array.from({ length: 257 }, (_, at) => 256 + at);
    expect([...new Set(asked.map((tile) => tileCeiling('fixed', tile)))]).toEqual([256, 400, 512]);
    expect([512, 400].map((tile) => [tile / 2, tile / 4].map((less) => tileCeiling('fixed', less)))).toEqual([
      [256, 128],
      [200, 100],
    ]);
    expect(asked.map((tile) => tileCeiling('fitted', tile))).toEqual(asked);
  });

  it('leave no window without a core, however small the tile', () => {
    for (const { pixels } of OVERLAPS) {
      for (const tile of [16, 64, 100, 512]) {
        expect(fixedWindows(tile, pixels).length).toBeGreaterThan(0);
        for (const side of fixedWindows(tile, pixels)) {
          expect(side).toBeGreaterThan(2 * pixels);
          expect(side).toBeLessThanOrEqual(tile + 2 * pixels);
        }
      }
    }
  });
});

describe('a photo that is smaller than its window', () => {
  it('is carried on by its mirror image, to and fro', () => {
    const row = { width: 3, height: 1, channels: 1, data: new Uint8Array([1, 2, 3]) };
    expect([...mirrorOut(row, 8, 2)]).toEqual([1, 2, 3, 3, 2, 1, 1, 2, 1, 2, 3, 3, 2, 1, 1, 2]);
    const dot = { width: 1, height: 1, channels: 3, data: new Uint16Array([1, 2, 65_535]) };
    expect([...mirrorOut(dot, 2, 1)]).toEqual([1, 2, 65_535, 1, 2, 65_535]);
  });

  it('is left alone where it fills the window', () => {
    const data = new Uint8Array(12);
    expect(mirrorOut({ width: 2, height: 2, channels: 3, data }, 2, 2)).toBe(data);
  });
});

it('an engine has met the windows of all its networks before it is ready', async () => {
  const root = await makeScratch();
  const models = [await standInModel(root, 'nearest'), await standInModel(root, 'black')];
  const pool = startPool(models, { windows: 'fixed', warm: ['nearest', 'black'] });
  try {
    await pool.ready();
    expect(pool.status().resident).toEqual(['nearest', 'black']);
  } finally {
    await pool.close();
    await removeScratch(root);
  }
});

const fast = installedModel('darkroom-fast-x4');

describe.skipIf(fast === undefined)('photos through the engine', () => {
  let root = '';
  beforeAll(async () => {
    root = await makeScratch();
  });
  afterAll(() => removeScratch(root));

  interface Asked {
    readonly inputPath: string;
    readonly tile: number;
    readonly windows: Windows;
  }

  async function run({ inputPath, tile, windows }: Asked) {
    if (fast === undefined) throw new Error('Expected the network of the fast level');
    const pool = startPool([fast], { windows, tileSize: tile, tileBudgetBytes: 16e9 });
    try {
      const job = { inputPath, model: fast.entry.name, tileSize: tile, checkpoint: false };
      const { path, tiles, tileSize } = await (await enhance(pool, root, job)).result;
      return { pixels: await pixelsOf(path), tiles, tileSize };
    } finally {
      await pool.close();
    }
  }

  const mostBetween = (a: Uint8Array, b: Uint8Array): number =>
    a.reduce((worst, level, at) => Math.max(worst, Math.abs(level - (b[at] ?? NaN))), 0);

  it('that are larger than their window are what they ever were, to one level', async () => {
    const inputPath = join(root, 'large.png');
    await sharp(sample('coffee.jpg')).resize(300, 203, { fit: 'cover' }).png().toFile(inputPath);
    const fixed = await run({ inputPath, tile: 110, windows: 'fixed' });
    const whole = await run({ inputPath, tile: 512, windows: 'fitted' });
    expect(fixed).toMatchObject({ tileSize: 100, tiles: 6 });
    expect(whole.tiles).toBe(1);
    expect(mostBetween(fixed.pixels, whole.pixels)).toBeLessThanOrEqual(1);
  });

  /**
   * Beyond the edge the network sees the mirror image where it saw its own zeros. What it makes of the same place when it sees what is
   * really there says which is nearer.
   */
  it.each(['coffee.jpg', 'astronaut.jpg', 'chelsea.png'])(
    'that are smaller differ at two edges alone, and are no worse there: %s',
    async (name) => {
      const [width, height, left, top] = [120, 90, 60, 50];
      const [around, inputPath] = [join(root, 'around.png'), join(root, 'small.png')];
      await sharp(sample(name)).resize(300, 225, { fit: 'cover' }).png().toFile(around);
      await sharp(around).extract({ left, top, width, height }).png().toFile(inputPath);
      const fixed = await run({ inputPath, tile: 256, windows: 'fixed' });
      const fitted = await run({ inputPath, tile: 512, windows: 'fitted' });
      const known = await run({ inputPath: around, tile: 512, windows: 'fitted' });
      expect([fixed.tiles, fitted.tiles, known.tiles]).toEqual([1, 1, 1]);

      const reach = (fast?.entry.overlap.pixels ?? 0) * SCALE;
      const [wide, tall] = [width * SCALE, height * SCALE];
      const errors = { fixed: 0, fitted: 0, samples: 0 };
      let inner = 0;
      for (let y = 0; y < tall; y += 1) {
        for (let i = 0; i < wide * 3; i += 1) {
          const at = y * wide * 3 + i;
          const [a = NaN, b = NaN] = [fixed.pixels[at], fitted.pixels[at]];
          if (y < tall - reach && i < (wide - reach) * 3) inner = Math.max(inner, Math.abs(a - b));
          else {
            const truth = known.pixels[((y + top * SCALE) * 300 * SCALE + left * SCALE) * 3 + i] ?? NaN;
            errors.fixed += Math.abs(a - truth);
            errors.fitted += Math.abs(b - truth);
            errors.samples += 1;
          }
        }
      }
      expect(inner).toBeLessThanOrEqual(1);
      const [mirrored, zeros] = [errors.fixed / errors.samples, errors.fitted / errors.samples];
      console.info(`off at the edge, in levels: ${mirrored.toFixed(3)} mirrored, ${zeros.toFixed(3)} with zeros`);
      expect(mirrored).toBeLessThan(zeros);
    },
  );
});
