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

/** A convolution's weights as numbers, however they are stored. */
export const weightsOf = ({ weights }: Convolution): Float32Array =>
  weights instanceof Float32Array ? weights : fromHalfFloats(weights);
