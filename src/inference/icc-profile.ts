/** ICC profiles: enough of the format to tell what a profile describes, and to write simple ones. Everything is big-endian. */

export interface IccProfile {
  readonly model: 'rgb' | 'grey' | 'cmyk';
  /** Columns of red, green and blue in the connection space (D50); only of profiles that are a matrix and curves. */
  readonly primaries?: readonly Xyz[];
  /** Exponent of its curves at medium grey: about 2.2, and 1 where samples count light. */
  readonly gamma?: number;
  /** The curve of a grey profile, as it stands in the file. */
  readonly curve?: Buffer;
}

export type Xyz = readonly [number, number, number];

const HEADER_BYTES = 128;
const TAG_BYTES = 12;
const MAX_TAGS = 200;

const MODELS: Readonly<Record<string, IccProfile['model']>> = { 'RGB ': 'rgb', GRAY: 'grey', CMYK: 'cmyk' };

/** What a profile describes; `undefined` for one that is broken or of a kind no photo has. Never throws. */
export function readProfile(profile: Buffer): IccProfile | undefined {
  if (profile.length < HEADER_BYTES + 4 || profile.toString('latin1', 36, 40) !== 'acsp') return undefined;
  const size = profile.readUInt32BE(0);
  if (size < HEADER_BYTES + 4 || size > profile.length) return undefined;
  const model = MODELS[profile.toString('latin1', 16, 20)];
  const tags = readTags(profile.subarray(0, size));
  if (model === undefined || tags === undefined) return undefined;
  const has = (...names: string[]): boolean => names.every((name) => tags.has(name));
  if (model === 'cmyk') return has('A2B0') ? { model } : undefined;
  if (model === 'grey') {
    const curve = tags.get('kTRC');
    return readGamma(curve) === undefined || curve === undefined ? undefined : { model, curve };
  }
  const isMatrix = has('rXYZ', 'gXYZ', 'bXYZ', 'rTRC', 'gTRC', 'bTRC');
  if (!isMatrix) return has('A2B0') ? { model } : undefined;
  const primaries = ['rXYZ', 'gXYZ', 'bXYZ'].map((name) => readXyz(tags.get(name)));
  const gamma = readGamma(tags.get('gTRC'));
  if (gamma === undefined || !primaries.every((column) => column !== undefined)) return undefined;
  // Where there is a table as well, it is the one that counts; its curves are not to be seen from here.
  return has('A2B0') ? { model } : { model, primaries, gamma };
}

function readTags(profile: Buffer): Map<string, Buffer> | undefined {
  const count = profile.readUInt32BE(HEADER_BYTES);
  if (count > MAX_TAGS || HEADER_BYTES + 4 + count * TAG_BYTES > profile.length) return undefined;
  const tags = new Map<string, Buffer>();
  for (let index = 0; index < count; index += 1) {
    const at = HEADER_BYTES + 4 + index * TAG_BYTES;
    const [start, length] = [profile.readUInt32BE(at + 4), profile.readUInt32BE(at + 8)];
    if (start + length > profile.length || length < 8) return undefined;
    tags.set(profile.toString('latin1', at, at + 4), profile.subarray(start, start + length));
  }
  return tags;
}

function readXyz(tag: Buffer | undefined): Xyz | undefined {
  if (tag === undefined || tag.length < 20) return undefined;
  const value = (at: number): number => tag.readInt32BE(at) / 65536;
  return [value(8), value(12), value(16)];
}

/** Tables of a profile that sharp does not ask for, and those it does: colours as they are, and as they please. */
const COLORIMETRIC = { A2B0: 'A2B1', B2A0: 'B2A1' } as const;

/**
 * The profile with its colorimetric tables in place of the perceptual ones. sharp always asks for the latter, which squeeze
 * every colour towards grey to make room; what came from inks has room already.
 */
export function colorimetric(profile: Buffer): Buffer {
  const copy = Buffer.from(profile);
  const tags = readTags(copy) ?? new Map<string, Buffer>();
  for (let index = 0; index < Math.min(MAX_TAGS, copy.readUInt32BE(HEADER_BYTES)); index += 1) {
    const at = HEADER_BYTES + 4 + index * TAG_BYTES;
    const name = copy.toString('latin1', at, at + 4);
    const table = name === 'A2B0' || name === 'B2A0' ? tags.get(COLORIMETRIC[name]) : undefined;
    if (table === undefined) continue;
    copy.writeUInt32BE(table.byteOffset - copy.byteOffset, at + 4);
    copy.writeUInt32BE(table.length, at + 8);
  }
  return copy;
}

/** The exponent that would give the curve's value at one half. */
function readGamma(tag: Buffer | undefined): number | undefined {
  if (tag === undefined || tag.length < 12) return undefined;
  const type = tag.toString('latin1', 0, 4);
  if (type === 'curv') return readCurve(tag);
  if (type !== 'para') return undefined;
  const kind = tag.readUInt16BE(8);
  const counts = [1, 3, 4, 5, 7];
  const count = counts[kind];
  if (count === undefined || tag.length < 12 + count * 4) return undefined;
  const [g = 1, a = 1, b = 0, c = 0, d = 0, e = 0, f = 0] = Array.from(
    { length: count },
    (_, index) => tag.readInt32BE(12 + index * 4) / 65536,
  );
  if (kind === 0) return g;
  const power = (a * 0.5 + b) ** g;
  if (kind === 1) return exponentAt(0.5 >= -b / a ? power : 0);
  if (kind === 2) return exponentAt(0.5 >= -b / a ? power + c : c);
  return exponentAt(0.5 >= d ? power + e : c * 0.5 + f);
}

