import { floatPort, type GraphBuilder, type Value } from './graph-builder.ts';

/**
 * GFPGAN v1 "clean" at the configuration of v1.4: a U-Net reads the face, its features steer a StyleGAN2 decoder that
 * paints it (spatial feature transform on half of the channels). `[1, 3, 512, 512]`, RGB from -1 to 1, in and out. For
 * measuring and testing where the trained weights are not at hand; the trained network is installed as its own file.
 */

/** Values of a tensor of the network; `fanIn` is how many products each of its outputs sums up. */
export type Weights = (name: string, dims: readonly number[], fanIn: number) => Float32Array;

/** log2 of the sides of the decoder's smallest and largest picture. */
const SMALLEST = 2;
const LARGEST = 9;
const STYLES = LARGEST * 2 - 2;
/** Channels of the decoder by log2 of the side; the U-Net has half of them. */
const CHANNELS: Readonly<Record<number, number>> = { 2: 512, 3: 512, 4: 512, 5: 512, 6: 512, 7: 256, 8: 128, 9: 64 };
const STYLE_FEATURES = 512;

/** The tensors that `input` and `output` are. */
export const FACE_PORTS = {
  input: floatPort('input', [1, 3, 512, 512]),
  output: floatPort('output', [1, 3, 512, 512]),
};

/** @param narrow - share of the channels; 1 is GFPGAN. */
export function buildGfpgan(graph: GraphBuilder, weights: Weights, narrow = 1): void {
  new Gfpgan(graph, weights, narrow).build();
}

class Gfpgan {
  readonly #graph: GraphBuilder;
  readonly #weights: Weights;
  readonly #narrow: number;
  readonly #twice: Value;
  readonly #half: Value;
  readonly #root2: Value;
  readonly #epsilon: Value;
  readonly #filterAxes: Value;

  constructor(graph: GraphBuilder, weights: Weights, narrow: number) {
    this.#graph = graph;
    this.#weights = weights;
    this.#narrow = narrow;
    this.#twice = graph.floats('twice', [1, 1, 2, 2], [4]);
    this.#half = graph.floats('half', [1, 1, 0.5, 0.5], [4]);
    this.#root2 = graph.floats('root2', [Math.SQRT2], []);
    this.#epsilon = graph.floats('epsilon', [1e-8], []);
    this.#filterAxes = graph.integers('filterAxes', [1, 2, 3]);
  }

  build(): void {
    const { skips, deepest } = this.#encode();
    const styles = this.#styles(deepest);
    this.#paint(styles, this.#conditions(skips, deepest));
  }

  /** Features of the face at each size, the smallest first. */
  #encode(): { skips: Value[]; deepest: Value } {
    let value = this.#leaky(this.#convolve('first', 'input', 3, this.#unet(LARGEST), 1));
    const skips: Value[] = [];
    for (let level = LARGEST; level > SMALLEST; level -= 1) {
      value = this.#residual(`down.${level}`, value, this.#unet(level), this.#unet(level - 1), this.#half);
      skips.unshift(value);
    }
    const channels = this.#unet(SMALLEST);
    return { skips, deepest: this.#leaky(this.#convolve('final', value, channels, channels, 3)) };
  }

