import type { Convolution } from './ncnn-weights.ts';

/** Half floats, little endian, as numbers; exact. */
export function fromHalfFloats(bytes: Uint8Array): Float32Array {
  const halves = new Uint16Array(new Uint8Array(bytes).buffer);
  table ??= Float32Array.from({ length: 2 ** 16 }, (_, half) => numberOf(half));
  const numbers = new Float32Array(halves.length);
  for (let index = 0; index < halves.length; index += 1) numbers[index] = table[halves[index] ?? 0] ?? 0;
  return numbers;
}

/** All half floats there are: a network has seventeen million. */
let table: Float32Array | undefined;

function numberOf(half: number): number {
  const sign = half >> 15 === 1 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Numbers as half floats, little endian: the nearest there is, the even one of two; beyond 65504 infinite. */
export function toHalfFloats(numbers: Float32Array): Uint8Array {
  const halves = Uint16Array.from(numbers, halfOf);
  return new Uint8Array(halves.buffer);
}

function halfOf(number: number): number {
  const sign = number < 0 || Object.is(number, -0) ? 0x8000 : 0;
  const size = Math.abs(number);
  if (Number.isNaN(number)) return 0x7e00;
  if (size >= 65_520) return sign | 0x7c00;
  // Below 2^-14 the steps stay what they are there.
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const steps = roundToEven(size / 2 ** (exponent - 10));
  // The leading bit of a normal number is not stored, and a carry out of the fraction is the next exponent.
  return sign | (steps < 1024 ? steps : ((exponent + 14) << 10) + steps);
}

function roundToEven(number: number): number {
  const below = Math.floor(number);
  const rest = number - below;
  return below + (rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? 1 : 0);
}

/** A convolution's weights as numbers, however they are stored. */
export const weightsOf = ({ weights }: Convolution): Float32Array =>
  weights instanceof Float32Array ? weights : fromHalfFloats(weights);
