import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { enhanceOptionsSchema, type EnhanceOptions } from '../../../src/contracts/options.ts';
import { resultFormatOf } from '../../../src/contracts/result-format.ts';
import { attachAlpha, enlargeAlpha } from '../../../src/inference/alpha.ts';
import { openCanvas } from '../../../src/inference/canvas.ts';
import { decodePhoto, readHeader, type PhotoHeader } from '../../../src/inference/decode.ts';
import { encodeResult } from '../../../src/inference/encode.ts';
import { buildProfile, WIDE_PRIMARIES } from '../../../src/inference/icc-profile.ts';
import { resultNotes } from '../../../src/inference/result-notes.ts';
import { samplesLike, type Pixels, type Samples } from '../../../src/inference/tiles.ts';
import { withPngProfile } from './containers.ts';

/** Parts of the tests of what lies between file and pixels: the way in and the way out, with every pixel repeated in between. */

export const SAMPLES = join(import.meta.dirname, '../../../samples');

// A file that is written anew under the same name is another file.
sharp.cache(false);

export const makeFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'darkroom-formats-'));
export const removeFolder = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });

export interface Outcome {
  readonly path: string;
  readonly file: Buffer;
  readonly header: PhotoHeader;
  readonly notes: readonly string[];
}

export const optionsOf = (changes: Partial<EnhanceOptions>): EnhanceOptions =>
  enhanceOptionsSchema.parse({ quality: 'fast', tileSize: 400, scale: 1, ...changes });

/**
 * Decodes a photo and encodes it again, `scale` times as large. In place of the network every pixel is repeated, or, as a
 * network does, mixed with its neighbours.
 */
export async function roundTrip(
  input: string | Buffer,
  folder: string,
  changes: Partial<EnhanceOptions> = {},
  scale = 1,
  stand: 'repeat' | 'smooth' = 'repeat',
): Promise<Outcome> {
  const work = await mkdtemp(join(folder, 'round-'));
  const inputPath = typeof input === 'string' ? input : join(work, 'input');
  if (typeof input !== 'string') await writeFile(inputPath, input);
  const options = optionsOf(changes);
  const header = await readHeader(inputPath, 100_000_000);
  const format = resultFormatOf(header.format, options.format);
  const { colour, alpha } = await decodePhoto(inputPath, header);
  const canvas = { width: header.width * scale, height: header.height * scale, channels: alpha ? 4 : 3 } as const;
  const canvasPath = join(work, 'canvas.tif');
  const file = await openCanvas(canvasPath, canvas.width, canvas.height, canvas.channels, header.depth);
  const rgb = stand === 'repeat' ? repeated(colour, scale) : await smoothed(colour, scale);
  await file.append(alpha ? attachAlpha(rgb, await enlargeAlpha(alpha, scale, 0, canvas.height)) : rgb);
  await file.close();
  const path = join(work, `result${format.extension}`);
  const { width, height } = canvas;
  await encodeResult({ canvasPath, resultPath: path, canvas, width, height, format, header, options });
  return { path, file: await readFile(path), header, notes: resultNotes(header, format, options, { width, height }) };
}

async function smoothed({ width, height, data }: Pixels, scale: number): Promise<Samples> {
  const deep = data instanceof Uint16Array;
  const enlarged = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(width * scale, height * scale, { kernel: 'cubic' })
    .toColourspace(deep ? 'rgb16' : 'srgb')
    .raw({ depth: deep ? 'ushort' : 'uchar' })
    .toBuffer();
  const bytes = new Uint8Array(enlarged);
  return deep ? new Uint16Array(bytes.buffer) : bytes;
}

function repeated({ width, height, data }: Pixels, scale: number): Samples {
  const target = samplesLike(data, data.length * scale * scale);
  for (let y = 0; y < height * scale; y += 1) {
    for (let x = 0; x < width * scale; x += 1) {
      const from = (Math.floor(y / scale) * width + Math.floor(x / scale)) * 3;
      target.set(data.subarray(from, from + 3), (y * width * scale + x) * 3);
    }
  }
  return target;
}

/** The file's own samples, converted by nothing. */
export async function rawSamples(file: string | Buffer): Promise<Pixels> {
  const { space, depth, channels } = await sharp(file).metadata();
  const deep = depth === 'ushort';
  const picture = sharp(file, { ignoreIcc: true });
  if (space === 'cmyk') picture.pipelineColourspace('cmyk');
  // Of grey and alpha sharp hands out the grey alone; as RGB it repeats it.
  picture.toColourspace(channels === 2 ? (deep ? 'rgb16' : 'srgb') : space);
  const { data, info } = await picture.raw({ depth: deep ? 'ushort' : 'uchar' }).toBuffer({ resolveWithObject: true });
  const bytes = new Uint8Array(data);
  const samples = deep ? new Uint16Array(bytes.buffer) : bytes;
  const { width, height } = info;
  if (channels !== 2) return { width, height, channels: info.channels, data: samples };
  return { width, height, channels, data: samples.filter((_, at) => at % 4 === 0 || at % 4 === 3) };
}

/** Samples as a picture that sharp can write. */
export const pictureOf = (data: Samples, width: number, height: number, channels: 1 | 2 | 3 | 4): Sharp =>
  sharp(data, { raw: { width, height, channels } });

