import { GraphBuilder } from './graph-builder.ts';
import { buildSrvgg } from './graph-srvgg.ts';
import { fromHalfFloats } from './half-float.ts';
import type { Convolution } from './ncnn-weights.ts';
import type { SrvggNetwork } from './network.ts';
import { readSrvgg } from './read-srvgg.ts';

/**
 * Network interpolation: a network between two that were trained from the same start. In between, the sixteen positions of
 * the pixel shuffle drift apart by up to four levels, which shows as a grid of 4 pixels in flat areas. That drift hardly
 * depends on colour or noise, so it is measured on flat patches and taken out of the last bias.
 */

/** Runs a graph over a picture, uint8 RGB, and gives the enlarged one. */
export type RunGraph = (graph: Uint8Array, picture: FlatPicture) => Promise<Uint8Array>;

export interface FlatPicture {
  readonly pixels: Uint8Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

const SIDE = 40;
/** Pixels of the photo at each edge whose surroundings are cut off. */
const EDGE = 8;
const NOISE = 3;
const SHUFFLE = 4;
const COLOURS = [
  [20, 20, 20],
  [70, 70, 70],
  [128, 128, 128],
  [180, 180, 180],
  [235, 235, 235],
  [150, 90, 90],
  [90, 150, 90],
  [90, 90, 150],
] as const;

/**
 * The graph of a blend of two installed compact networks.
 * @param share - of the first network, 0..1; the rest is the second's.
 */
export async function blendNetworks(
  first: Uint8Array,
  second: Uint8Array,
  share: number,
  run: RunGraph,
): Promise<Uint8Array> {
  const network = blend(readSrvgg(first), readSrvgg(second), share);
  const drift = await measureDrift((picture) => run(build(network), picture));
  const bias = network.last.bias.map((number, channel) => number - (drift[channel] ?? 0) / 255);
  return build({ ...network, last: { ...network.last, bias } });
}

function build(network: SrvggNetwork): Uint8Array {
  const graph = new GraphBuilder();
  buildSrvgg(graph, network);
  return graph.build('blend', '1', {});
}

function blend(first: SrvggNetwork, second: SrvggNetwork, share: number): SrvggNetwork {
  if (first.layers.length !== second.layers.length) {
    throw new TypeError(
      `Expected twins of one depth but received ${first.layers.length} and ${second.layers.length} layers`,
    );
  }
  const mix = (a: Float32Array, b: Float32Array): Float32Array =>
    a.map((number, index) => share * number + (1 - share) * (b[index] ?? 0));
  const convolution = (a: Convolution, b: Convolution): Convolution => ({
    ...a,
    weights: mix(weightsOf(a), weightsOf(b)),
    bias: mix(a.bias, b.bias),
  });
  return {
    architecture: 'srvgg',
    layers: first.layers.map((layer, index) => {
      const other = second.layers[index] ?? layer;
      return {
        convolution: convolution(layer.convolution, other.convolution),
        slopes: mix(layer.slopes, other.slopes),
      };
    }),
    last: convolution(first.last, second.last),
  };
}

const weightsOf = ({ weights }: Convolution): Float32Array =>
  weights instanceof Float32Array ? weights : fromHalfFloats(weights);

/** By how many levels each of the last convolution's 48 channels lies off the mean of its colour, over all patches. */
async function measureDrift(run: (picture: FlatPicture) => Promise<Uint8Array>): Promise<Float64Array> {
  const drift = new Float64Array(3 * SHUFFLE * SHUFFLE);
  for (const colour of COLOURS) {
    const offsets = offsetsOf(await run(patch(colour)));
    for (const [channel, offset] of offsets.entries()) drift[channel] = (drift[channel] ?? 0) + offset / COLOURS.length;
  }
  return drift;
}

/** One colour with a little noise; the same every time, so that the same share gives the same network. */
function patch(colour: readonly [number, number, number]): FlatPicture {
  let state = 1;
  const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, sample) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.round((colour[sample % 3] ?? 0) + NOISE * ((2 * state) / 2 ** 31 - 1));
  });
  return { pixels, width: SIDE, height: SIDE };
}

/** Mean of each position of the shuffle less the mean of its colour, in the order of the convolution's channels. */
function offsetsOf(answer: Uint8Array): Float64Array {
  const positions = SHUFFLE * SHUFFLE;
  const sums = new Float64Array(3 * positions);
  const width = SIDE * SHUFFLE;
  const inside = { from: EDGE * SHUFFLE, to: (SIDE - EDGE) * SHUFFLE };
  for (let y = inside.from; y < inside.to; y += 1) {
    for (let x = inside.from; x < inside.to; x += 1) {
      for (let colour = 0; colour < 3; colour += 1) {
        const channel = colour * positions + (y % SHUFFLE) * SHUFFLE + (x % SHUFFLE);
        sums[channel] = (sums[channel] ?? 0) + (answer[(y * width + x) * 3 + colour] ?? 0);
      }
    }
  }
  const each = (SIDE - 2 * EDGE) ** 2;
  const means = [0, 1, 2].map(
    (colour) =>
      sums.subarray(colour * positions, (colour + 1) * positions).reduce((sum, one) => sum + one, 0) / positions,
  );
  return sums.map((sum, channel) => (sum - (means[Math.floor(channel / positions)] ?? 0)) / each);
}
