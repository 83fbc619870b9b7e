import type { CalibrationSteps } from './calibration.ts';
import type { GraphBuilder, Value } from './graph-builder.ts';
import { convolve, convolveCodes, enlarge, exactWeights, photoIn, photoOut, type Coded } from './graph-parts.ts';
import type { Convolution } from './ncnn-weights.ts';
import type { DenseBlock, RrdbNetwork } from './network.ts';
import { gentler, largestRatio, trunkShape } from './quantise.ts';

const RESIDUAL = 0.2;
const LEAKY = { alpha: { float: 0.2 } };
const TO_CHANNELS_LAST = [0, 2, 3, 1];
const TO_CHANNELS_FIRST = [0, 3, 1, 2];

/** Constants that all quantised operations share: a code of 128 is zero, and scales live in the weights. */
interface Codes {
  readonly one: Value;
  readonly zero: Value;
  readonly residual: Value;
}

/**
 * RRDBNet with its dense blocks in 8 bits: activations unsigned, weights signed, which processors with VNNI multiply 3.7
 * times faster. What keeps it from being seen: the trunk that the blocks add to stays in floats, and so does all that
 * enlarges; every channel has a step of its own, which costs nothing since the weights absorb it. What keeps it fast: all
 * codes of a block have one zero point, so that joining features is copying, and channels come last throughout.
 */
export function buildRrdbInt8(graph: GraphBuilder, network: RrdbNetwork, steps: CalibrationSteps): void {
  const codes: Codes = {
    one: graph.floats('one', [1], []),
    zero: graph.codes('zero', Uint8Array.of(128), []),
    residual: graph.floats('residual', [RESIDUAL], []),
  };
  const entering = network.blocks.flatMap((_, i) => [0, 1, 2].map((j) => steps(`body.${i}.${j}.in`)));
  // The trunk is computed in units of its channels' usual range: one scalar per block then codes it well.
  const shape = trunkShape(entering);
  const first = firstFeatures(graph, network.first, shape);
  let trunk = first;
  network.blocks.forEach((blocks, i) => {
    trunk = blockOfThree(graph, codes, { name: `body.${i}`, blocks, trunk, shape, steps });
  });
  const step = largestRatio(steps('trunk.in'), shape);
  const coded = { value: encode(graph, codes, 'trunk.in', trunk, step), steps: shape.map((unit) => unit * step) };
  const leaving = largestRatio(steps('trunk'), shape);
  const added = codedConvolution(
    graph,
    codes,
    'trunk',
    network.trunk,
    coded,
    shape.map((unit) => unit * leaving),
  );
  trunk = graph.node('Add', [first, decode(graph, codes, 'trunk', added.value, leaving)]);
  enlargedPhoto(graph, network, trunk, shape);
}

interface BlockOfThree {
  readonly name: string;
  readonly blocks: readonly DenseBlock[];
  readonly trunk: Value;
  readonly shape: readonly number[];
  readonly steps: CalibrationSteps;
}

function blockOfThree(graph: GraphBuilder, codes: Codes, { name, blocks, trunk, shape, steps }: BlockOfThree): Value {
  let value = trunk;
  blocks.forEach((block, j) => {
    const dense = `${name}.${j}`;
    const step = largestRatio(steps(`${dense}.in`), shape);
    const input = { value: encode(graph, codes, `${dense}.in`, value, step), steps: shape.map((unit) => unit * step) };
    const leaving = largestRatio(steps(`${dense}.4`), shape);
    const made = denseBlock(
      graph,
      codes,
      { name: dense, block, input, steps },
      shape.map((unit) => unit * leaving),
    );
    const isLast = j === blocks.length - 1;
    // The last of three is scaled a second time, with the sum it ends, before it joins the trunk.
    const factor = isLast ? RESIDUAL * RESIDUAL : RESIDUAL;
    const decoded = decode(graph, codes, `${dense}.4`, made.value, leaving * factor);
    const before = isLast ? graph.node('Add', [graph.node('Mul', [value, codes.residual]), trunk]) : value;
    value = graph.node('Add', [before, decoded]);
  });
  return value;
}