/** CIE Lab (D50) of every pixel, by the file's own profile: three numbers each. */
export async function labOf(file: string | Buffer, folder: string): Promise<Float64Array> {
  const wide = join(await mkdtemp(join(folder, 'lab-')), 'wide.icc');
  await writeFile(wide, buildProfile(WIDE_PRIMARIES, 'wide'));
  const { space, icc } = await sharp(file).metadata();
  const picture = sharp(file, { ignoreIcc: true });
  if (space === 'cmyk') picture.pipelineColourspace('cmyk').toColourspace('cmyk');
  else picture.toColourspace('rgb16');
  // Without a profile libvips would take 16 bits for Display P3.
  const tagged =
    icc === undefined && space !== 'cmyk' ? sharp(await tagAsSrgb(picture, wide), { ignoreIcc: true }) : picture;
  if (space !== 'cmyk') tagged.toColourspace('rgb16');
  const { data } = await tagged
    .withIccProfile(wide, { attach: false })
    .removeAlpha()
    .raw({ depth: space === 'cmyk' ? 'uchar' : 'ushort' })
    .toBuffer({ resolveWithObject: true });
  const samples = space === 'cmyk' ? data : new Uint16Array(new Uint8Array(data).buffer);
  const full = space === 'cmyk' ? 255 : 65535;
  const lab = new Float64Array(samples.length);
  for (let at = 0; at < samples.length; at += 3) {
    lab.set(labOfWide([0, 1, 2].map((channel) => (samples[at + channel] ?? 0) / full)), at);
  }
  return lab;
}

/** Primaries of sRGB, adapted to D50. */
const SRGB: readonly (readonly [number, number, number])[] = [
  [0.43607, 0.22249, 0.01392],
  [0.38515, 0.71687, 0.09708],
  [0.14307, 0.06061, 0.7141],
];

async function tagAsSrgb(picture: Sharp, beside: string): Promise<string> {
  const path = `${beside}.png`;
  const plain = await picture.png().toBuffer();
  await writeFile(path, withPngProfile(plain, buildProfile(SRGB, 'sRGB')));
  return path;
}

function labOfWide(encoded: readonly number[]): number[] {
  const light = encoded.map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  const xyz = [0, 1, 2].map((row) =>
    WIDE_PRIMARIES.reduce((sum, column, index) => sum + (column[row] ?? 0) * (light[index] ?? 0), 0),
  );
  const [fx = 0, fy = 0, fz = 0] = [0.9642, 1, 0.8249].map((white, index) => {
    const ratio = (xyz[index] ?? 0) / white;
    return ratio > 216 / 24389 ? Math.cbrt(ratio) : ((24389 / 27) * ratio + 16) / 116;
  });
  return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** CIEDE2000. */
export function deltaE(a: readonly number[], b: readonly number[]): number {
  const [l1 = 0, a1 = 0, b1 = 0] = a;
  const [l2 = 0, a2 = 0, b2 = 0] = b;
  const mean = (Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2;
  const g = 0.5 * (1 - Math.sqrt(mean ** 7 / (mean ** 7 + 25 ** 7)));
  const [p1, p2] = [a1 * (1 + g), a2 * (1 + g)];
  const [c1, c2] = [Math.hypot(p1, b1), Math.hypot(p2, b2)];
  const hue = (x: number, y: number): number =>
    x === 0 && y === 0 ? 0 : ((Math.atan2(y, x) * 180) / Math.PI + 360) % 360;
  const [h1, h2] = [hue(p1, b1), hue(p2, b2)];
  const turn = c1 * c2 === 0 ? 0 : ((h2 - h1 + 540) % 360) - 180;
  const [dl, dc, dh] = [l2 - l1, c2 - c1, 2 * Math.sqrt(c1 * c2) * Math.sin(radians(turn / 2))];
  const [l, c] = [(l1 + l2) / 2, (c1 + c2) / 2];
  const h = c1 * c2 === 0 ? h1 + h2 : (h1 + turn / 2 + 360) % 360;
  const t =
    1 -
    0.17 * Math.cos(radians(h - 30)) +
    0.24 * Math.cos(radians(2 * h)) +
    0.32 * Math.cos(radians(3 * h + 6)) -
    0.2 * Math.cos(radians(4 * h - 63));
  const rotation =
    -2 * Math.sqrt(c ** 7 / (c ** 7 + 25 ** 7)) * Math.sin(radians(60 * Math.exp(-(((h - 275) / 25) ** 2))));
  const [sl, sc, sh] = [1 + (0.015 * (l - 50) ** 2) / Math.sqrt(20 + (l - 50) ** 2), 1 + 0.045 * c, 1 + 0.015 * c * t];
  return Math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rotation * (dc / sc) * (dh / sh));
}

/** Differences of two pictures of one size, in CIEDE2000. */
export async function differences(
  a: string | Buffer,
  b: string | Buffer,
  folder: string,
): Promise<{ mean: number; worst: number }> {
  const [first, second] = [await labOf(a, folder), await labOf(b, folder)];
  if (first.length !== second.length)
    throw new RangeError(`Expected ${first.length} values but received ${second.length}`);
  let [sum, worst] = [0, 0];
  for (let at = 0; at < first.length; at += 3) {
    const difference = deltaE([...first.subarray(at, at + 3)], [...second.subarray(at, at + 3)]);
    sum += difference;
    worst = Math.max(worst, difference);
  }
  return { mean: sum / (first.length / 3), worst };
}
