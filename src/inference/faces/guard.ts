import { blur } from './blur.ts';
import { CROP_SIDE, EYE_DISTANCE, type Crop } from './face-crop.ts';
import { meanDistance, type Point } from './similarity.ts';

/**
 * Compares a restored face with the one that went in. A restorer that fails makes another person, or paint, and says
 * nothing: three things that restoring does not change are measured, and the worst of them decides.
 */

export interface Likeness {
  /** How far broad areas moved in colour, in levels of 255 (root mean square). */
  readonly colour: number;
  /** Correlation of features (eyes, nose, mouth, outline) with those of the original, -1..1. */
  readonly structure: number;
  /** How far eyes, nose and mouth moved, in distances between the eyes; infinite when no face is found any more. */
  readonly points: number;
}

/** Full trust up to the first, none from the second on. */
const COLOUR_LEVELS = { trusted: 16, refused: 40 };
const STRUCTURE = { trusted: 0.75, refused: 0.4 };
const POINTS_MOVED = { trusted: 0.12, refused: 0.3 };

const COLOUR_BLOCK = 32;
const STRUCTURE_BLOCK = 8;

/** 0..1: how much of a restored face may be used. */
export function trustIn({ colour, structure, points }: Likeness): number {
  return Math.min(
    ramp(colour, COLOUR_LEVELS.refused, COLOUR_LEVELS.trusted),
    ramp(structure, STRUCTURE.refused, STRUCTURE.trusted),
    ramp(points, POINTS_MOVED.refused, POINTS_MOVED.trusted),
  );
}

/** @param pointsAfter - those found again in the restored crop; undefined when there was no face. */
export function compareFaces(
  original: Crop,
  restored: Crop,
  mask: Float32Array,
  pointsBefore: readonly Point[],
  pointsAfter: readonly Point[] | undefined,
): Likeness {
  return {
    colour: colourShift(original, restored, mask),
    structure: correlation(features(original), features(restored), shrink(mask, 1, STRUCTURE_BLOCK)),
    points: pointsAfter === undefined ? Infinity : meanDistance(pointsBefore, pointsAfter) / EYE_DISTANCE,
  };
}

function colourShift(original: Crop, restored: Crop, mask: Float32Array): number {
  const before = shrink(original, 3, COLOUR_BLOCK);
  const after = shrink(restored, 3, COLOUR_BLOCK);
  const weight = shrink(mask, 1, COLOUR_BLOCK);
  let sum = 0;
  let total = 0;
  for (const [index, level] of before.entries()) {
    const part = weight[Math.floor(index / 3)] ?? 0;
    sum += part * (level - (after[index] ?? 0)) ** 2;
    total += part;
  }
  return Math.sqrt(sum / Math.max(total, 1e-9));
}

/** What stands out from its surroundings, in brightness. */
function features(crop: Crop): Float32Array {
  const side = CROP_SIDE / STRUCTURE_BLOCK;
  const rgb = shrink(crop, 3, STRUCTURE_BLOCK);
  const bright = Float32Array.from({ length: side * side }, (_, index) => {
    const [red = 0, green = 0, blue = 0] = rgb.subarray(index * 3, index * 3 + 3);
    return 0.299 * red + 0.587 * green + 0.114 * blue;
  });
  const broad = blur(bright, side, 1, 6);
  return bright.map((level, index) => level - (broad[index] ?? 0));
}

function correlation(one: Float32Array, other: Float32Array, weight: Float32Array): number {
  let both = 0;
  let first = 0;
  let second = 0;
  for (const [index, a] of one.entries()) {
    const b = other[index] ?? 0;
    const part = weight[index] ?? 0;
    both += part * a * b;
    first += part * a * a;
    second += part * b * b;
  }
  // Two flat areas are alike; a flat one and one with features are not.
  if (first + second < 1) return 1;
  return both / Math.max(Math.sqrt(first * second), 1e-9);
}

/** Means of blocks. */
function shrink(values: ArrayLike<number>, channels: number, block: number): Float32Array {
  const side = CROP_SIDE / block;
  const means = new Float32Array(side * side * channels);
  for (let y = 0; y < CROP_SIDE; y += 1) {
    for (let x = 0; x < CROP_SIDE; x += 1) {
      const to = (Math.floor(y / block) * side + Math.floor(x / block)) * channels;
      const from = (y * CROP_SIDE + x) * channels;
      for (let channel = 0; channel < channels; channel += 1) {
        means[to + channel] = (means[to + channel] ?? 0) + (values[from + channel] ?? 0) / (block * block);
      }
    }
  }
  return means;
}

const ramp = (value: number, zero: number, one: number): number =>
  Number.isFinite(value) ? Math.max(0, Math.min(1, (value - zero) / (one - zero))) : 0;
