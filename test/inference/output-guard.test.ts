/** An answer that cannot be right is never delivered: all black, flat, of another brightness, or black in a spot where numbers overflowed. */
import { describe, expect, it } from 'vitest';
import { looksBroken } from '../../src/inference/output-guard.ts';
import { samplesLike, type Depth, type Samples } from '../../src/inference/tiles.ts';

const SIDE = 48;

/** A ramp around `mean`, of this contrast. */
function ramp(depth: Depth, mean: number, contrast: number): Samples {
  const pixels = samplesLike(depth, SIDE * SIDE * 3);
  const unit = depth === 16 ? 257 : 1;
  for (let i = 0; i < pixels.length; i += 1) {
    pixels[i] = Math.round(unit * (mean - contrast / 2 + (contrast * (Math.floor(i / 3) % SIDE)) / SIDE));
  }
  return pixels;
}

function enlarged(pixels: Samples, change: (level: number, x: number, y: number) => number): Samples {
  const width = SIDE * 4;
  const large = samplesLike(pixels, width * width * 3);
  for (let i = 0; i < large.length; i += 1) {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    large[i] = change(pixels[(Math.floor(y / 4) * SIDE + Math.floor(x / 4)) * 3 + (i % 3)] ?? 0, x, y);
  }
  return large;
}

describe.each([8, 16] as const)('looksBroken, %i bits', (depth) => {
  const tile = { pixels: ramp(depth, 120, 100), width: SIDE, height: SIDE };
  const judge = (change: (level: number, x: number, y: number) => number, given = tile): boolean =>
    looksBroken(given, enlarged(given.pixels, change), 4);
  const white = depth === 16 ? 65_535 : 255;

  it('accepts an enlargement, also of a dark and of a flat photo', () => {
    expect(judge((level) => level)).toBe(false);
    const dark = { ...tile, pixels: ramp(depth, 6, 12) };
    expect(judge((level) => level, dark)).toBe(false);
    expect(judge(() => 0, dark)).toBe(false);
    expect(judge((level) => level, { ...tile, pixels: ramp(depth, 120, 0) })).toBe(false);
  });

  it('finds black, flat and much brighter answers', () => {
    expect(judge(() => 0)).toBe(true);
    expect(judge(() => Math.round(white / 2))).toBe(true);
    expect(judge((level) => Math.min(white, level + white / 3))).toBe(true);
  });

  it('finds a black spot', () => {
    expect(judge((level, x, y) => (x >= 60 && x < 130 && y >= 60 && y < 130 ? 0 : level))).toBe(true);
  });
});

it('accepts white with a spot, wherever it lies between the samples that are looked at', () => {
  for (const width of [305, 366]) {
    const side = { width, height: 40 };
    for (let left = 0; left < 61; left += 7) {
      const pixels = new Uint8Array(width * side.height * 3).fill(255);
      for (const y of [20, 21]) pixels.fill(0, (y * width + left) * 3, (y * width + left + 2) * 3);
      const large = new Uint8Array(pixels.length * 16).fill(255);
      for (let y = 80; y < 88; y += 1) large.fill(0, (y * width + left) * 12, (y * width + left + 2) * 12);
      expect(looksBroken({ pixels, ...side }, large, 4)).toBe(false);
      expect(looksBroken({ pixels, ...side }, large.fill(255), 4)).toBe(true);
    }
  }
});
