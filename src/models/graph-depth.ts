import { ATTRIBUTE_TYPE, DATA_TYPE, decodeModel, encodeModel, type ModelProto, type NodeProto } from './onnx-proto.ts';

/** Levels of 16 bits to one of 8: 65535 / 255. */
const FINER = 257;

/**
 * The same network for 16 bits a channel: uint16 in and out, the arithmetic between on the same scale of 255. Made from an
 * installed graph when it is needed, so that it takes no disk.
 * @throws TypeError when the graph does not begin and end as ours do.
 */
export function deepen(graph: Uint8Array): Uint8Array {
  const model = decodeModel(graph);
  const { node, input, output } = model.graph;
  for (const picture of [...input, ...output]) picture.type.tensorType.elemType = DATA_TYPE.uint16;
  const adds = node.some(({ opType }) => opType === 'QLinearAdd');
  if (adds) deepenCodes(model);
  else deepenFloats(model);
  return encodeModel(model);
}

function deepenFloats(model: ModelProto): void {
  const { node, initializer } = model.graph;
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
}

/** A graph that adds its detail to the photo in bytes: here it does so in floats, and only the convolutions see bytes. */
function deepenCodes(model: ModelProto): void {
  const { node, initializer } = model.graph;
  const sum = find(model, ({ opType }) => opType === 'QLinearAdd');
  const [detail, unit, middle, nearest, one, zero] = sum.input;
  const copy = find(model, ({ output: [value] }) => value === nearest);
  const copies = initializer.find(({ name }) => name === copy.input[3]);
  const [channels, colours] = copies?.dims ?? [];
  if (!detail || !unit || !middle || !one || !zero || !channels || !colours) throw unknownGraph();

  const places = BigInt64Array.of(1n, 1n, 1n, BigInt(channels / colours));
  initializer.push(
    scalar('depth.coarser', 1 / FINER),
    scalar('depth.finer', FINER),
    scalar('depth.lowest', 0),
    scalar('depth.highest', 255 * FINER),
    { name: 'depth.places', dataType: DATA_TYPE.int64, dims: [places.length], rawData: new Uint8Array(places.buffer) },
  );
  for (const reader of node) reader.input = reader.input.map((value) => (value === 'input' ? 'depth.codes' : value));
  node.splice(
    node.indexOf(sum),
    1,
    operation('DequantizeLinear', [detail, unit, middle], 'depth.detail'),
    operation('Tile', ['depth.photo', 'depth.places'], 'depth.nearest'),
    operation('Add', ['depth.detail', 'depth.nearest'], 'depth.sum'),
    product('depth.written', 'depth.sum', 'depth.finer'),
    operation('Clip', ['depth.written', 'depth.lowest', 'depth.highest'], 'depth.clipped'),
    operation('Round', ['depth.clipped'], 'depth.rounded'),
    { ...operation('Cast', ['depth.rounded'], 'depth.exit'), ...castTo(DATA_TYPE.uint16), output: sum.output },
  );
  node.splice(node.indexOf(copy), 1);
  model.graph.initializer = initializer.filter(({ name }) => !copy.input.slice(3, 6).includes(name));
  node.unshift(
    { ...operation('Cast', ['input'], 'depth.read'), ...castTo(DATA_TYPE.float) },
    product('depth.photo', 'depth.read', 'depth.coarser'),
    operation('QuantizeLinear', ['depth.photo', one, zero], 'depth.codes'),
  );
}

function find({ graph }: ModelProto, isIt: (node: NodeProto) => boolean): NodeProto {
  const found = graph.node.filter(isIt);
  const [only] = found;
  if (only === undefined || found.length !== 1) throw unknownGraph();
  return only;
}

const unknownGraph = (): TypeError =>
  new TypeError('Expected a graph of our own making for 16 bits but received another');

const operation = (opType: string, input: string[], output: string): NodeProto => ({
  opType,
  name: output,
  input,
  output: [output],
  attribute: [],
});

const product = (output: string, value: string, factor: string): NodeProto => ({
  ...operation('Mul', [value, factor], output),
  name: `${factor}.times`,
});

const castTo = (type: number): Pick<NodeProto, 'attribute'> => ({
  attribute: [{ name: 'to', type: ATTRIBUTE_TYPE.int, i: type }],
});

const scalar = (name: string, value: number) => ({
  name,
  dataType: DATA_TYPE.float,
  dims: [],
  rawData: floatBytes(value),
});

const floatBytes = (value: number): Uint8Array => new Uint8Array(Float32Array.of(value).buffer);
