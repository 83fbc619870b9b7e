import { DarkroomError } from '../../contracts/errors.ts';
import type { FacesMade } from '../../contracts/faces.ts';
import { CanvasFile } from '../canvas-file.ts';
import type { OtherGraph } from '../network.ts';
import type { PhotoJob } from '../photo-job.ts';
import type { Pixels, Span } from '../tiles.ts';
import { CROP_SIDE } from './face-crop.ts';
import type { Detector } from './find-faces.ts';
import { areaOf, pasteFace } from './paste-face.ts';
import { restoreFaces, type FacePatch, type Restorer } from './restore-faces.ts';

/** Restoring faces as a step of a photo's way: on the photo before its enlargement, pasted into the enlarged one. */

/** Share of the sessions' memory that a restorer may take, so that the network keeps its place beside it. */
const MEMORY_SHARE = 2 / 3;
/** What a face may take on a slow machine, behind another photo's tiles; only used to judge whether an engine hangs. */
const FACE_MS = 20_000;
const PASTE_MS_PER_MEGAPIXEL = 3_000;

export interface PreparedFaces {
  readonly patches: readonly FacePatch[];
  readonly fidelity: number;
  /** For the recipe; absent when faces were not to be restored. */
  readonly made?: FacesMade;
}

/**
 * Finds and restores the faces of a photo, one run after the other, between another photo's tiles.
 * With `face: auto` whatever is missing is noted and the photo goes on without.
 * @throws DarkroomError `face_model_missing`, or `out_of_memory` when faces must be restored.
 */
export async function prepareFaces(work: PhotoJob, photo: Pixels, tilesTotal: number): Promise<PreparedFaces> {
  const { face, fidelity } = work.job.options;
  if (face === 'off') return { patches: [], fidelity };
  try {
    const { detector, restorer } = facesOf(work);
    const { patches, counts } = await restoreFaces({
      photo,
      detect: detectorOn(work, detector),
      restore: restorerOn(work, restorer),
      signal: work.signal,
      onStep: () => work.report({ stage: 'enhancing', tilesDone: 0, tilesTotal, expectedMs: FACE_MS }),
    });
    return { patches, fidelity, made: { restorer: restorer.name, fidelity, note: null, ...counts } };
  } catch (error) {
    const missing = error instanceof DarkroomError && ['face_model_missing', 'out_of_memory'].includes(error.code);
    if (face === 'on' || !missing || work.signal.aborted) throw error;
    const nothing = { found: 0, restored: 0, softened: 0, skipped: [] };
    const reason = error.code === 'out_of_memory' ? 'there is not enough memory' : 'no face restorer is installed';
    const note = `Faces were not restored: ${reason}.`;
    return { patches: [], fidelity, made: { restorer: null, fidelity, note, ...nothing } };
  }
}

function facesOf({ settings }: PhotoJob): NonNullable<PhotoJob['settings']['faces']> {
  const { faces, sessionBudgetBytes } = settings;
  if (faces === undefined) throw new DarkroomError('face_model_missing');
  if (faces.restorer.memoryBytes > sessionBudgetBytes * MEMORY_SHARE) {
    throw new DarkroomError('out_of_memory', 'There is not enough memory for restoring faces.');
  }
  return faces;
}

function detectorOn({ network }: PhotoJob, graph: OtherGraph): Detector {
  return async (input) => {
    const outputs = await network.runOther(graph, { input });
    return new Map(Object.entries(outputs).map(([name, { data }]) => [name, data]));
  };
}

function restorerOn({ network }: PhotoJob, graph: OtherGraph): Restorer {
  return async (planes) => {
    const input = { data: planes, dims: [1, 3, CROP_SIDE, CROP_SIDE] };
    const [output] = Object.values(await network.runOther(graph, { input }));
    if (output?.data.length !== planes.length)
      throw new Error(`Expected a face of ${CROP_SIDE} pixels from ${graph.name}`);
    return output.data;
  };
}

/**
 * Changes a canvas on disk that is `scale` times the photo: the areas of the faces are read, changed and put back.
 * @param expect - told how long each may take.
 */
export async function pasteFaces(
  canvasPath: string,
  scale: number,
  { patches, fidelity }: PreparedFaces,
  { signal, expect }: { readonly signal: AbortSignal; readonly expect: (ms: number) => void },
): Promise<void> {
  if (patches.length === 0) return;
  const canvas = await CanvasFile.open(canvasPath, 'r+');
  try {
    for (const patch of patches) {
      signal.throwIfAborted();
      const area = areaOf(patch, scale, canvas);
      if (area === undefined) continue;
      expect((area.width * area.height * PASTE_MS_PER_MEGAPIXEL) / 1e6);
      const columns: Span = { start: area.left, end: area.left + area.width };
      const rows: Span = { start: area.top, end: area.top + area.height };
      const data = await canvas.cut(columns, rows);
      const pixels = { width: area.width, height: area.height, channels: canvas.channels, data };
      await pasteFace(pixels, area, patch, scale, fidelity);
      await canvas.paste(columns, rows, data);
    }
  } finally {
    await canvas.close();
  }
}
