import { DATA_TYPE, decodeModel, encodeModel, type ModelProto, type NodeProto } from './onnx-proto.ts';

/** Levels of 16 bits to one of 8: 65535 / 255. */
const FINER = 257;

/**
 * The same network for 16 bits a channel: uint16 in and out, the arithmetic between on the same scale of 255. Made from an
 * installed graph when it is needed, so that it takes no disk.
 * @throws TypeError when the graph does not begin and end as ours do.
 */
export function deepen(graph: Uint8Array): Uint8Array {
  const model = decodeModel(graph);
  const { node, initializer, input, output } = model.graph;
  for (const picture of [...input, ...output]) picture.type.tensorType.elemType = DATA_TYPE.uint16;

  const entry = find(model, ({ opType, input: [value] }) => opType === 'Cast' && value === 'input');
  const clip = find(model, ({ opType, input: values }) => opType === 'Clip' && values[2] === 'highest');
  const exit = find(model, ({ opType, attribute }) => opType === 'Cast' && attribute[0]?.i === DATA_TYPE.uint8);
  const highest = initializer.find(({ name }) => name === 'highest');
  const [whole] = clip.input;
  const [cast] = entry.output;
  if (highest === undefined || whole === undefined || cast === undefined) throw unknownGraph();

  highest.rawData = floatBytes(255 * FINER);
  initializer.push(scalar('depth.coarser', 1 / FINER), scalar('depth.finer', FINER));
  exit.attribute = exit.attribute.map((attribute) => ({ ...attribute, i: DATA_TYPE.uint16 }));
  entry.output = ['depth.read'];
  clip.input = ['depth.written', ...clip.input.slice(1)];
  node.splice(node.indexOf(clip), 0, product('depth.written', whole, 'depth.finer'));
  node.splice(node.indexOf(entry) + 1, 0, product(cast, 'depth.read', 'depth.coarser'));
  return encodeModel(model);
}

function find({ graph }: ModelProto, isIt: (node: NodeProto) => boolean): NodeProto {
  const found = graph.node.filter(isIt);
  const [only] = found;
  if (only === undefined || found.length !== 1) throw unknownGraph();
  return only;
}

const unknownGraph = (): TypeError =>
  new TypeError('Expected a graph of our own making for 16 bits but received another');

const product = (output: string, value: string, factor: string): NodeProto => ({
  opType: 'Mul',
  name: `${factor}.times`,
  input: [value, factor],
  output: [output],
  attribute: [],
});

const scalar = (name: string, value: number) => ({
  name,
  dataType: DATA_TYPE.float,
  dims: [],
  rawData: floatBytes(value),
});

const floatBytes = (value: number): Uint8Array => new Uint8Array(Float32Array.of(value).buffer);
