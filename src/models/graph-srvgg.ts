import type { GraphBuilder, Value } from './graph-builder.ts';
import { convolve, enlarge, exactWeights, photoIn, photoOut } from './graph-parts.ts';
import type { SrvggNetwork } from './network.ts';

/**
 * SRVGGNetCompact as a graph that never leaves onnxruntime's blocked layout, which PRelu would (14-19 % slower):
 * `prelu(x) = a*x + relu((1-a)*x)`, both products as depthwise 1x1 convolutions. That needs a ≤ 1; a channel with a
 * larger slope is turned over: the convolution before it negated, the slope 1/a, the next convolution scaled by -a.
 */
export function buildSrvgg(graph: GraphBuilder, network: SrvggNetwork): void {
  const photo = photoIn(graph);
  let value = photo;
  let arriving: readonly number[] = [1 / 255, 1 / 255, 1 / 255];
  network.layers.forEach(({ convolution, slopes }, index) => {
    const name = `body.${index}`;
    const turned = [...slopes].map((slope) => slope > 1);
    const leaving = turned.map((isTurned) => (isTurned ? -1 : 1));
    const weights = scaled(graph, name, exactWeights(graph, name, convolution), leaving, arriving);
    const bias = convolution.bias.map((number, channel) => number * (leaving[channel] ?? 1));
    value = convolve(graph, name, value, weights, bias);
    value = prelu(
      graph,
      name,
      value,
      slopes.map((slope, channel) => (turned[channel] === true ? 1 / slope : slope)),
    );
    arriving = [...slopes].map((slope, channel) => (turned[channel] === true ? -slope : 1));
  });
  const to255 = Array.from(network.last.bias, () => 255);
  const weights = scaled(graph, 'last', exactWeights(graph, 'last', network.last), to255, arriving);
  const bias = network.last.bias.map((number) => number * 255);
  const shuffled = graph.node('DepthToSpace', [convolve(graph, 'last', value, weights, bias)], {
    blocksize: 4,
    mode: 'CRD',
  });
  const base = enlarge(graph, photo, graph.floats('fourfold', [1, 1, 4, 4], [4]));
  photoOut(graph, graph.node('Add', [shuffled, base]));
}

/** Multiplies what leaves each output channel and what arrives at each input channel; factors of 1 cost nothing. */
function scaled(
  graph: GraphBuilder,
  name: string,
  weights: Value,
  leaving: readonly number[],
  arriving: readonly number[],
): Value {
  let value = weights;
  if (leaving.some((factor) => factor !== 1)) {
    value = graph.node('Mul', [value, graph.floats(`${name}.leaving`, leaving, [leaving.length, 1, 1, 1])]);
  }
  if (arriving.some((factor) => factor !== 1)) {
    value = graph.node('Mul', [value, graph.floats(`${name}.arriving`, arriving, [1, arriving.length, 1, 1])]);
  }
  return value;
}

function prelu(graph: GraphBuilder, name: string, value: Value, slopes: Float32Array): Value {
  if (slopes.every((slope) => slope === 0)) return graph.node('Relu', [value]);
  const dims = [slopes.length, 1, 1, 1];
  const depthwise = { kernel_shape: [1, 1], group: slopes.length };
  const rest = graph.floats(
    `${name}.rest`,
    slopes.map((slope) => 1 - slope),
    dims,
  );
  const positive = graph.node('Relu', [graph.node('Conv', [value, rest], depthwise)]);
  return graph.node('Add', [
    graph.node('Conv', [value, graph.floats(`${name}.slope`, slopes, dims)], depthwise),
    positive,
  ]);
}
