import protobuf from 'protobufjs/light.js';

/**
 * The part of ONNX's protocol buffers (onnx.proto, IR version 8) that our graphs use. Only the field numbers matter on
 * disk; the names are ours.
 */

export const DATA_TYPE = { float: 1, uint8: 2, int8: 3, uint16: 4, int32: 6, int64: 7, float16: 10 } as const;
export type DataType = keyof typeof DATA_TYPE;

/** AttributeProto.AttributeType */
export const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, ints: 7 } as const;

const field = (type: string, id: number, repeated = false): protobuf.IField => ({
  type,
  id,
  ...(repeated && { rule: 'repeated' }),
});

const root = protobuf.Root.fromJSON({
  nested: {
    Attribute: {
      fields: {
        name: field('string', 1),
        f: field('float', 2),
        i: field('int64', 3),
        s: field('bytes', 4),
        ints: field('int64', 8, true),
        type: field('int32', 20),
      },
    },
    Node: {
      fields: {
        input: field('string', 1, true),
        output: field('string', 2, true),
        name: field('string', 3),
        opType: field('string', 4),
        attribute: field('Attribute', 5, true),
        domain: field('string', 7),
      },
    },
    Tensor: {
      fields: {
        dims: field('int64', 1, true),
        dataType: field('int32', 2),
        name: field('string', 8),
        rawData: field('bytes', 9),
      },
    },
    Dimension: { fields: { dimValue: field('int64', 1), dimParam: field('string', 2) } },
    Shape: { fields: { dim: field('Dimension', 1, true) } },
    TensorType: { fields: { elemType: field('int32', 1), shape: field('Shape', 2) } },
    Type: { fields: { tensorType: field('TensorType', 1) } },
    ValueInfo: { fields: { name: field('string', 1), type: field('Type', 2) } },
    Graph: {
      fields: {
        node: field('Node', 1, true),
        name: field('string', 2),
        initializer: field('Tensor', 5, true),
        docString: field('string', 10),
        input: field('ValueInfo', 11, true),
        output: field('ValueInfo', 12, true),
      },
    },
    OperatorSet: { fields: { domain: field('string', 1), version: field('int64', 2) } },
    Property: { fields: { key: field('string', 1), value: field('string', 2) } },
    Model: {
      fields: {
        irVersion: field('int64', 1),
        producerName: field('string', 2),
        producerVersion: field('string', 3),
        graph: field('Graph', 7),
        opsetImport: field('OperatorSet', 8, true),
        metadataProps: field('Property', 14, true),
      },
    },
  },
});

export interface AttributeProto {
  name: string;
  type: number;
  f?: number;
  i?: number;
  s?: Uint8Array;
  ints?: number[];
}

export interface NodeProto {
  opType: string;
  name: string;
  input: string[];
  output: string[];
  attribute: AttributeProto[];
  domain?: string;
}

export interface TensorProto {
  name: string;
  dataType: number;
  dims: number[];
  rawData: Uint8Array;
}

export interface ValueInfoProto {
  name: string;
  type: { tensorType: { elemType: number; shape: { dim: { dimValue?: number; dimParam?: string }[] } } };
}

export interface ModelProto {
  irVersion: number;
  producerName: string;
  producerVersion: string;
  graph: {
    name: string;
    node: NodeProto[];
    initializer: TensorProto[];
    input: ValueInfoProto[];
    output: ValueInfoProto[];
  };
  opsetImport: { domain: string; version: number }[];
  metadataProps: { key: string; value: string }[];
}

const model = root.lookupType('Model');

/** The bytes of an `.onnx` file. */
export function encodeModel(proto: ModelProto): Uint8Array {
  return model.encode(proto).finish();
}

/** Reads back a graph of ours; fields that our graphs do not use would be lost. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  return model.toObject(model.decode(bytes), { longs: Number, arrays: true }) as ModelProto;
}
