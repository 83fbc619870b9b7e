import type { GraphBuilder, Value } from './graph-builder.ts';
import { DATA_TYPE } from './onnx-proto.ts';
import type { Convolution } from './ncnn-weights.ts';

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