  #styles(deepest: Value): Value[] {
    const graph = this.#graph;
    const features = this.#styleFeatures;
    const flat = graph.node('Reshape', [deepest, graph.integers('flat', [1, -1])]);
    const all = this.#linear('style', flat, this.#unet(SMALLEST) * 16, STYLES * features);
    const rows = graph.node('Reshape', [all, graph.integers('rows', [STYLES, features])]);
    return Array.from({ length: STYLES }, (_, index) =>
      graph.node('Gather', [rows, graph.integers(`styleIndex.${index}`, [index])], { axis: 0 }),
    );
  }

  /** Scale and shift for half of the decoder's channels, by log2 of the side. */
  #conditions(skips: readonly Value[], deepest: Value): Map<number, { scale: Value; shift: Value }> {
    const conditions = new Map<number, { scale: Value; shift: Value }>();
    let value = deepest;
    for (let level = SMALLEST + 1; level <= LARGEST; level += 1) {
      const skip = skips[level - SMALLEST - 1];
      if (skip === undefined) throw new RangeError(`Expected features for level ${level}`);
      const sum = this.#graph.node('Add', [value, skip]);
      value = this.#residual(`up.${level}`, sum, this.#unet(level - 1), this.#unet(level), this.#twice);
      const channels = this.#unet(level);
      const [scale, shift] = ['scale', 'shift'].map((kind) => {
        const inner = this.#leaky(this.#convolve(`${kind}.${level}.0`, value, channels, channels, 3));
        return this.#convolve(`${kind}.${level}.1`, inner, channels, channels, 3);
      });
      if (scale !== undefined && shift !== undefined) conditions.set(level, { scale, shift });
    }
    return conditions;
  }

  #paint(styles: readonly Value[], conditions: ReadonlyMap<number, { scale: Value; shift: Value }>): void {
    const graph = this.#graph;
    const start = this.#decoder(SMALLEST);
    const constant = graph.floats('constant', this.#weights('constant', [1, start, 4, 4], 1), [1, start, 4, 4]);
    let value = this.#styled('paint.2', constant, styles[0], {
      from: start,
      to: start,
      level: SMALLEST,
      enlarge: false,
    });
    let picture = this.#toRgb('rgb.2', value, styles[1], start);
    for (let level = SMALLEST + 1; level <= LARGEST; level += 1) {
      const first = (level - SMALLEST) * 2 - 1;
      const from = this.#decoder(level - 1);
      const to = this.#decoder(level);
      value = this.#styled(`paint.${level}.0`, value, styles[first], { from, to, level, enlarge: true });
      value = this.#steer(`steer.${level}`, value, to, conditions.get(level));
      value = this.#styled(`paint.${level}.1`, value, styles[first + 1], { from: to, to, level, enlarge: false });
      const fine = this.#toRgb(`rgb.${level}`, value, styles[first + 2], to);
      picture = graph.node(
        'Add',
        [fine, this.#resize(picture, this.#twice)],
        {},
        level === LARGEST ? 'output' : undefined,
      );
    }
  }

  /** The upper half of the channels is scaled and shifted by what the U-Net saw. */
  #steer(name: string, value: Value, channels: number, by: { scale: Value; shift: Value } | undefined): Value {
    if (by === undefined) throw new RangeError(`Expected conditions for ${name}`);
    const graph = this.#graph;
    const axis = graph.integers(`${name}.axis`, [1]);
    const [zero, middle, end] = [0, channels / 2, channels].map((at) => graph.integers(`${name}.at.${at}`, [at]));
    if (zero === undefined || middle === undefined || end === undefined) throw new RangeError('Expected three bounds');
    const same = graph.node('Slice', [value, zero, middle, axis]);
    const steered = graph.node('Mul', [graph.node('Slice', [value, middle, end, axis]), by.scale]);
    return graph.node('Concat', [same, graph.node('Add', [steered, by.shift])], { axis: 1 });
  }

  #styled(
    name: string,
    input: Value,
    style: Value | undefined,
    { from, to, level, enlarge }: { from: number; to: number; level: number; enlarge: boolean },
  ): Value {
    const graph = this.#graph;
    const filters = this.#modulate(name, style, from, to, 3);
    const demodulated = graph.node('Div', [
      filters,
      graph.node('Sqrt', [
        graph.node('Add', [
          graph.node('ReduceSum', [graph.node('Mul', [filters, filters]), this.#filterAxes]),
          this.#epsilon,
        ]),
      ]),
    ]);
    const value = enlarge ? this.#resize(input, this.#twice) : input;
    const painted = graph.node('Conv', [value, demodulated], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
    const side = 2 ** level;
    const noise = graph.node('Mul', [
      this.#tensor(`${name}.noise`, [1, 1, side, side], 1),
      this.#tensor(`${name}.noiseWeight`, [1], 100),
    ]);
    const noisy = graph.node('Add', [graph.node('Mul', [painted, this.#root2]), noise]);
    return this.#leaky(graph.node('Add', [noisy, this.#tensor(`${name}.bias`, [1, to, 1, 1], 100)]));
  }

  #toRgb(name: string, value: Value, style: Value | undefined, from: number): Value {
    const filters = this.#modulate(name, style, from, 3, 1);
    const colours = this.#graph.node('Conv', [value, filters], { kernel_shape: [1, 1] });
    return this.#graph.node('Add', [colours, this.#tensor(`${name}.bias`, [1, 3, 1, 1], 100)]);
  }

  /** Filters whose inputs are weighed by the style. */
  #modulate(name: string, style: Value | undefined, from: number, to: number, kernel: number): Value {
    if (style === undefined) throw new RangeError(`Expected a style for ${name}`);
    const graph = this.#graph;
    const weighing = this.#linear(`${name}.modulation`, style, this.#styleFeatures, from);
    const shaped = graph.node('Reshape', [weighing, graph.integers(`${name}.shape`, [1, from, 1, 1])]);
    return graph.node('Mul', [
      this.#tensor(`${name}.weight`, [to, from, kernel, kernel], from * kernel * kernel),
      shaped,
    ]);
  }

  #residual(name: string, input: Value, from: number, to: number, factor: Value): Value {
    const inner = this.#resize(this.#leaky(this.#convolve(`${name}.0`, input, from, from, 3)), factor);
    const value = this.#leaky(this.#convolve(`${name}.1`, inner, from, to, 3));
    const skip = this.#convolve(`${name}.skip`, this.#resize(input, factor), from, to, 1, false);
    return this.#graph.node('Add', [value, skip]);
  }

  #convolve(name: string, value: Value, from: number, to: number, kernel: number, biased = true): Value {
    const weight = this.#tensor(`${name}.weight`, [to, from, kernel, kernel], from * kernel * kernel);
    const pad = (kernel - 1) / 2;
    return this.#graph.node(
      'Conv',
      biased ? [value, weight, this.#tensor(`${name}.bias`, [to], 100)] : [value, weight],
      {
        kernel_shape: [kernel, kernel],
        pads: [pad, pad, pad, pad],
      },
    );
  }

  #linear(name: string, value: Value, from: number, to: number): Value {
    const weight = this.#tensor(`${name}.weight`, [to, from], from);
    return this.#graph.node('Gemm', [value, weight, this.#tensor(`${name}.bias`, [to], 100)], { transB: 1 });
  }

  #leaky(value: Value): Value {
    return this.#graph.node('LeakyRelu', [value], { alpha: { float: 0.2 } });
  }

  #resize(value: Value, factor: Value): Value {
    return this.#graph.node('Resize', [value, '', factor], {
      mode: 'linear',
      coordinate_transformation_mode: 'half_pixel',
    });
  }

  #tensor(name: string, dims: readonly number[], fanIn: number): Value {
    return this.#graph.floats(name, this.#weights(name, dims, fanIn), dims);
  }

  get #styleFeatures(): number {
    return STYLE_FEATURES * this.#narrow;
  }

  #decoder(level: number): number {
    return (CHANNELS[level] ?? 0) * this.#narrow;
  }

  #unet(level: number): number {
    return this.#decoder(level) / 2;
  }
}
