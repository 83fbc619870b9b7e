import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import sharp from 'sharp';
import { modelEntrySchema } from '../../src/contracts/models.ts';
import { optionsFrom } from '../../src/contracts/option-fields.ts';
import type { EnhanceOptions, Scale } from '../../src/contracts/options.ts';
import { createEnginePool, type EnginePoolOptions } from '../../src/inference/engine-pool.ts';
import type {
  EnginePool,
  EngineProgress,
  EnhancedPhoto,
  EnhanceJob,
  InstalledModel,
} from '../../src/inference/engine.ts';
import { loadConfig } from '../../src/load-config.ts';
import { GraphBuilder } from '../../src/models/graph-builder.ts';
import { enlarge, photoIn, photoOut } from '../../src/models/graph-parts.ts';
import { DATA_TYPE } from '../../src/models/onnx-proto.ts';
import { readInstalledModels } from '../../src/models/installed-models.ts';

/** Parts of the engine's tests: real engines in real processes, on real weights or on graphs whose answer is known. */

export const installed = await readInstalledModels(loadConfig(process.env).config.CACHE_DIR);

export const installedModel = (name: string): InstalledModel | undefined =>
  installed.find(({ entry }) => entry.name === name);

/** Works in a directory of its own, which goes with everything in it when the tests are done. */
export const makeScratch = (): Promise<string> => mkdtemp(join(tmpdir(), 'darkroom-inference-'));

/**
 * Graphs of a few operations, run by the real runtime: `nearest` repeats every pixel, `black` is a broken network, `overflow`
 * one whose numbers are none (NaN) wherever the photo is nearly white, and `refusing` cannot be run where it is light.
 */
export async function standInModel(
  directory: string,
  kind: 'nearest' | 'black' | 'overflow' | 'refusing',
): Promise<InstalledModel> {
  const graph = new GraphBuilder();
  const enlarged = enlarge(graph, photoIn(graph), graph.floats('scales', [1, 1, 4, 4], [4]));
  const factor = graph.floats('factor', [kind === 'black' ? 0 : 1], []);
  const made = graph.node('Mul', [enlarged, factor]);
  if (kind === 'overflow') {
    const root = graph.node('Sqrt', [graph.node('Sub', [graph.floats('most', [250], []), enlarged])]);
    const nothing = graph.node('Mul', [root, graph.floats('nothing', [0], [])]);
    photoOut(graph, graph.node('Add', [made, nothing]));
  } else if (kind === 'refusing') {
    const lightest = graph.node('Cast', [graph.node('ReduceMax', [enlarged], { keepdims: 0 })], {
      to: DATA_TYPE.int64,
    });
    const zero = graph.node('Gather', [graph.floats('zeros', new Float32Array(200), [200]), lightest]);
    photoOut(graph, graph.node('Add', [made, zero]));
  } else photoOut(graph, made);
  const graphPath = join(directory, `${kind}.onnx`);
  await writeFile(graphPath, graph.build(kind, '1', {}));
  return { entry: standInEntry(kind), graphPath, weights: kind };
}

const standInEntry = (name: string): InstalledModel['entry'] => {
  const file = { name: 'none', bytes: 1, sha256: '0'.repeat(64) };
  return modelEntrySchema.parse({
    name,
    title: name,
    role: 'photo',
    architecture: 'srvgg',
    files: { param: file, bin: file },
    sources: [{ kind: 'url', urls: { none: 'https://example.org/none' } }],
    scale: 4,
    teraflopPerMegapixel: 1,
    overlap: { pixels: 8, join: 'feather' },
    memory: { baseBytes: 50_000_000, bytesPerWindowPixel: 300 },
    vector: { input: 'none', output: 'none', maxDifference: 0 },
    default: false,
    licence: { spdx: 'MIT', holder: 'none', origin: 'none' },
  });
};

export function startPool(models: readonly InstalledModel[], changes: Partial<EnginePoolOptions> = {}): EnginePool {
  return createEnginePool({
    models,
    warm: models.slice(0, 1).map(({ entry }) => entry.name),
    providers: ['cpu'],
    threads: 0,
    recycleAfterPhotos: 1000,
    memoryLimitBytes: 0,
    stallTimeoutMs: 60_000,
    checkpointMinMs: 0,
    photoMaxPixels: 120_000_000,
    resultMaxPixels: 2_000_000_000,
    logger: pino({ level: 'silent' }),
    ...changes,
  });
}

export interface Attempt {
  readonly result: Promise<EnhancedPhoto>;
  readonly progress: EngineProgress[];
  readonly scratchDir: string;
  abort(): void;
}

/** Options that are not named have the defaults of a request, but for tiles of 256 pixels. */
export type AskedJob = Partial<Omit<EnhanceJob, 'options'>> &
  Pick<EnhanceJob, 'inputPath' | 'model'> & {
    readonly options?: Partial<EnhanceOptions>;
    readonly tileSize?: number;
    readonly scale?: Scale;
  };

/** Hands a photo to the pool; the directory is made below `root`. */
export async function enhance(
  pool: EnginePool,
  root: string,
  { options, tileSize, scale, ...job }: AskedJob,
  onProgress: (progress: EngineProgress) => void = () => undefined,
): Promise<Attempt> {
  const scratchDir = job.scratchDir ?? (await mkdtemp(join(root, 'job-')));
  const abort = new AbortController();
  const progress: EngineProgress[] = [];
  const result = pool.enhance(
    {
      scratchDir,
      checkpoint: true,
      ...job,
      options: { ...optionsFrom({ scale }, { quality: 'high', tileSize: tileSize ?? 256 }), ...options },
    },
    {
      signal: abort.signal,
      onProgress: (step) => {
        progress.push(step);
        onProgress(step);
      },
    },
  );
  result.catch(() => undefined); // looked at by the test, perhaps later
  return { result, progress, scratchDir, abort: () => abort.abort(new Error('cancelled by the test')) };
}

/** A picture with edges, gradients and texture: everything that shows where a tile was joined badly. */
export async function paintPhoto(path: string, width: number, height: number): Promise<string> {
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const disc = (x - width / 2) ** 2 + (y - height / 3) ** 2 < (width / 5) ** 2 ? 70 : 0;
      const texture = 25 * Math.sin(x / 3.1) * Math.cos(y / 4.7) + ((x * 7 + y * 13 + x * y) % 17);
      pixels[(y * width + x) * 3] = Math.min(255, 30 + (150 * x) / width + disc);
      pixels[(y * width + x) * 3 + 1] = Math.max(0, Math.min(255, 80 + texture + disc / 2));
      pixels[(y * width + x) * 3 + 2] = Math.max(0, Math.min(255, 200 - (150 * y) / height + texture / 2));
    }
  }
  await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(path);
  return path;
}

export const pixelsOf = (path: string): Promise<Buffer> => sharp(path).raw().toBuffer();

/** Largest difference of any sample. */
export function largestDifference(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i += 1) largest = Math.max(largest, Math.abs((a[i] ?? 0) - (b[i] ?? 0)));
  return largest;
}

export const removeScratch = (directory: string): Promise<void> => rm(directory, { recursive: true, force: true });
