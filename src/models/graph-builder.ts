import { ATTRIBUTE_TYPE, DATA_TYPE, encodeModel } from './onnx-proto.ts';
import type { AttributeProto, DataType, NodeProto, TensorProto, ValueInfoProto } from './onnx-proto.ts';

/** Name of a value in the graph: of a constant, or of what a node makes. */
export type Value = string;

export type Attributes = Readonly<Record<string, Attribute>>;
/** `float` must be said, because JavaScript's numbers do not tell 1.0 from 1. */
type Attribute = number | string | readonly number[] | { readonly float: number };

const IR_VERSION = 8;
const OPSET = 17;
/** Operations of the runtime's own, with 8-bit arithmetic that the standard lacks. */
const CONTRIBUTED = { domain: 'com.microsoft', version: 1 };

interface Ports {
  readonly input: ValueInfoProto;
  readonly output: ValueInfoProto;
}

/** Collects the nodes and constants of one ONNX graph: uint8 NHWC `input` in, uint8 NHWC `output` out. */
export class GraphBuilder {
  readonly #nodes: NodeProto[] = [];
  readonly #constants: TensorProto[] = [];
  #hasContributed = false;

  /** A tensor of 32-bit floats. */
  floats(name: string, values: ArrayLike<number>, dims: readonly number[]): Value {
    return this.#constant(name, 'float', new Uint8Array(Float32Array.from(values).buffer), dims);
  }

  /** A tensor of half floats, as their bytes; the graph needs a `Cast` before it can compute with it. */
  halfFloats(name: string, bytes: Uint8Array, dims: readonly number[]): Value {
    return this.#constant(name, 'float16', bytes, dims);
  }

  /** Codes of 8 bits. */
  codes(name: string, values: Uint8Array | Int8Array, dims: readonly number[]): Value {
    const type = values instanceof Int8Array ? 'int8' : 'uint8';
    return this.#constant(name, type, new Uint8Array(values.buffer, values.byteOffset, values.byteLength), dims);
  }

  /** Sums of products of codes, 32 bits. */
  sums(name: string, values: Int32Array): Value {
    return this.#constant(name, 'int32', new Uint8Array(values.buffer), [values.length]);
  }

  /** A list of whole numbers: shapes, axes and indices are inputs of their operations. */
  integers(name: string, values: readonly number[]): Value {
    return this.#constant(name, 'int64', new Uint8Array(BigInt64Array.from(values, BigInt).buffer), [values.length]);
  }

  node(opType: string, input: readonly Value[], attributes: Attributes = {}, name?: string): Value {
    return this.#add({ opType }, input, attributes, name);
  }

  /** An operation that only onnxruntime knows. */
  contributed(opType: string, input: readonly Value[], attributes: Attributes = {}): Value {
    this.#hasContributed = true;
    return this.#add({ opType, domain: CONTRIBUTED.domain }, input, attributes);
  }

  #add(
    type: Pick<NodeProto, 'opType' | 'domain'>,
    input: readonly Value[],
    attributes: Attributes,
    name?: string,
  ): Value {
    const value = name ?? `${type.opType.toLowerCase()}_${this.#nodes.length}`;
    const attribute = Object.entries(attributes).map(([key, given]) => encodeAttribute(key, given));
    this.#nodes.push({ ...type, name: value, input: [...input], output: [value], attribute });
    return value;
  }

  /**
   * The `.onnx` file. Sizes stay free: the runtime learns height and width with every run.
   * @param metadata what `onnxruntime` shows as custom metadata
   * @param ports what `input` and `output` are; pictures in bytes unless said
   */
  build(
    name: string,
    producerVersion: string,
    metadata: Readonly<Record<string, string>>,
    ports: Ports = PICTURES,
  ): Uint8Array {
    return encodeModel({
      irVersion: IR_VERSION,
      producerName: 'darkroom',
      producerVersion,
      graph: {
        name,
        node: this.#nodes,
        initializer: this.#constants,
        input: [ports.input],
        output: [ports.output],
      },
      opsetImport: [{ domain: '', version: OPSET }, ...(this.#hasContributed ? [CONTRIBUTED] : [])],
      metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    });
  }

  #constant(name: string, type: DataType, rawData: Uint8Array, dims: readonly number[]): Value {
    this.#constants.push({ name, dataType: DATA_TYPE[type], dims: [...dims], rawData });
    return name;
  }
}

function encodeAttribute(name: string, given: Attribute): AttributeProto {
  if (typeof given === 'string') return { name, type: ATTRIBUTE_TYPE.string, s: new TextEncoder().encode(given) };
  if (typeof given === 'number') return { name, type: ATTRIBUTE_TYPE.int, i: given };
  if ('float' in given) return { name, type: ATTRIBUTE_TYPE.float, f: given.float };
  return { name, type: ATTRIBUTE_TYPE.ints, ints: [...given] };
}

const picture = (name: string, height: string, width: string): ValueInfoProto => ({
  name,
  type: {
    tensorType: {
      elemType: DATA_TYPE.uint8,
      shape: { dim: [{ dimParam: 'N' }, { dimParam: height }, { dimParam: width }, { dimValue: 3 }] },
    },
  },
});

const PICTURES: Ports = { input: picture('input', 'H', 'W'), output: picture('output', 'outH', 'outW') };

/** A tensor of floats of one fixed shape. */
export const floatPort = (name: string, dims: readonly number[]): ValueInfoProto => ({
  name,
  type: { tensorType: { elemType: DATA_TYPE.float, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } },
});
