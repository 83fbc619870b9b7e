import type { GraphBuilder, Value } from './graph-builder.ts';
import { DATA_TYPE } from './onnx-proto.ts';
import type { Convolution } from './ncnn-weights.ts';
import { quantise } from './quantise.ts';

/** Pieces that the graphs of all architectures share. */

/** uint8 NHWC → float NCHW, still 0..255: the scaling to 0..1 is part of the first convolution. */
export function photoIn(graph: GraphBuilder): Value {
  return graph.node('Transpose', [graph.node('Cast', ['input'], { to: DATA_TYPE.float })], { perm: [0, 3, 1, 2] });
}

/** Float NCHW on a scale of 255 → uint8 NHWC. To uint8 before the transpose: a quarter of the bytes to move. */
export function photoOut(graph: GraphBuilder, value: Value): void {
  const bounds = [graph.floats('lowest', [0], []), graph.floats('highest', [255], [])];
  const rounded = graph.node('Round', [graph.node('Clip', [value, ...bounds])]);
  graph.node('Transpose', [graph.node('Cast', [rounded], { to: DATA_TYPE.uint8 })], { perm: [0, 2, 3, 1] }, 'output');
}

/** Nearest neighbour, `factor` times wider and taller. `scales` is shared by all that enlarge alike. */
export function enlarge(graph: GraphBuilder, value: Value, scales: Value): Value {
  return graph.node('Resize', [value, '', scales], {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  });
}

/**
 * The upstream weights as float32. They are stored as the half floats they are, which keeps them exact and the file
 * small; the runtime folds the cast, and all arithmetic on constants, when a session is made.
 */
export function exactWeights(graph: GraphBuilder, name: string, convolution: Convolution): Value {
  const { outputChannels, inputChannels, weights } = convolution;
  if (weights instanceof Float32Array) {
    return graph.floats(`${name}.weight`, weights, [outputChannels, inputChannels, 3, 3]);
  }
  const stored = graph.halfFloats(`${name}.weight`, weights, [outputChannels, inputChannels, 3, 3]);
  return graph.node('Cast', [stored], { to: DATA_TYPE.float });
}

/** A 3x3 convolution with padding 1. */
export function convolve(
  graph: GraphBuilder,
  name: string,
  value: Value,
  weights: Value,
  bias: ArrayLike<number>,
): Value {
  return graph.node('Conv', [value, weights, graph.floats(`${name}.bias`, bias, [bias.length])], {
    kernel_shape: [3, 3],
    pads: [1, 1, 1, 1],
  });
}

/** Codes of one byte, channels last, with the step of each of their channels. */
export interface Coded {
  readonly value: Value;
  readonly steps: readonly number[];
}

/** Constants of a convolution of codes: a scale of one, as scales live in the weights, and the codes that stand for nothing. */
export interface CodedZeros {
  readonly one: Value;
  readonly arriving: Value;
  readonly leaving: Value;
}

/** A 3x3 convolution with padding 1 from codes to codes; the steps of both sides are part of its weights and of their scales. */
export function convolveCodes(
  graph: GraphBuilder,
  { one, arriving, leaving }: CodedZeros,
  name: string,
  convolution: Convolution,
  input: Coded,
  steps: readonly number[],
): Coded {
  const { outputChannels, inputChannels } = convolution;
  const { codes, scales, bias } = quantise(convolution, input.steps, steps);
  const weights = graph.codes(`${name}.weight`, codes, [outputChannels, inputChannels, 3, 3]);
  const weightScales = graph.floats(`${name}.scale`, scales, [outputChannels]);
  const weightZeros = graph.codes(`${name}.zero`, new Int8Array(outputChannels), [outputChannels]);
  const value = graph.contributed(
    'QLinearConv',
    [input.value, one, arriving, weights, weightScales, weightZeros, one, leaving, graph.sums(`${name}.bias`, bias)],
    { kernel_shape: [3, 3], pads: [1, 1, 1, 1], channels_last: 1 },
  );
  return { value, steps };
}
