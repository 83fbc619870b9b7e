import type { Convolution } from './ncnn-weights.ts';
import { weightsOf } from './half-float.ts';

/** Numbers to codes of 8 bits. A step is what one code is worth; every channel has its own. */

/** Between one step for all channels (0) and for each exactly what its range needs (1), which overrates rare extremes. */
const GENTLENESS = 0.75;
const LARGEST_WEIGHT = 127;
/** Of weights that are all zero. */
const SMALLEST_STEP = 1e-12;

/** Steps of the channels of one value, drawn towards the largest. */
export function gentler(steps: readonly number[]): number[] {
  const largest = Math.max(...steps);
  return steps.map((step) => largest * (step / largest) ** GENTLENESS);
}

/** How the channels of the trunk compare with each other: the geometric mean over all blocks, the largest 1. */
export function trunkShape(entering: readonly (readonly number[])[]): number[] {
  const channels = entering[0]?.length ?? 0;
  const logs = entering.map((steps) => {
    const largest = Math.max(...steps);
    return steps.map((step) => Math.log(step / largest));
  });
  const means = Array.from({ length: channels }, (_, channel) => {
    const sum = logs.reduce((total, log) => total + (log[channel] ?? 0), 0);
    return Math.exp(sum / logs.length) ** GENTLENESS;
  });
  const largest = Math.max(...means);
  return means.map((mean) => mean / largest);
}

/** The scalar by which `shape` has to be taken to hold all of `steps`. */
export const largestRatio = (steps: readonly number[], shape: readonly number[]): number =>
  Math.max(...steps.map((step, channel) => step / (shape[channel] ?? 1)));

export interface QuantisedConvolution {
  /** Signed, `[output, input, 3, 3]`. */
  readonly codes: Int8Array;
  /** What takes a sum of products of codes to a code of the output. */
  readonly scales: Float32Array;
  readonly bias: Int32Array;
}

/** @param arriving - steps of the input's channels. @param leaving - steps of the output's. */
export function quantise(
  convolution: Convolution,
  arriving: readonly number[],
  leaving: readonly number[],
): QuantisedConvolution {
  const { outputChannels, inputChannels } = convolution;
  const weights = weightsOf(convolution);
  const codes = new Int8Array(weights.length);
  const scales = new Float32Array(outputChannels);
  const bias = new Int32Array(outputChannels);
  const factors = Float64Array.from({ length: inputChannels * 9 }, (_, index) => arriving[Math.floor(index / 9)] ?? 1);
  const row = new Float64Array(factors.length);
  for (let output = 0; output < outputChannels; output += 1) {
    const start = output * row.length;
    let largest = 0;
    for (let index = 0; index < row.length; index += 1) {
      const weight = (weights[start + index] ?? 0) * (factors[index] ?? 1);
      row[index] = weight;
      largest = Math.max(largest, Math.abs(weight));
    }
    const step = Math.max(largest / LARGEST_WEIGHT, SMALLEST_STEP);
    for (let index = 0; index < row.length; index += 1) codes[start + index] = Math.round((row[index] ?? 0) / step);
    scales[output] = step / (leaving[output] ?? 1);
    bias[output] = Math.round((convolution.bias[output] ?? 0) / step);
  }
  return { codes, scales, bias };
}
