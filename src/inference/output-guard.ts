import type { Samples } from './tiles.ts';

/**
 * Recognises a network's answer that cannot be right: a driver or a precision that fails gives black or flat tiles, or black
 * spots where numbers overflowed (a NaN becomes 0), without an error. Levels are those of 255.
 */

/** A tile whose samples differ by less may well come out flat. */
const CONTRAST = 24;
/** Enlarging keeps a tile's mean; measured on photos it moves by less than 3 levels. */
const MEAN_SHIFT = 64;
/** Pixels of the photo a side: a spot of this size is never all black where the photo is not dark. */
const SPOT = 16;
const DARK = 24;

/** A tile as it went in. */
export interface GivenTile {
  readonly pixels: Samples;
  readonly width: number;
  readonly height: number;
}

interface Summary {
  readonly lowest: number;
  readonly highest: number;
  readonly mean: number;
}

const levelOf = (pixels: Samples): number => (pixels instanceof Uint16Array ? 257 : 1);

/** @param step - between the samples that are looked at; without a factor in common with 3 all channels are met. */
function summarise(pixels: Samples, step: number): Summary {
  const level = levelOf(pixels);
  let lowest = Infinity;
  let highest = 0;
  let sum = 0;
  let count = 0;
  for (let i = 0; i < pixels.length; i += step) {
    const sample = pixels[i] ?? 0;
    if (sample < lowest) lowest = sample;
    if (sample > highest) highest = sample;
    sum += sample;
    count += 1;
  }
  return { lowest: lowest / level, highest: highest / level, mean: sum / level / Math.max(1, count) };
}

/** For a mean: some ten thousand samples. */
const stepOf = ({ length }: Samples): number => (length > 1_000_000 ? 61 : length > 10_000 ? 7 : 1);

const isFlat = ({ lowest, highest }: Summary): boolean => lowest === highest;

/** @param output - `scale` times as wide and tall, RGB like the tile. */
export function looksBroken(tile: GivenTile, output: Samples, scale: number): boolean {
  const given = summarise(tile.pixels, stepOf(tile.pixels));
  const made = summarise(output, stepOf(output));
  // A few dark spots on white may lie between the samples that were looked at.
  const flat = given.highest - given.lowest >= CONTRAST && isFlat(made) && isFlat(summarise(output, 1));
  return flat || Math.abs(made.mean - given.mean) > MEAN_SHIFT || hasBlackSpot(tile, output, scale);
}

function hasBlackSpot(tile: GivenTile, output: Samples, scale: number): boolean {
  const dark = DARK * levelOf(tile.pixels);
  for (let top = 0; top < tile.height; top += SPOT) {
    for (let left = 0; left < tile.width; left += SPOT) {
      const bottom = Math.min(tile.height, top + SPOT);
      const right = Math.min(tile.width, left + SPOT);
      if (!isBlack(output, tile.width * scale, left * scale, top * scale, right * scale, bottom * scale)) continue;
      if (meanOf(tile.pixels, tile.width, left, top, right, bottom) >= dark) return true;
    }
  }
  return false;
}

/** Ends at the first sample that is not black, which in a sound answer is one of the first. */
function isBlack(pixels: Samples, width: number, left: number, top: number, right: number, bottom: number): boolean {
  for (let y = top; y < bottom; y += 1) {
    for (let i = (y * width + left) * 3; i < (y * width + right) * 3; i += 1) if (pixels[i] !== 0) return false;
  }
  return true;
}

function meanOf(pixels: Samples, width: number, left: number, top: number, right: number, bottom: number): number {
  let sum = 0;
  for (let y = top; y < bottom; y += 1) {
    for (let i = (y * width + left) * 3; i < (y * width + right) * 3; i += 1) sum += pixels[i] ?? 0;
  }
  return sum / ((bottom - top) * (right - left) * 3);
}
