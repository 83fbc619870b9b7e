import { fromHalfFloats } from './half-float.ts';
import type { Convolution } from './ncnn-weights.ts';
import type { SrvggNetwork } from './network.ts';
import { decodeModel, type TensorProto } from './onnx-proto.ts';

/**
 * Reads the network back out of a graph that `buildSrvgg` made: upstream's weights lie in it as they are, and what was done to
 * biases and slopes is undone.
 * @throws TypeError when the graph is another.
 */
export function readSrvgg(graph: Uint8Array): SrvggNetwork {
  const constants = new Map(decodeModel(graph).graph.initializer.map((tensor) => [tensor.name, tensor]));
  const layers: { convolution: Convolution; slopes: Float32Array }[] = [];
  for (let index = 0; constants.has(`body.${index}.weight`); index += 1) {
    const name = `body.${index}`;
    const leaving = constants.get(`${name}.leaving`);
    const turned = leaving === undefined ? undefined : floatsOf(leaving);
    const bias = floatsOf(need(constants, `${name}.bias`)).map((number, channel) => number * (turned?.[channel] ?? 1));
    const slopes = floatsOf(need(constants, `${name}.slope`)).map((slope, channel) =>
      (turned?.[channel] ?? 1) < 0 ? 1 / slope : slope,
    );
    layers.push({ convolution: convolutionOf(need(constants, `${name}.weight`), bias), slopes });
  }
  const bias = floatsOf(need(constants, 'last.bias')).map((number) => number / 255);
  return { architecture: 'srvgg', layers, last: convolutionOf(need(constants, 'last.weight'), bias) };
}

function need(constants: ReadonlyMap<string, TensorProto>, name: string): TensorProto {
  const tensor = constants.get(name);
  if (tensor === undefined) throw new TypeError(`Expected a compact network with ${name} but received another graph`);
  return tensor;
}

const floatsOf = ({ rawData }: TensorProto): Float32Array => new Float32Array(new Uint8Array(rawData).buffer);

const convolutionOf = ({ dims, rawData }: TensorProto, bias: Float32Array): Convolution => ({
  outputChannels: dims[0] ?? 0,
  inputChannels: dims[1] ?? 0,
  weights: fromHalfFloats(rawData),
  bias,
});
