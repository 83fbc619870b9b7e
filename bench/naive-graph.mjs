/**
 * A network as an exporter writes it down, operation by operation: float NCHW from 0 to 1 in and out, PRelu, the residual sums and
 * their factors as they stand in the papers' code. What the rewrites of `src/models/graph-*.ts` are measured against.
 */
import { GraphBuilder, floatPort } from '../dist/models/graph-builder.js';
import { convolve, enlarge, exactWeights } from '../dist/models/graph-parts.js';
import { readNetwork } from '../dist/models/network.js';
import { pullModel } from '../dist/models/pull-model.js';
import { cacheDir } from './engine-stage.mjs';

/** The plain graph of a network that is installed, with its published weights. */
export async function plainGraphOf(entry, side) {
  const { param, bin } = await pullModel(entry, {
    cacheDir,
    mirrorDir: process.env.MODEL_MIRROR,
    environment: process.env,
    signal: AbortSignal.timeout(120_000),
    onProgress: () => undefined,
  });
  return naiveGraph(readNetwork(entry.architecture, param, bin), side, side);
}

/** @returns the `.onnx` file for tiles of this size; its input is `[1, 3, height, width]`. */
function naiveGraph(network, width, height) {
  const graph = new GraphBuilder();
  const convolution = (name, value, given) =>
    convolve(graph, name, value, exactWeights(graph, name, given), given.bias);
  const output =
    network.architecture === 'srvgg' ? compact(graph, network, convolution) : dense(graph, network, convolution);
  graph.node('Identity', [output], {}, 'output');
  const ports = {
    input: floatPort('input', [1, 3, height, width]),
    output: floatPort('output', [1, 3, height * 4, width * 4]),
  };
  return graph.build('naive', '1', {}, ports);
}

function compact(graph, { layers, last }, convolution) {
  let value = 'input';
  layers.forEach(({ convolution: given, slopes }, index) => {
    const sum = convolution(`body.${index}`, value, given);
    value = slopes.every((slope) => slope === 0)
      ? graph.node('Relu', [sum])
      : graph.node('PRelu', [sum, graph.floats(`body.${index}.slope`, slopes, [slopes.length, 1, 1])]);
  });
  const shuffled = graph.node('DepthToSpace', [convolution('last', value, last)], { blocksize: 4, mode: 'CRD' });
  return graph.node('Add', [shuffled, enlarge(graph, 'input', graph.floats('fourfold', [1, 1, 4, 4], [4]))]);
}

function dense(graph, network, convolution) {
  const fifth = graph.floats('residual', [0.2], []);
  const leaky = (name, value, given) =>
    graph.node('LeakyRelu', [convolution(name, value, given)], { alpha: { float: 0.2 } });
  const scaledSum = (value, input) => graph.node('Add', [graph.node('Mul', [value, fifth]), input]);
  const block = (name, input, convolutions) => {
    const features = [input];
    const joined = () => (features.length === 1 ? input : graph.node('Concat', features, { axis: 1 }));
    convolutions.slice(0, 4).forEach((given, index) => features.push(leaky(`${name}.${index}`, joined(), given)));
    return scaledSum(convolution(`${name}.4`, joined(), convolutions[4]), input);
  };
  const first = convolution('first', 'input', network.first);
  let value = first;
  network.blocks.forEach((three, index) => {
    const entering = value;
    three.forEach((convolutions, place) => (value = block(`body.${index}.${place}`, value, convolutions)));
    value = scaledSum(value, entering);
  });
  value = graph.node('Add', [first, convolution('trunk', value, network.trunk)]);
  const twofold = graph.floats('twofold', [1, 1, 2, 2], [4]);
  network.enlarge.forEach((given, index) => (value = leaky(`enlarge.${index}`, enlarge(graph, value, twofold), given)));
  return convolution('last', leaky('high', value, network.high), network.last);
}
