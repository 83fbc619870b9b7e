import { corrupt, type NcnnLayer } from './ncnn-param.ts';
import type { Convolution, LayerWeights } from './ncnn-weights.ts';

/** A value of the network: the blob that first held it. `Split` only gives one value several names. */
export type Blob = string;

/**
 * Walks through a network's layers in file order, the way a recursive-descent parser walks through tokens: the reader of
 * an architecture says which layer must come next and what it must read, and anything else is a damaged file.
 */
export class LayerWalk {
  readonly #layers: readonly NcnnLayer[];
  readonly #weights: LayerWeights;
  readonly #sameAs = new Map<string, Blob>();
  #next = 0;

  constructor(layers: readonly NcnnLayer[], weights: LayerWeights) {
    this.#layers = layers;
    this.#weights = weights;
  }

  /** The layer that comes next: its type, and whether an activation is fused into it; `undefined` at the end. */
  peek(): { type: string; activated: boolean } | undefined {
    this.#skipSplits();
    const layer = this.#layers[this.#next];
    return layer && { type: layer.type, activated: layer.params.has(9) };
  }

  input(): Blob {
    return this.#expect('Input', []).value;
  }

  /** A convolution of `reads`; `leaky` says whether a LeakyReLU of slope 0.2 must be fused into it. */
  convolution(reads: Blob, leaky: boolean): { value: Blob; convolution: Convolution } {
    const { layer, value } = this.#expect('Convolution', [reads]);
    const activation = layer.params.get(9)?.[0] ?? 0;
    const slope = layer.params.get(-23_310)?.[0];
    const fits = leaky ? activation === 2 && slope !== undefined && Math.abs(slope - 0.2) < 1e-6 : activation === 0;
    const convolution = this.#weights.convolutions.get(layer);
    if (!fits || convolution === undefined) throw corrupt(`layer ${layer.name} has another activation than expected`);
    return { value, convolution };
  }

  prelu(reads: Blob): { value: Blob; slopes: Float32Array } {
    const { layer, value } = this.#expect('PReLU', [reads]);
    const slopes = this.#weights.slopes.get(layer);
    if (slopes === undefined) throw corrupt(`layer ${layer.name} has no slopes`);
    return { value, slopes };
  }

  /** A layer without weights; `params` are the values it must have. */
  plain(type: string, reads: readonly Blob[], params: Readonly<Record<number, readonly number[]>> = {}): Blob {
    const { layer, value } = this.#expect(type, reads);
    for (const [id, wanted] of Object.entries(params)) {
      const found = layer.params.get(Number(id)) ?? [0];
      if (wanted.length !== found.length || wanted.some((number, at) => Math.abs(number - (found[at] ?? NaN)) > 1e-6)) {
        throw corrupt(`layer ${layer.name} has parameter ${id}=${found.join()} instead of ${wanted.join()}`);
      }
    }
    return value;
  }

  end(): void {
    const rest = this.peek();
    if (rest !== undefined) throw corrupt(`a ${rest.type} follows where the network should end`);
  }

  #expect(type: string, reads: readonly Blob[]): { layer: NcnnLayer; value: Blob } {
    this.#skipSplits();
    const layer = this.#layers[this.#next];
    const value = layer?.outputs[0];
    if (layer?.type !== type || value === undefined || layer.outputs.length !== 1) {
      throw corrupt(`a ${layer?.type ?? 'missing layer'} stands where a ${type} is expected`);
    }
    if (layer.inputs.length !== reads.length || layer.inputs.some((blob, at) => this.#origin(blob) !== reads[at])) {
      throw corrupt(`layer ${layer.name} reads other values than expected`);
    }
    this.#next += 1;
    return { layer, value };
  }

  #skipSplits(): void {
    for (let layer = this.#layers[this.#next]; layer?.type === 'Split'; layer = this.#layers[this.#next]) {
      const origin = this.#origin(layer.inputs[0] ?? '');
      for (const blob of layer.outputs) this.#sameAs.set(blob, origin);
      this.#next += 1;
    }
  }

  #origin(blob: string): Blob {
    return this.#sameAs.get(blob) ?? blob;
  }
}
