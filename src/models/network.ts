import type { ModelEntry } from '../contracts/models.ts';
import { corrupt, parseNcnnParam } from './ncnn-param.ts';
import { LayerWalk } from './ncnn-walk.ts';
import { readNcnnWeights, type Convolution } from './ncnn-weights.ts';

/** SRVGGNetCompact: convolutions with PReLU, a pixel shuffle, and the photo itself enlarged and added. */
export interface SrvggNetwork {
  readonly architecture: 'srvgg';
  readonly layers: readonly { readonly convolution: Convolution; readonly slopes: Float32Array }[];
  readonly last: Convolution;
}

/** Five convolutions, each of which reads what all before it made; the fifth is scaled by 0.2 and added to the input. */
export type DenseBlock = readonly [Convolution, Convolution, Convolution, Convolution, Convolution];

/** RRDBNet: blocks of three dense blocks, then two steps of nearest-neighbour enlarging and convolution. */
export interface RrdbNetwork {
  readonly architecture: 'rrdb';
  readonly first: Convolution;
  readonly blocks: readonly (readonly [DenseBlock, DenseBlock, DenseBlock])[];
  readonly trunk: Convolution;
  readonly enlarge: readonly [Convolution, Convolution];
  readonly high: Convolution;
  readonly last: Convolution;
}

export type Network = SrvggNetwork | RrdbNetwork;

/**
 * Reads a network from ncnn's two files and makes sure that its layers are wired as the architecture says.
 * @throws DarkroomError `model_corrupt`
 */
export function readNetwork(architecture: ModelEntry['architecture'], param: string, bin: Uint8Array): Network {
  const layers = parseNcnnParam(param);
  const walk = new LayerWalk(layers, readNcnnWeights(layers, bin));
  const network = architecture === 'srvgg' ? readSrvgg(walk) : readRrdb(walk);
  walk.end();
  return network;
}

function readSrvgg(walk: LayerWalk): SrvggNetwork {
  const photo = walk.input();
  const layers: { convolution: Convolution; slopes: Float32Array }[] = [];
  let current = walk.convolution(photo, false);
  let inputs = 3;
  while (walk.peek()?.type === 'PReLU') {
    const { value, slopes } = walk.prelu(current.value);
    checkChannels(current.convolution, inputs, slopes.length);
    layers.push({ convolution: current.convolution, slopes });
    inputs = slopes.length;
    current = walk.convolution(value, false);
  }
  checkChannels(current.convolution, inputs, 48);
  const shuffled = walk.plain('PixelShuffle', [current.value], { 0: [4] });
  const enlarged = walk.plain('Interp', [photo], { 0: [1], 1: [4], 2: [4] });
  walk.plain('BinaryOp', [shuffled, enlarged], { 0: [0] });
  return { architecture: 'srvgg', layers, last: current.convolution };
}

const FEATURES = 64;
const GROWTH = 32;
const RESIDUAL = { 0: [1], [-23_301]: [0.2, 1] };

function readRrdb(walk: LayerWalk): RrdbNetwork {
  const first = walk.convolution(walk.input(), false);
  checkChannels(first.convolution, 3, FEATURES);
  let value = first.value;
  const blocks: [DenseBlock, DenseBlock, DenseBlock][] = [];
  // Every block starts with a fused LeakyReLU; only the trunk's last convolution has none and adds to the first.
  while (walk.peek()?.activated === true) {
    const one = readDenseBlock(walk, value);
    const two = readDenseBlock(walk, one.value);
    const three = readDenseBlock(walk, two.value);
    value = walk.plain('Eltwise', [three.value, value], RESIDUAL);
    blocks.push([one.block, two.block, three.block]);
  }
  const trunk = walk.convolution(value, false);
  const features = walk.plain('BinaryOp', [first.value, trunk.value], { 0: [0] });
  const double = { 0: [1], 1: [2], 2: [2] };
  const up1 = walk.convolution(walk.plain('Interp', [features], double), true);
  const up2 = walk.convolution(walk.plain('Interp', [up1.value], double), true);
  const high = walk.convolution(up2.value, true);
  const last = walk.convolution(high.value, false);
  for (const { convolution } of [trunk, up1, up2, high]) checkChannels(convolution, FEATURES, FEATURES);
  checkChannels(last.convolution, FEATURES, 3);
  return {
    architecture: 'rrdb',
    first: first.convolution,
    blocks,
    trunk: trunk.convolution,
    enlarge: [up1.convolution, up2.convolution],
    high: high.convolution,
    last: last.convolution,
  };
}

function readDenseBlock(walk: LayerWalk, input: string): { value: string; block: DenseBlock } {
  const features = [input];
  const read = (leaky: boolean): Convolution => {
    const [only = input] = features;
    const joined = features.length === 1 ? only : walk.plain('Concat', features);
    const { value, convolution } = walk.convolution(joined, leaky);
    checkChannels(convolution, FEATURES + GROWTH * (features.length - 1), leaky ? GROWTH : FEATURES);
    features.push(value);
    return convolution;
  };
  const block: DenseBlock = [read(true), read(true), read(true), read(true), read(false)];
  const value = walk.plain('Eltwise', [features[5] ?? input, input], RESIDUAL);
  return { value, block };
}

function checkChannels(convolution: Convolution, inputs: number, outputs: number): void {
  if (convolution.inputChannels === inputs && convolution.outputChannels === outputs) return;
  throw corrupt(
    `a convolution of ${convolution.inputChannels} to ${convolution.outputChannels} channels stands where one of ${inputs} to ${outputs} is expected`,
  );
}
