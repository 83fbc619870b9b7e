import type { CalibrationSteps } from './calibration.ts';
import type { GraphBuilder, Value } from './graph-builder.ts';
import { photoIn, photoOut } from './graph-parts.ts';
import type { Convolution } from './ncnn-weights.ts';
import type { SrvggNetwork } from './network.ts';
import { quantise } from './quantise.ts';

/** What the last convolution makes may be less than nothing: its codes are signed. */
const MIDDLE = 128;
const LEVELS = 255;
const TO_CHANNELS_LAST = [0, 2, 3, 1];
const TO_CHANNELS_FIRST = [0, 3, 1, 2];

/** Codes of one byte, channels last, with the step of each channel. */
interface Coded {
  readonly value: Value;
  readonly steps: readonly number[];
}

/**
 * SRVGGNetCompact with ReLU in 8 bits: activations unsigned, weights signed. The lowest code is zero, so that a code that is
 * cut off there has been through its ReLU and no operation is needed for that. The photo that the detail is added to stays
 * in floats, whatever its depth.
 * @throws TypeError for a network with slopes, whose negative half would cost the codes their fineness.
 */
export function buildSrvggInt8(graph: GraphBuilder, network: SrvggNetwork, steps: CalibrationSteps): void {
  if (network.layers.some(({ slopes }) => slopes.some((slope) => slope !== 0))) {
    throw new TypeError('Expected a compact network with ReLU');
  }
  const photo = graph.node('Transpose', [photoIn(graph)], { perm: TO_CHANNELS_LAST });
  const one = graph.floats('one', [1], []);
  const zeros = {
    relu: graph.codes('zero', Uint8Array.of(0), []),
    middle: graph.codes('middle', Uint8Array.of(MIDDLE), []),
  };
  const convolve = (name: string, convolution: Convolution, input: Coded, zero: Value): Coded => {
    const { outputChannels, inputChannels } = convolution;
    const leaving = steps(name);
    const { codes, scales, bias } = quantise(convolution, input.steps, leaving);
    const weights = graph.codes(`${name}.weight`, codes, [outputChannels, inputChannels, 3, 3]);
    const weightScales = graph.floats(`${name}.scale`, scales, [outputChannels]);
    const weightZeros = graph.codes(`${name}.zero`, new Int8Array(outputChannels), [outputChannels]);
    const value = graph.contributed(
      'QLinearConv',
      [input.value, one, zeros.relu, weights, weightScales, weightZeros, one, zero, graph.sums(`${name}.bias`, bias)],
      { kernel_shape: [3, 3], pads: [1, 1, 1, 1], channels_last: 1 },
    );
    return { value, steps: leaving };
  };
  let coded: Coded = {
    value: graph.node('QuantizeLinear', [photo, one, zeros.relu]),
    steps: [1 / LEVELS, 1 / LEVELS, 1 / LEVELS],
  };
  network.layers.forEach(({ convolution }, index) => {
    coded = convolve(`body.${index}`, convolution, coded, zeros.relu);
  });
  const { last } = network;
  const detail = convolve('last', last, coded, zeros.middle);
  // One step for all its channels, so that they can be decoded at once.
  const unit = graph.floats('last.unit', [(detail.steps[0] ?? 0) * LEVELS], []);
  const decoded = graph.node('DequantizeLinear', [detail.value, unit, zeros.middle]);
  // Each colour sixteen times is the nearest neighbour, before the shuffle instead of after it.
  const places = last.outputChannels / 3;
  const colours = Array.from({ length: last.outputChannels }, (_, channel) => Math.floor(channel / places));
  const base = graph.node('Gather', [photo, graph.integers('colours', colours)], { axis: 3 });
  const sum = graph.node('Transpose', [graph.node('Add', [decoded, base])], { perm: TO_CHANNELS_FIRST });
  photoOut(graph, graph.node('DepthToSpace', [sum], { blocksize: 4, mode: 'CRD' }));
}
