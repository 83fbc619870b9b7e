import { toHalfFloats } from './half-float.ts';
import {
  ATTRIBUTE_TYPE,
  DATA_TYPE,
  decodeModel,
  encodeModel,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from './onnx-proto.ts';

/**
 * The same network in 16-bit floats, for graphics processors: they multiply them several times as fast, in units of their own that
 * add up in 32 bits. Made from an installed graph when it is needed, so that it takes no disk.
 *
 * What stays in 32 bits: arithmetic on weights, which the runtime folds when a session is made, so that each is rounded once; and the
 * way out, from the last sum on, because half floats between 128 and 255 are an eighth of a level apart.
 *
 * A graph in 8 bits comes back as it is: it is for processors.
 * @throws TypeError when the graph does not begin and end as ours do.
 */
export function halve(graph: Uint8Array): Uint8Array {
  const model = decodeModel(graph);
  if (model.graph.node.some(({ opType, domain }) => domain !== undefined || EIGHT_BITS.test(opType))) return graph;
  joinSlopes(model);
  const { node } = model.graph;
  const wayOut = wayOutOf(node);
  const halves = new Halves(model);
  const halved = node.flatMap((one) => (wayOut.has(one) ? halves.backToFloat(one) : halves.toHalf(one)));
  model.graph.node = halved;
  dropUnused(model);
  return encodeModel(model);
}

const EIGHT_BITS = /^(Quantize|Dequantize|QLinear|DynamicQuantize)/;

/** Inputs that are sizes and not samples: `Resize` takes its factors in 32 bits whatever it enlarges. */
const SIZES: Readonly<Record<string, readonly number[]>> = { Resize: [2] };

const HALF_CAST = [{ name: 'to', type: ATTRIBUTE_TYPE.int, i: DATA_TYPE.float16 }];
const FLOAT_CAST = [{ name: 'to', type: ATTRIBUTE_TYPE.int, i: DATA_TYPE.float }];

class Halves {
  readonly #constants: Map<string, TensorProto>;
  readonly #initializer: TensorProto[];
  readonly #makers: ReadonlyMap<string, NodeProto>;
  /** Values of the photo's that are in half floats. */
  readonly #half = new Set<string>();
  /** Halves of constants and floats of halves, by what they were made of. */
  readonly #made = new Map<string, string>();

  constructor({ graph }: ModelProto) {
    this.#initializer = graph.initializer;
    this.#constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
    this.#makers = makersOf(graph.node);
  }

  /** The node as it is where it computes with constants only, else with half floats for all it takes. */
  toHalf(node: NodeProto): NodeProto[] {
    if (node.opType === 'Cast' && node.input[0] === 'input') {
      this.#take(node);
      return [{ ...node, attribute: HALF_CAST }];
    }
    if (!node.input.some((value) => this.#half.has(value))) return [node];
    const before: NodeProto[] = [];
    const input = node.input.map((value, at) =>
      SIZES[node.opType]?.includes(at) === true ? value : this.#halfOf(value, before),
    );
    this.#take(node);
    return [...before, { ...node, input }];
  }

  /** The node with 32-bit floats for all it takes. */
  backToFloat(node: NodeProto): NodeProto[] {
    const before: NodeProto[] = [];
    const input = node.input.map((value) => {
      if (!this.#half.has(value)) return value;
      return this.#once(value, `${value}.float`, (output) => {
        before.push({ opType: 'Cast', name: output, input: [value], output: [output], attribute: FLOAT_CAST });
      });
    });
    return [...before, { ...node, input }];
  }

  #take({ output }: NodeProto): void {
    for (const value of output) this.#half.add(value);
  }

  #halfOf(value: string, before: NodeProto[]): string {
    if (value === '' || this.#half.has(value)) return value;
    const constant = this.#constants.get(value);
    if (constant !== undefined) {
      if (constant.dataType !== DATA_TYPE.float) return value;
      return this.#once(value, `${value}.half`, (name) => {
        const rawData = toHalfFloats(floatsOf(constant));
        this.#initializer.push({ ...constant, name, dataType: DATA_TYPE.float16, rawData });
      });
    }
    // Weights that are stored in half floats and were only to be read in 32 bits.
    const maker = this.#makers.get(value);
    const [stored] = maker?.input ?? [];
    const isStored = maker?.opType === 'Cast' && this.#constants.get(stored ?? '')?.dataType === DATA_TYPE.float16;
    if (isStored && stored !== undefined) return stored;
    return this.#once(value, `${value}.half`, (output) => {
      before.push({ opType: 'Cast', name: output, input: [value], output: [output], attribute: HALF_CAST });
    });
  }

  #once(value: string, name: string, make: (name: string) => void): string {
    const known = this.#made.get(value);
    if (known !== undefined) return known;
    this.#made.set(value, name);
    make(name);
    return name;
  }
}

/** From the last sum, or else the clipping to 0..255, to the output. */
function wayOutOf(nodes: readonly NodeProto[]): ReadonlySet<NodeProto> {
  const [clip, ...others] = nodes.filter(({ opType, input }) => opType === 'Clip' && input[2] === 'highest');
  const hasEntry = nodes.some(({ opType, input }) => opType === 'Cast' && input[0] === 'input');
  if (clip === undefined || others.length > 0 || !hasEntry) {
    throw new TypeError('Expected a graph of our own making for half floats but received another');
  }
  const before = makersOf(nodes).get(clip.input[0] ?? '');
  return new Set([...(before?.opType === 'Add' ? [before] : []), ...nodes.slice(nodes.indexOf(clip))]);
}

/**
 * Back to `PRelu` what `graph-srvgg.ts` writes as two depthwise convolutions and a sum for the sake of a processor's layout: on a
 * graphics processor that is four passes over memory instead of one.
 */
function joinSlopes({ graph }: ModelProto): void {
  const makers = makersOf(graph.node);
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const slopesOf = (node: NodeProto | undefined): TensorProto | undefined =>
    node?.opType === 'Conv' && node.input.length === 2 ? constants.get(node.input[1] ?? '') : undefined;
  graph.node = graph.node.map((sum) => {
    const [scaled, relu] = sum.input.map((value) => makers.get(value));
    if (sum.opType !== 'Add' || relu?.opType !== 'Relu') return sum;
    const rest = makers.get(relu.input[0] ?? '');
    const [slopes, others] = [slopesOf(scaled), slopesOf(rest)];
    const [value] = scaled?.input ?? [];
    if (slopes === undefined || others === undefined || value === undefined || rest?.input[0] !== value) return sum;
    slopes.dims = [slopes.dims[0] ?? 0, 1, 1];
    return { ...sum, opType: 'PRelu', input: [value, slopes.name], attribute: [] };
  });
}

/** Nodes and constants that nothing of the output depends on any more. */
function dropUnused({ graph }: ModelProto): void {
  const used = new Set(graph.output.map(({ name }) => name));
  graph.node = graph.node
    .toReversed()
    .filter(({ output, input }) => {
      if (!output.some((value) => used.has(value))) return false;
      for (const value of input) used.add(value);
      return true;
    })
    .toReversed();
  graph.initializer = graph.initializer.filter(({ name }) => used.has(name));
}

const makersOf = (nodes: readonly NodeProto[]): Map<string, NodeProto> =>
  new Map(nodes.flatMap((node) => node.output.map((value) => [value, node] as const)));

const floatsOf = ({ rawData }: TensorProto): Float32Array => new Float32Array(new Uint8Array(rawData).buffer);
