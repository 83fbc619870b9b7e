import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import sharp from 'sharp';
import type { FaceEntry } from '../../../src/contracts/models.ts';
import { CROP_PIXELS, CROP_SIDE, type Crop } from '../../../src/inference/faces/face-crop.ts';
import type { Detector } from '../../../src/inference/faces/find-faces.ts';
import type { Pixels } from '../../../src/inference/tiles.ts';
import { loadConfig } from '../../../src/load-config.ts';
import { readFaceCatalogue } from '../../../src/models/catalogue.ts';
import { inspectFaceModel, type InstalledFaceModel } from '../../../src/models/face-models.ts';
import { GraphBuilder } from '../../../src/models/graph-builder.ts';
import { FACE_PORTS } from '../../../src/models/graph-gfpgan.ts';

/** Parts of the tests about faces: the real detector, real portraits, restorers whose answer is known. */

const { config } = loadConfig(process.env);

/** YuNet as it is installed, or as the mirror has it. */
async function findYunet(): Promise<InstalledFaceModel | undefined> {
  const entry = (await readFaceCatalogue()).find(({ name }) => name === 'yunet');
  if (entry === undefined) return undefined;
  const found = await inspectFaceModel(config.CACHE_DIR, entry);
  if (found.state === 'installed') return found.model;
  const mirrored = join(config.MODEL_MIRROR, entry.files.onnx.name);
  return config.MODEL_MIRROR !== '' && existsSync(mirrored) ? { entry, graphPath: mirrored } : undefined;
}

export const yunet = await findYunet();

/** The detector, run in this thread. */
export async function openDetector({ graphPath }: InstalledFaceModel): Promise<Detector> {
  const session = await InferenceSession.create(graphPath, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  return async ({ data, dims }) => {
    const outputs = await session.run({ input: new OrtTensor('float32', data, [...dims]) });
    return new Map(
      Object.entries(outputs).map(([name, { data: values }]) => {
        if (!(values instanceof Float32Array)) throw new TypeError(`Expected floats for ${name}`);
        return [name, values];
      }),
    );
  };
}

/** A sample photo, 8 bits, RGB. */
export async function readPhoto(name: string, width?: number): Promise<Pixels<Uint8Array>> {
  const picture = sharp(join(import.meta.dirname, '../../../samples', name))
    .removeAlpha()
    .toColourspace('srgb');
  const sized = width === undefined ? picture : picture.resize(width, undefined, { kernel: 'cubic' });
  const { data, info } = await sized.raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: 3, data };
}

export const blank = (width: number, height: number, level = 0): Pixels<Uint8Array> => ({
  width,
  height,
  channels: 3,
  data: new Uint8Array(width * height * 3).fill(level),
});

/** A soft dot, so that its middle can be found to a fraction of a pixel. */
export function paintDot(picture: Pixels<Uint8Array>, x: number, y: number, radius: number): void {
  const reach = Math.ceil(radius * 3);
  for (let row = Math.floor(y) - reach; row <= y + reach; row += 1) {
    for (let column = Math.floor(x) - reach; column <= x + reach; column += 1) {
      if (row < 0 || column < 0 || row >= picture.height || column >= picture.width) continue;
      const level = 200 * Math.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * radius * radius));
      const at = (row * picture.width + column) * 3;
      for (let channel = 0; channel < 3; channel += 1) {
        picture.data[at + channel] = Math.min(255, (picture.data[at + channel] ?? 0) + level);
      }
    }
  }
}

/** The middle of what is brighter than the ground around a point. */
export function middleOfDot(
  picture: Pixels,
  x: number,
  y: number,
  reach: number,
  ground = 0,
): { x: number; y: number } {
  let sum = 0;
  let sumX = 0;
  let sumY = 0;
  for (let row = Math.round(y) - reach; row <= Math.round(y) + reach; row += 1) {
    for (let column = Math.round(x) - reach; column <= Math.round(x) + reach; column += 1) {
      const level = Math.max(0, (picture.data[(row * picture.width + column) * 3] ?? 0) - ground - 2);
      sum += level;
      sumX += level * column;
      sumY += level * row;
    }
  }
  return { x: sumX / sum, y: sumY / sum };
}

export const asPicture = (data: Crop): Pixels<Uint8Array> => ({
  width: CROP_SIDE,
  height: CROP_SIDE,
  channels: 3,
  data,
});

export const fullWeight = (): Float32Array<ArrayBuffer> => new Float32Array(CROP_PIXELS).fill(1);

/** A restorer of the contract, run by the real runtime: `x * factor + offset`; a factor of 1 changes nothing. */
export async function standInRestorer(
  folder: string,
  name: string,
  factor: number,
  offset: number,
): Promise<InstalledFaceModel> {
  const graph = new GraphBuilder();
  const scaled = graph.node('Mul', ['input', graph.floats('factor', [factor], [])]);
  graph.node('Add', [scaled, graph.floats('offset', [offset], [])], {}, 'output');
  return await writeRestorer(folder, name, graph);
}

export async function writeRestorer(folder: string, name: string, graph: GraphBuilder): Promise<InstalledFaceModel> {
  const graphPath = join(folder, `${name}.onnx`);
  await writeFile(graphPath, graph.build(name, '1', {}, FACE_PORTS));
  return { entry: faceEntry(name, 'face-restorer'), graphPath };
}

export const faceEntry = (name: string, role: FaceEntry['role']): FaceEntry => ({
  name,
  title: name,
  role,
  files: { onnx: { name: `${name}.onnx`, bytes: 1, sha256: '0'.repeat(64) } },
  sources: [{ kind: 'url', urls: { [`${name}.onnx`]: 'https://example.org/none' } }],
  memory: { baseBytes: 50_000_000 },
  default: false,
  licence: { spdx: 'MIT', holder: 'none', origin: 'none' },
});
