import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DarkroomError } from '../contracts/errors.ts';
import { assertFits, resultFormatOf, type ResultFormat } from '../contracts/result-format.ts';
import { decodePhoto, readHeader, type PhotoHeader } from './decode.ts';
import { removeDrafts } from './drafts.ts';
import { completeResult, encodeResult, rowsEncoder } from './encode.ts';
import type { EnhanceJob, EnhancedPhoto } from './engine.ts';
import { enlargePhoto } from './enlarge-photo.ts';
import { prepareFaces } from './faces/face-step.ts';
import type { Network } from './network.ts';
import { photoBytes, type PhotoRoom } from './photo-room.ts';
import { planPhoto, type PhotoPlan } from './photo-plan.ts';
import { PhotoShelf, waitingBytes } from './photo-shelf.ts';
import type { PrecisionJudge } from './precision.ts';
import type { EngineModel, EngineSettings, Step } from './protocol.ts';
import { resultNotes } from './result-notes.ts';
import type { SpareSamples } from './spare-samples.ts';
import { chooseVariant, denoiseWarning } from './variant.ts';

/** One photo's way through an engine: decode, enlarge, encode. */

/** What a megapixel may take on a slow machine; only used to judge whether an engine hangs. */
const DECODE_MS_PER_MEGAPIXEL = 300;
const ENCODE_MS_PER_MEGAPIXEL = 1_000;

export interface PhotoJob {
  readonly settings: EngineSettings;
  readonly network: Network;
  readonly precision: PrecisionJudge;
  readonly room: PhotoRoom;
  readonly spare: SpareSamples;
  readonly job: EnhanceJob;
  /** Ceiling in force: the job's, or less where memory is short. */
  readonly tileSize: number;
  readonly signal: AbortSignal;
  readonly report: (step: Step) => void;
}

/** @throws DarkroomError; the signal's reason once nothing of the photo runs any more. */
export async function enhancePhoto(work: PhotoJob): Promise<EnhancedPhoto> {
  const { job, settings, signal, report } = work;
  const { options } = job;
  const asked = settings.models.find(({ name }) => name === job.model);
  if (asked === undefined) throw new DarkroomError('model_missing', `The model ${job.model} is not installed here.`);
  const startedAt = performance.now();
  report({ stage: 'decoding', tilesDone: 0, tilesTotal: 0, expectedMs: 0 });
  const model = await work.precision.choose(asked);
  const header = await readHeader(job.inputPath, settings.photoMaxPixels);
  const format = resultFormatOf(header.format, options.format);
  const plan = planPhoto(header, options, model, work.tileSize, work.network.windows);
  const { width, height } = plan.enlargement.result;
  assertFits(format, width, height, settings.resultMaxPixels);
  const waiting = { stage: 'waiting', tilesDone: 0, tilesTotal: plan.tiles, expectedMs: null } as const;
  const tiles = plan.grids.map((grid) => waitingBytes({ grid, scale: model.scale, depth: header.depth }));
  const bytes = photoBytes(header, plan.enlargement.result, format.name) + Math.max(...tiles);
  const readAt = performance.now();
  const leave = await work.room.enter(bytes, signal, () => report(waiting));
  const waitedMs = performance.now() - readAt;
  try {
    return await makePhoto(work, { asked, model, header, format, plan, startedAt: startedAt + waitedMs });
  } finally {
    leave();
  }
}

interface PhotoToMake {
  readonly asked: EngineModel;
  /** What runs: the one that was asked for, or its full precision. */
  readonly model: EngineModel;
  readonly header: PhotoHeader;
  readonly format: ResultFormat;
  readonly plan: PhotoPlan;
  /** Without the time it waited for room. */
  readonly startedAt: number;
}

async function makePhoto(
  work: PhotoJob,
  { asked, model, header, format, plan, startedAt }: PhotoToMake,
): Promise<EnhancedPhoto> {
  const { job, signal, report } = work;
  const { options } = job;
  const { width, height } = plan.enlargement.result;
  const decoding = (header.width * header.height * DECODE_MS_PER_MEGAPIXEL) / 1e6;
  report({ stage: 'decoding', tilesDone: 0, tilesTotal: plan.tiles, expectedMs: decoding });
  const photo = await decodePhoto(job.inputPath, header);
  signal.throwIfAborted();
  const decodedAt = performance.now();

  await mkdir(job.scratchDir, { recursive: true });
  const resultPath = join(job.scratchDir, `result${format.extension}`);
  await rm(resultPath, { force: true }); // one that could not be published would take the room of the next
  const variant = chooseVariant(model, photo.colour.data instanceof Uint16Array ? 16 : 8, options.denoise);
  const shelf = new PhotoShelf(work, variant);
  try {
    const faces = await prepareFaces(work, photo.colour, plan.tiles);
    const result = { resultPath, width, height, format, header, options };
    const openResult = rowsEncoder(result);
    const enlarged = await enlargePhoto({
      work,
      variant,
      plan,
      photo,
      faces,
      shelf,
      ...(openResult && { openResult }),
    });
    const encodingAt = performance.now();
    const encoding = (width * height * ENCODE_MS_PER_MEGAPIXEL) / 1e6;
    report({ stage: 'encoding', tilesDone: plan.tiles, tilesTotal: plan.tiles, expectedMs: encoding });
    const { canvas } = enlarged;
    if (canvas === undefined) await completeResult(result, photo.alpha === undefined ? 3 : 4);
    else await encodeResult({ ...result, canvas, canvasPath: canvas.path });
    signal.throwIfAborted();
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
        networkMs: enlarged.networkMs,
        encodeMs: now - encodingAt,
        totalMs: now - startedAt,
      },
      tiles: plan.tiles,
      tilesReused: enlarged.tilesReused,
      tileSize: work.tileSize,
      model: model.name,
      device: work.network.provider,
      making: enlarged.making,
      warnings: [
        ...resultNotes(header, format, options, { width, height }),
        ...denoiseWarning(model, options.denoise),
        ...(model === asked ? [] : [`${asked.name} was run as ${model.name}, in full precision.`]),
      ],
    };
  } finally {
    // Saved tiles outlive a finished result: who publishes it may fail or be killed, and then only composes and encodes again.
    await removeDrafts(job.scratchDir, { keepTiles: job.checkpoint });
  }
}
