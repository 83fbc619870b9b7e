import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { ModelEntry, ModelSource } from '../../src/contracts/models.ts';

/**
 * A whole SRVGG network of four features in ncnn's form, small enough to be computed here a second time in the plainest
 * way. One slope is above 1 and one below 0, which no shortcut of the converter may get wrong.
 */
const SLOPES = [
  [0.25, 1.5, -0.5, 1],
  [2, 0.125, 0.5, 0],
] as const;
const FEATURES = 4;

interface TinyConvolution {
  readonly inputs: number;
  readonly weights: number[];
  readonly bias: number[];
}

// Multiples of 1/128 below 1/8 are exact as half floats.
const random = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return (Math.floor((state / 2 ** 31) * 33) - 16) / 128;
  };
};

function makeConvolution(inputs: number, outputs: number, seed: number): TinyConvolution {
  const next = random(seed);
  return {
    inputs,
    weights: Array.from({ length: outputs * inputs * 9 }, next),
    bias: Array.from({ length: outputs }, next),
  };
}

export const CONVOLUTIONS = [
  makeConvolution(3, FEATURES, 1),
  makeConvolution(FEATURES, FEATURES, 2),
  makeConvolution(FEATURES, 48, 3),
] as const;

const PARAM_LINES = [
  '7767517',
  '10 11',
  'Input data 0 1 data',
  'Split split 1 2 data data_0 data_1',
  'Convolution conv_0 1 1 data_1 a 0=4 1=3 4=1 5=1 6=108',
  'PReLU prelu_0 1 1 a b 0=4',
  'Convolution conv_1 1 1 b c 0=4 1=3 4=1 5=1 6=144',
  'PReLU prelu_1 1 1 c d 0=4',
  'Convolution conv_2 1 1 d e 0=48 1=3 4=1 5=1 6=1728',
  'PixelShuffle shuffle 1 1 e f 0=4',
  'Interp interp 1 1 data_0 g 0=1 1=4.000000e+00 2=4.000000e+00',
  'BinaryOp add 2 1 f g output',
];
export const TINY_PARAM = `${PARAM_LINES.join('\n')}\n`;

export function tinyBin(): Buffer {
  const [first, second, last] = CONVOLUTIONS;
  return Buffer.concat([block(first), floats(SLOPES[0]), block(second), floats(SLOPES[1]), block(last)]);
}

export const halfFloats = (values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => bytes.writeUInt16LE(toHalf(value), index * 2));
  return bytes;
};

const floats = (values: readonly number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);
const block = ({ weights, bias }: TinyConvolution): Buffer =>
  Buffer.concat([Buffer.from([0x47, 0x6b, 0x30, 0x01]), halfFloats(weights), floats(bias)]);

function toHalf(value: number): number {
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  const fraction = Math.round((Math.abs(value) / 2 ** exponent - 1) * 1_024);
  return (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | fraction;
}

/** The network by the book: bytes of an RGB picture in, bytes of one four times as wide and tall out. */
export function computeTiny(pixels: Uint8Array, width: number, height: number): Uint8Array {
  const size = width * height;
  const photo = Array.from({ length: 3 }, (_, channel) =>
    Array.from({ length: size }, (_, at) => (pixels[at * 3 + channel] ?? 0) / 255),
  );
  let planes = photo;
  CONVOLUTIONS.forEach((convolution, layer) => {
    planes = convolve(planes, convolution, width, height);
    const slopes = SLOPES[layer];
    if (slopes) {
      planes = planes.map((plane, channel) =>
        plane.map((value) => (value < 0 ? value * (slopes[channel] ?? 1) : value)),
      );
    }
  });
  const result = new Uint8Array(size * 16 * 3);
  for (let y = 0; y < height * 4; y += 1) {
    for (let x = 0; x < width * 4; x += 1) {
      const at = (y >> 2) * width + (x >> 2);
      for (let channel = 0; channel < 3; channel += 1) {
        const value = (planes[channel * 16 + (y % 4) * 4 + (x % 4)]?.[at] ?? 0) + (photo[channel]?.[at] ?? 0);
        result[(y * width * 4 + x) * 3 + channel] = Math.round(Math.min(1, Math.max(0, value)) * 255);
      }
    }
  }
  return result;
}

function convolve(
  planes: number[][],
  { inputs, weights, bias }: TinyConvolution,
  width: number,
  height: number,
): number[][] {
  return bias.map((start, output) =>
    Array.from({ length: width * height }, (_, at) => {
      const [x, y] = [at % width, Math.floor(at / width)];
      let sum = start;
      for (let input = 0; input < inputs; input += 1) {
        for (let tap = 0; tap < 9; tap += 1) {
          const [column, row] = [x + (tap % 3) - 1, y + Math.floor(tap / 3) - 1];
          if (column < 0 || row < 0 || column >= width || row >= height) continue;
          sum += (weights[(output * inputs + input) * 9 + tap] ?? 0) * (planes[input]?.[row * width + column] ?? 0);
        }
      }
      return sum;
    }),
  );
}

export const pinned = (
  name: string,
  content: Uint8Array | string,
): { name: string; bytes: number; sha256: string } => ({
  name,
  bytes: Buffer.byteLength(content),
  sha256: createHash('sha256').update(content).digest('hex'),
});

/** A catalogue entry for the tiny network. */
export const tinyEntry = (sources: ModelSource[], change: Partial<ModelEntry> = {}): ModelEntry => ({
  name: 'tiny',
  title: 'Tiny',
  role: 'photo',
  architecture: 'srvgg',
  files: { param: pinned('tiny.param', TINY_PARAM), bin: pinned('tiny.bin', tinyBin()) },
  sources,
  scale: 4,
  teraflopPerMegapixel: 0.001,
  overlap: { pixels: 4, join: 'cut' },
  memory: { baseBytes: 1, bytesPerWindowPixel: 1 },
  vector: { input: 'input.png', output: 'tiny.png', maxDifference: 1 },
  default: false,
  licence: { spdx: 'MIT', holder: 'the test', origin: 'https://example.org' },
  ...change,
});

/** A `models/` folder with the tiny network's reference pair. */
export async function writeTinyVectors(modelsDir: string, spoil = 0): Promise<void> {
  const folder = join(modelsDir, 'vectors');
  await mkdir(folder, { recursive: true });
  const input = testPixels(8, 8);
  const output = computeTiny(input, 8, 8);
  output[100] = (output[100] ?? 0) ^ spoil;
  await sharp(input, { raw: { width: 8, height: 8, channels: 3 } })
    .png()
    .toFile(join(folder, 'input.png'));
  await sharp(output, { raw: { width: 32, height: 32, channels: 3 } })
    .png()
    .toFile(join(folder, 'tiny.png'));
}

export const testPixels = (width: number, height: number): Uint8Array =>
  Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * 37 + (at % 7) * 31) % 256);