function readCurve(tag: Buffer): number | undefined {
  const count = tag.readUInt32BE(8);
  if (count === 0) return 1;
  if (tag.length < 12 + count * 2) return undefined;
  if (count === 1) return tag.readUInt16BE(12) / 256;
  const middle = (count - 1) / 2;
  const at = (index: number): number => tag.readUInt16BE(12 + index * 2);
  return exponentAt((at(Math.floor(middle)) + at(Math.ceil(middle))) / 2 / 65535);
}

const exponentAt = (value: number): number | undefined =>
  value > 0 && value < 1 ? Math.log(value) / Math.log(0.5) : undefined;

/** Points of the curve that built profiles have: between two of them it is straight, to a hundredth of a level. */
const CURVE_POINTS = 1024;
const D50: Xyz = [0.9642, 1, 0.8249];

/** Primaries of sRGB, adapted to D50. */
const SRGB_PRIMARIES: readonly Xyz[] = [
  [0.436066, 0.222488, 0.013916],
  [0.385147, 0.716873, 0.097076],
  [0.143066, 0.060608, 0.714096],
];

/** Primaries of ITU-R BT.2020, adapted to D50: wide enough for every printing ink. */
export const WIDE_PRIMARIES: readonly Xyz[] = [
  [0.673459, 0.279033, -0.001931],
  [0.165661, 0.675338, 0.029978],
  [0.1251, 0.045629, 0.797162],
];

/** Three equal channels that mean what one channel means in a grey profile. */
export const greyAsRgb = (curve: Buffer): Buffer => buildProfile(SRGB_PRIMARIES, 'Grey in RGB', curve);

/**
 * A profile of these primaries (D50), with the curve of sRGB unless another is given. Of version 2, because with one of
 * version 4 the colour engine shifts blacks as it sees fit.
 */
export function buildProfile(primaries: readonly Xyz[], description: string, tones = sRgbTones()): Buffer {
  const curve = Buffer.concat([tones, Buffer.alloc((4 - (tones.length % 4)) % 4)]);
  const column = (index: number): Buffer => xyzTag(primaries[index] ?? D50);
  const contents = [descriptionTag(description), textTag('CC0'), xyzTag(D50), column(0), column(1), column(2), curve];
  const names = ['desc', 'cprt', 'wtpt', 'rXYZ', 'gXYZ', 'bXYZ', 'rTRC', 'gTRC', 'bTRC'];
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(0x02400000, 8);
  header.write('mntrRGB XYZ ', 12, 'latin1');
  for (const [index, part] of [2026, 1, 1].entries()) header.writeUInt16BE(part, 24 + index * 2);
  header.write('acsp', 36, 'latin1');
  for (const [index, value] of D50.entries()) header.writeInt32BE(Math.round(value * 65536), 68 + index * 4);
  const table = Buffer.alloc(4 + names.length * TAG_BYTES);
  table.writeUInt32BE(names.length, 0);
  let at = header.length + table.length;
  const places = contents.map((content) => {
    const place = { at, bytes: content.length };
    at += content.length;
    return place;
  });
  for (const [index, name] of names.entries()) {
    const place = places[Math.min(index, places.length - 1)] ?? { at: 0, bytes: 0 }; // the three curves are one
    table.write(name, 4 + index * TAG_BYTES, 'latin1');
    table.writeUInt32BE(place.at, 8 + index * TAG_BYTES);
    table.writeUInt32BE(place.bytes, 12 + index * TAG_BYTES);
  }
  header.writeUInt32BE(at, 0);
  return Buffer.concat([header, table, ...contents]);
}

function sRgbTones(): Buffer {
  const tag = Buffer.alloc(12 + CURVE_POINTS * 2);
  tag.write('curv', 'latin1');
  tag.writeUInt32BE(CURVE_POINTS, 8);
  for (let point = 0; point < CURVE_POINTS; point += 1) {
    const value = point / (CURVE_POINTS - 1);
    const light = value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    tag.writeUInt16BE(Math.round(light * 65535), 12 + point * 2);
  }
  return tag;
}

function xyzTag(values: Xyz): Buffer {
  const tag = Buffer.alloc(20);
  tag.write('XYZ ', 'latin1');
  for (const [index, value] of values.entries()) tag.writeInt32BE(Math.round(value * 65536), 8 + index * 4);
  return tag;
}

const padded = (content: Buffer): Buffer => Buffer.concat([content, Buffer.alloc((4 - (content.length % 4)) % 4)]);

const textTag = (text: string): Buffer => padded(Buffer.from(`text\0\0\0\0${text}\0`, 'latin1'));

/** ASCII alone: the texts in Unicode and for the Macintosh that may follow are empty. */
function descriptionTag(text: string): Buffer {
  const head = Buffer.from('desc\0\0\0\0\0\0\0\0', 'latin1');
  head.writeUInt32BE(text.length + 1, 8);
  return padded(Buffer.concat([head, Buffer.from(`${text}\0`, 'latin1'), Buffer.alloc(8 + 3 + 67)]));
}
