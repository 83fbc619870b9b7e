import type { CalibrationSteps } from './calibration.ts';
import type { GraphBuilder, Value } from './graph-builder.ts';
import { convolveCodes, type Coded } from './graph-parts.ts';
import { weightsOf } from './half-float.ts';
import type { Convolution } from './ncnn-weights.ts';
import type { SrvggNetwork } from './network.ts';

/** What the last convolution makes may be less than nothing: its codes are signed. */
const MIDDLE = 128;
const LEVELS = 255;
const SCALE = 4;
const COLOURS = 3;

/**
 * SRVGGNetCompact with ReLU in 8 bits: activations unsigned, weights signed. The lowest code is zero, so that a code that is
 * cut off there has been through its ReLU and no operation is needed for that. The detail is added to the photo in bytes too, and the
 * last convolution's channels come in the order in which the pixels of the result lie: in floats, by the standard's own operations,
 * what comes after that convolution took a third of the whole.
 * @throws TypeError for a network with slopes, whose negative half would cost the codes their fineness.
 */
export function buildSrvggInt8(graph: GraphBuilder, network: SrvggNetwork, steps: CalibrationSteps): void {
  if (network.layers.some(({ slopes }) => slopes.some((slope) => slope !== 0))) {
    throw new TypeError('Expected a compact network with ReLU');
  }
  const one = graph.floats('one', [1], []);
  const zero = graph.codes('zero', Uint8Array.of(0), []);
  const middle = graph.codes('middle', Uint8Array.of(MIDDLE), []);
  let coded: Coded = { value: 'input', steps: [1 / LEVELS, 1 / LEVELS, 1 / LEVELS] };
  network.layers.forEach(({ convolution }, index) => {
    const name = `body.${index}`;
    coded = convolveCodes(graph, { one, arriving: zero, leaving: zero }, name, convolution, coded, steps(name));
  });
  const last = inPlaces(network.last);
  const detail = convolveCodes(graph, { one, arriving: zero, leaving: middle }, 'last', last, coded, steps('last'));
  // One step for all its channels, so that they can be added at once.
  const unit = graph.floats('last.unit', [(detail.steps[0] ?? 0) * LEVELS], []);
  const photo = [nearest(graph, one, zero), one, zero];
  const sum = graph.contributed('QLinearAdd', [detail.value, unit, middle, ...photo, one, zero]);
  spreadOut(graph, sum);
}

/** The network's channels are colour by colour, each with the rows and columns of its places; pixels lie place by place. */
function inPlaces(last: Convolution): Convolution {
  const { outputChannels, inputChannels, bias } = last;
  const weights = weightsOf(last);
  const places = SCALE ** 2;
  const order = Array.from({ length: outputChannels }, (_, at) => (at % COLOURS) * places + Math.floor(at / COLOURS));
  const length = inputChannels * 9;
  const rows = new Float32Array(weights.length);
  order.forEach((from, at) => rows.set(weights.subarray(from * length, (from + 1) * length), at * length));
  return { outputChannels, inputChannels, weights: rows, bias: Float32Array.from(order, (from) => bias[from] ?? 0) };
}

/** The photo's pixel at each of its places: a convolution that copies, which is ten times as fast as the standard's ways of doing that. */
function nearest(graph: GraphBuilder, one: Value, zero: Value): Value {
  const channels = SCALE ** 2 * COLOURS;
  const copies = Int8Array.from({ length: channels * COLOURS }, (_, at) =>
    Math.floor(at / COLOURS) % COLOURS === at % COLOURS ? 1 : 0,
  );
  const weights = [
    graph.codes('nearest.weight', copies, [channels, COLOURS, 1, 1]),
    graph.floats('nearest.scale', new Float32Array(channels).fill(1), [channels]),
    graph.codes('nearest.zero', new Int8Array(channels), [channels]),
  ];
  return graph.contributed('QLinearConv', ['input', one, zero, ...weights, one, zero], {
    kernel_shape: [1, 1],
    channels_last: 1,
  });
}

/** From pixels with sixteen places to as many pixels: rows of places become rows of the picture. */
function spreadOut(graph: GraphBuilder, places: Value): void {
  const rows = graph.node('Reshape', [places, graph.integers('places', [0, 0, 0, SCALE, SCALE * COLOURS])]);
  const turned = graph.node('Transpose', [rows], { perm: [0, 1, 3, 2, 4] });
  const larger = graph.integers('larger', [1, SCALE, SCALE, 1]);
  const size = graph.node('Mul', [graph.node('Shape', ['input']), larger]);
  graph.node('Reshape', [turned, size], {}, 'output');
}
