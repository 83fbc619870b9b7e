import { corrupt, type NcnnLayer } from './ncnn-param.ts';

/** A 3x3 convolution with padding 1, its weights as upstream stored them. */
export interface Convolution {
  readonly inputChannels: number;
  readonly outputChannels: number;
  /** Half floats, little endian, `[output, input, 3, 3]`: never rounded again, so that a conversion can be exact. Floats when they were computed here. */
  readonly weights: Uint8Array | Float32Array;
  readonly bias: Float32Array;
}

/** What a layer of the `.param` file has in the `.bin` file. */
export interface LayerWeights {
  readonly convolutions: ReadonlyMap<NcnnLayer, Convolution>;
  /** PReLU: the slope of each channel's negative side. */
  readonly slopes: ReadonlyMap<NcnnLayer, Float32Array>;
}

/** ncnn's mark for half floats in front of a layer's weights. */
const HALF_FLOAT_TAG = 0x01306b47;
const KERNEL_AREA = 9;
const MAX_CHANNELS = 4_096;

/**
 * Reads the weights that follow each other in a `.bin` file in the order of the layers.
 * @throws DarkroomError `model_corrupt` when the file is shorter or longer than its layers need, or is stored otherwise.
 */
export function readNcnnWeights(layers: readonly NcnnLayer[], bin: Uint8Array): LayerWeights {
  const file = new WeightsFile(bin);
  const convolutions = new Map<NcnnLayer, Convolution>();
  const slopes = new Map<NcnnLayer, Float32Array>();
  for (const layer of layers) {
    if (layer.type === 'Convolution') convolutions.set(layer, readConvolution(layer, file));
    if (layer.type === 'PReLU') slopes.set(layer, file.floats(channels(layer), layer.name));
  }
  if (file.remaining !== 0) throw corrupt(`its weights are ${file.remaining} bytes longer than its layers need`);
  return { convolutions, slopes };
}

function readConvolution(layer: NcnnLayer, file: WeightsFile): Convolution {
  const outputChannels = channels(layer);
  const count = layer.params.get(6)?.[0] ?? 0;
  const inputChannels = count / (outputChannels * KERNEL_AREA);
  const plain = [layer.params.get(1)?.[0], layer.params.get(4)?.[0], layer.params.get(5)?.[0]].join() === '3,1,1';
  if (!plain || !Number.isInteger(inputChannels) || inputChannels < 1 || inputChannels > MAX_CHANNELS) {
    throw corrupt(`layer ${layer.name} is not a 3x3 convolution with bias`);
  }
  return {
    inputChannels,
    outputChannels,
    weights: file.halfFloats(count, layer.name),
    bias: file.floats(outputChannels, layer.name),
  };
}

function channels(layer: NcnnLayer): number {
  const count = layer.params.get(0)?.[0] ?? 0;
  if (!Number.isInteger(count) || count < 1 || count > MAX_CHANNELS) {
    throw corrupt(`layer ${layer.name} has no sensible number of channels`);
  }
  return count;
}

/** A position in the `.bin` file that never leaves it. */
class WeightsFile {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.byteLength - this.#position;
  }

  halfFloats(count: number, layer: string): Uint8Array {
    const tag = this.#take(4, layer);
    if (new DataView(tag.buffer).getUint32(0, true) !== HALF_FLOAT_TAG) {
      throw corrupt(`the weights of layer ${layer} are not stored as half floats`);
    }
    // Every block starts at a multiple of four bytes.
    return this.#take(Math.ceil((count * 2) / 4) * 4, layer).subarray(0, count * 2);
  }

  floats(count: number, layer: string): Float32Array {
    return new Float32Array(this.#take(count * 4, layer).buffer);
  }

  /** A copy, because a view of floats must start at a multiple of four in memory as well. */
  #take(length: number, layer: string): Uint8Array<ArrayBuffer> {
    if (length > this.remaining) throw corrupt(`its weights end inside layer ${layer}`);
    const taken = this.#bytes.slice(this.#position, this.#position + length);
    this.#position += length;
    return new Uint8Array(taken);
  }
}
