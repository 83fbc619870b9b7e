import { DarkroomError } from '../contracts/errors.ts';

/** One line of an ncnn `.param` file: what a layer is, what it reads and what it makes. */
export interface NcnnLayer {
  readonly type: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Parameter id → its values; array parameters (ids of -23300 and below) come without their length. */
  readonly params: ReadonlyMap<number, readonly number[]>;
}

const MAGIC = '7767517';
/** The largest network here has a thousand layers; a damaged count must not make us allocate for millions. */
const MAX_LAYERS = 20_000;
const MAX_TEXT = 4 * 1024 * 1024;
const ARRAY_IDS = -23_300;

/** How every fault of a weights file is told. */
export const corrupt = (what: string): DarkroomError =>
  new DarkroomError('model_corrupt', `The network's file is damaged: ${what}.`);

/**
 * Reads the text form of an ncnn network.
 * @throws DarkroomError `model_corrupt` that names the first line which cannot be.
 */
export function parseNcnnParam(text: string): NcnnLayer[] {
  if (text.length > MAX_TEXT) throw corrupt('its description is far too long');
  const lines = text.split('\n').map((line) => line.trim());
  if (lines[0] !== MAGIC) throw corrupt('it does not start as an ncnn description does');
  const [layerCount = NaN, blobCount = NaN] = (lines[1] ?? '').split(/\s+/).map(Number);
  if (!isCount(layerCount, MAX_LAYERS) || !isCount(blobCount, MAX_LAYERS * 10)) {
    throw corrupt('its second line must hold the numbers of layers and blobs');
  }
  const layers = lines
    .map((line, index) => ({ line, number: index + 1 }))
    .slice(2)
    .filter(({ line }) => line !== '')
    .map(({ line, number }) => parseLayer(line, number));
  if (layers.length !== layerCount) throw corrupt(`it announces ${layerCount} layers and has ${layers.length}`);
  checkWiring(layers, blobCount);
  return layers;
}

function parseLayer(line: string, number: number): NcnnLayer {
  const fields = line.split(/\s+/);
  const [type = '', name = '', inputCount = '', outputCount = ''] = fields;
  const [ins, outs] = [Number(inputCount), Number(outputCount)];
  const paramsAt = 4 + ins + outs;
  if (!isCount(ins, 1_000) || !isCount(outs, 1_000) || fields.length < paramsAt) {
    throw corrupt(`line ${number} breaks off`);
  }
  return {
    type,
    name,
    inputs: fields.slice(4, 4 + ins),
    outputs: fields.slice(4 + ins, paramsAt),
    params: new Map(fields.slice(paramsAt).map((field) => parseParam(field, number))),
  };
}

function parseParam(field: string, number: number): [id: number, values: number[]] {
  const match = /^(-?\d+)=(\S+)$/.exec(field);
  const id = Number(match?.[1] ?? NaN);
  const values = (match?.[2] ?? '').split(',').map((value) => (value === '' ? NaN : Number(value)));
  const isArray = id <= ARRAY_IDS;
  const lengthFits = isArray ? values[0] === values.length - 1 : values.length === 1;
  if (Number.isNaN(id) || values.some((value) => !Number.isFinite(value)) || !lengthFits) {
    throw corrupt(`line ${number} has a parameter that cannot be read`);
  }
  return [id, isArray ? values.slice(1) : values];
}

/** Every blob is made once, and before it is read. */
function checkWiring(layers: readonly NcnnLayer[], blobCount: number): void {
  const made = new Set<string>();
  for (const layer of layers) {
    const missing = layer.inputs.find((blob) => !made.has(blob));
    if (missing !== undefined) throw corrupt(`layer ${layer.name} reads ${missing}, which no layer before it makes`);
    for (const blob of layer.outputs) {
      if (made.has(blob)) throw corrupt(`two layers make ${blob}`);
      made.add(blob);
    }
  }
  if (made.size !== blobCount) throw corrupt(`it announces ${blobCount} blobs and has ${made.size}`);
}

const isCount = (value: number, max: number): boolean => Number.isInteger(value) && value >= 0 && value <= max;
