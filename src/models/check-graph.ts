import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { DarkroomError } from '../contracts/errors.ts';
import type { ModelEntry } from '../contracts/models.ts';

/** What running a graph over its reference picture showed. */
export interface GraphCheck {
  /** Largest difference of any channel of any pixel to the reference, of 255. */
  readonly maxDifference: number;
  /** Share of the pixels that differ at all, 0..1. */
  readonly pixelsOff: number;
}

/**
 * Runs a graph over the small reference picture of `models/vectors/` and compares. Blocks for a quarter of a second.
 * @param graph bytes or path of an `.onnx` file
 * @throws DarkroomError `model_corrupt` when it cannot be run or its result is not the reference's size.
 */
export async function compareWithReference(
  graph: Uint8Array | string,
  entry: ModelEntry,
  modelsDir: string,
): Promise<GraphCheck> {
  const [input, expected] = await Promise.all([
    readPixels(join(modelsDir, 'vectors', entry.vector.input)),
    readPixels(join(modelsDir, 'vectors', entry.vector.output)),
  ]);
  const output = await runGraph(graph, input).catch((error: unknown) => {
    throw new DarkroomError('model_corrupt', `The network ${entry.name} cannot be run.`, { cause: error });
  });
  if (output.width !== expected.width || output.height !== expected.height) {
    throw new DarkroomError(
      'model_corrupt',
      `The network ${entry.name} gives ${output.width}x${output.height} pixels instead of ${expected.width}x${expected.height}.`,
    );
  }
  return compare(output.pixels, expected.pixels);
}

/**
 * Refuses a graph that does not reproduce its reference.
 * @throws DarkroomError `model_corrupt`
 */
export function requireLikeness({ maxDifference }: GraphCheck, entry: ModelEntry): void {
  if (maxDifference <= entry.vector.maxDifference) return;
  throw new DarkroomError(
    'model_corrupt',
    `The network ${entry.name} does not reproduce its reference picture: it is off by up to ${maxDifference} of 255 levels.`,
  );
}

/** Three bytes a pixel, row by row. */
interface Picture {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

async function readPixels(path: string): Promise<Picture> {
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { pixels: data, width: info.width, height: info.height };
}

async function runGraph(graph: Uint8Array | string, { pixels, width, height }: Picture): Promise<Picture> {
  const settings = { executionProviders: ['cpu'], intraOpNumThreads: 1, enableMemPattern: false };
  const session =
    typeof graph === 'string'
      ? await InferenceSession.create(graph, settings)
      : await InferenceSession.create(graph, settings);
  try {
    const { output } = await session.run({ input: new Tensor('uint8', pixels, [1, height, width, 3]) });
    if (!(output?.data instanceof Uint8Array)) throw new TypeError('Expected bytes for the output');
    const [, outputHeight = 0, outputWidth = 0] = output.dims;
    return { pixels: output.data, width: outputWidth, height: outputHeight };
  } finally {
    await session.release();
  }
}

function compare(found: Uint8Array, expected: Uint8Array): GraphCheck {
  let maxDifference = 0;
  const off = new Set<number>();
  expected.forEach((level, index) => {
    const difference = Math.abs(level - (found[index] ?? 0));
    if (difference > 0) off.add(Math.floor(index / 3));
    maxDifference = Math.max(maxDifference, difference);
  });
  return { maxDifference, pixelsOff: off.size / (expected.length / 3) };
}