interface Dense {
  readonly name: string;
  readonly block: DenseBlock;
  readonly input: Coded;
  readonly steps: CalibrationSteps;
}

function denseBlock(graph: GraphBuilder, codes: Codes, dense: Dense, leaving: readonly number[]): Coded {
  const { name, block, input, steps } = dense;
  const [one, two, three, four, fifth] = block;
  let joined = input;
  [one, two, three, four].forEach((convolution, k) => {
    const sum = codedConvolution(graph, codes, `${name}.${k}`, convolution, joined, gentler(steps(`${name}.${k}`)));
    const alike = [codes.one, codes.zero];
    const active = graph.contributed('QLinearLeakyRelu', [sum.value, ...alike, ...alike], LEAKY);
    const value = graph.node('Concat', [joined.value, active], { axis: 3 });
    joined = { value, steps: [...joined.steps, ...sum.steps] };
  });
  return codedConvolution(graph, codes, `${name}.4`, fifth, joined, leaving);
}

const codedConvolution = (
  graph: GraphBuilder,
  { one, zero }: Codes,
  name: string,
  convolution: Convolution,
  input: Coded,
  steps: readonly number[],
): Coded => convolveCodes(graph, { one, arriving: zero, leaving: zero }, name, convolution, input, steps);

const encode = (graph: GraphBuilder, { zero }: Codes, name: string, value: Value, step: number): Value =>
  graph.node('QuantizeLinear', [value, graph.floats(`${name}.step`, [step], []), zero]);

const decode = (graph: GraphBuilder, { zero }: Codes, name: string, value: Value, step: number): Value =>
  graph.node('DequantizeLinear', [value, graph.floats(`${name}.unit`, [step], []), zero]);

/** Floats, channels last, in units of `shape`. */
function firstFeatures(graph: GraphBuilder, first: Convolution, shape: readonly number[]): Value {
  const units = shape.map((unit) => 1 / (255 * unit));
  const weights = scaled(graph, 'first', first, graph.floats('first.units', units, [units.length, 1, 1, 1]));
  const bias = first.bias.map((number, channel) => number / (shape[channel] ?? 1));
  const value = convolve(graph, 'first', photoIn(graph), weights, bias);
  return graph.node('Transpose', [value], { perm: TO_CHANNELS_LAST });
}

function enlargedPhoto(graph: GraphBuilder, network: RrdbNetwork, trunk: Value, shape: readonly number[]): void {
  const double = graph.floats('twofold', [1, 1, 2, 2], [4]);
  const leaky = (name: string, value: Value, weights: Value, { bias }: Convolution): Value =>
    graph.node('LeakyRelu', [convolve(graph, name, value, weights, bias)], LEAKY);
  let value = graph.node('Transpose', [trunk], { perm: TO_CHANNELS_FIRST });
  network.enlarge.forEach((convolution, index) => {
    const name = `enlarge.${index}`;
    const units = index === 0 ? shape : undefined;
    const weights = units
      ? scaled(graph, name, convolution, graph.floats('units', units, [1, units.length, 1, 1]))
      : exactWeights(graph, name, convolution);
    value = leaky(name, enlarge(graph, value, double), weights, convolution);
  });
  value = leaky('high', value, exactWeights(graph, 'high', network.high), network.high);
  const weights = scaled(graph, 'last', network.last, graph.floats('last.factor', [255], []));
  const bias = network.last.bias.map((number) => number * 255);
  photoOut(graph, convolve(graph, 'last', value, weights, bias));
}

const scaled = (graph: GraphBuilder, name: string, convolution: Convolution, factor: Value): Value =>
  graph.node('Mul', [exactWeights(graph, name, convolution), factor]);
