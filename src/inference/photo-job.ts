import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import sharp from 'sharp';
import { DarkroomError } from '../contracts/errors.ts';
import { openCanvas } from './canvas.ts';
import { decodePhoto, readHeader, type DecodedPhoto } from './decode.ts';
import { CANVAS_NAME } from './drafts.ts';
import { encodeResult } from './encode.ts';
import type { EnhanceJob, EnhancedPhoto } from './engine.ts';
import type { Network } from './network.ts';
import type { EngineModel, EngineSettings, Step } from './protocol.ts';
import { assertFits, RESULT_FORMATS } from './result-format.ts';
import { RowComposer } from './row-composer.ts';
import { runTiles } from './tile-run.ts';
import { memoryShelf, openDiskShelf, type TileShelf } from './tile-shelf.ts';
import { cutTiles, spanLength, type TileGrid } from './tiles.ts';

/** One photo's way through an engine: decode, tiles, canvas, encode. */

/** Raised when the same photo and tiles would give other pixels: tiles of an older version are not taken over. */
const PIXELS_VERSION = 1;

/** Finished tiles that need not survive stay in memory up to this size of the result. */
const IN_MEMORY_BYTES = 64 * 1024 * 1024;

/** What a megapixel may take on a slow machine; only used to judge whether an engine hangs. */
const DECODE_MS_PER_MEGAPIXEL = 300;
const ENCODE_MS_PER_MEGAPIXEL = 1_000;

export interface PhotoJob {
  readonly settings: EngineSettings;
  readonly network: Network;
  readonly job: EnhanceJob;
  /** Ceiling in force: the job's, or less where memory is short. */
  readonly tileSize: number;
  readonly signal: AbortSignal;
  readonly report: (step: Step) => void;
}

/** @throws DarkroomError; the signal's reason once nothing of the photo runs any more. */
export async function enhancePhoto(work: PhotoJob): Promise<EnhancedPhoto> {
  const { job, settings, signal, report } = work;
  const model = settings.models.find(({ name }) => name === job.model);
  if (model === undefined) throw new DarkroomError('model_missing', `The model ${job.model} is not installed here.`);
  const startedAt = performance.now();
  report({ stage: 'decoding', tilesDone: 0, tilesTotal: 0, expectedMs: 0 });
  const header = await readHeader(job.inputPath, settings.photoMaxPixels);
  const format = RESULT_FORMATS[header.format];
  const width = header.width * job.scale;
  const height = header.height * job.scale;
  assertFits(format, width, height, settings.resultMaxPixels);
  signal.throwIfAborted();
  const expectedMs = (header.width * header.height * DECODE_MS_PER_MEGAPIXEL) / 1e6;
  report({ stage: 'decoding', tilesDone: 0, tilesTotal: 0, expectedMs });
  const photo = await decodePhoto(job.inputPath, header);
  signal.throwIfAborted();
  const decodedAt = performance.now();

  await mkdir(job.scratchDir, { recursive: true });
  const canvasPath = join(job.scratchDir, CANVAS_NAME);
  const resultPath = join(job.scratchDir, `result${format.extension}`);
  const plan = { model, grid: cutTiles(header.width, header.height, work.tileSize, model.overlap) };
  const shelf = await openShelf(work, plan);
  try {
    const tiles = await paint(work, plan, photo, shelf, canvasPath);
    const encodingAt = performance.now();
    const total = plan.grid.columns.length * plan.grid.rows.length;
    const encodeExpected = (width * height * ENCODE_MS_PER_MEGAPIXEL) / 1e6;
    report({ stage: 'encoding', tilesDone: total, tilesTotal: total, expectedMs: encodeExpected });
    const canvas = canvasOf(plan, photo);
    const { grey, metadata } = header;
    await encodeResult({ canvasPath, resultPath, canvas, width, height, format, grey, metadata });
    signal.throwIfAborted();
    await shelf.clear();
    const now = performance.now();
    return {
      path: resultPath,
      contentType: format.contentType,
      extension: format.extension,
      width,
      height,
      original: { width: header.width, height: header.height, format: header.format },
      timings: {
        decodeMs: decodedAt - startedAt,
        networkMs: tiles.networkMs,
        encodeMs: now - encodingAt,
        totalMs: now - startedAt,
      },
      tiles: total,
      tilesReused: tiles.reused,
      tileSize: work.tileSize,
      device: work.network.provider,
      warnings: header.warnings,
    };
  } finally {
    await rm(canvasPath, { force: true });
    if (!job.checkpoint) await shelf.clear();
  }
}

interface Plan {
  readonly model: EngineModel;
  readonly grid: TileGrid;
}

const canvasOf = ({ model, grid }: Plan, photo: DecodedPhoto) => ({
  width: grid.width * model.scale,
  height: grid.height * model.scale,
  channels: photo.alpha === undefined ? (3 as const) : (4 as const),
});

/** Runs what tiles are missing and puts all of them on the canvas. */
async function paint(work: PhotoJob, plan: Plan, photo: DecodedPhoto, shelf: TileShelf, canvasPath: string) {
  const { network, signal, report } = work;
  const { model, grid } = plan;
  const total = grid.columns.length * grid.rows.length;
  const reused = await shelf.finished();
  const missing = Array.from({ length: total }, (_, index) => index).filter((index) => !reused.has(index));
  const expectedMs = largestWindow(grid);
  const progress = { stage: 'enhancing' as const, tilesTotal: total };
  let tilesDone = reused.size;
  let networkMs = 0;
  const { width, height, channels } = canvasOf(plan, photo);
  const canvas = await openCanvas(canvasPath, width, height, channels);
  try {
    const composer = new RowComposer(grid, model.scale, shelf, canvas, photo.alpha);
    for (const index of reused) composer.tileFinished(index);
    report({ ...progress, stage: 'waiting', tilesDone, expectedMs: null });
    const pass = await network.takeTurn();
    try {
      signal.throwIfAborted();
      report({ ...progress, tilesDone, expectedMs: 0 });
      await network.open(model);
      const finished = async (index: number, pixels: Uint8Array, ms: number): Promise<void> => {
        await shelf.put(index, pixels);
        composer.tileFinished(index);
        tilesDone += 1;
        networkMs += ms;
        report({ ...progress, tilesDone, expectedMs: network.expectMs(model, expectedMs) });
      };
      await runTiles({
        network,
        model,
        photo: photo.colour,
        grid,
        tiles: missing,
        signal,
        allHandedIn: pass,
        finished,
      });
    } finally {
      pass();
    }
    await composer.finished();
  } finally {
    await canvas.close();
  }
  return { networkMs, reused: reused.size };
}

const largestWindow = (grid: TileGrid): number =>
  Math.max(...grid.columns.map(({ window }) => spanLength(window))) *
  Math.max(...grid.rows.map(({ window }) => spanLength(window)));

async function openShelf({ job, network }: PhotoJob, { model, grid }: Plan): Promise<TileShelf> {
  const bytes = grid.width * grid.height * model.scale ** 2 * 3;
  if (!job.checkpoint && bytes <= IN_MEMORY_BYTES) return memoryShelf(grid, model.scale);
  const content = createHash('sha256');
  await pipeline(createReadStream(job.inputPath), content);
  const shaping = {
    version: PIXELS_VERSION,
    decoder: sharp.versions,
    content: content.digest('hex'),
    graph: await network.digestOf(model),
    provider: network.provider,
    grid,
  };
  const fingerprint = createHash('sha256').update(JSON.stringify(shaping)).digest('hex').slice(0, 32);
  return openDiskShelf(job.scratchDir, fingerprint, grid, model.scale);
}
