import { setImmediate as breathe } from 'node:timers/promises';
import { FACE_SKIP_REASONS, type FaceSkipReason, type FacesMade } from '../../contracts/faces.ts';
import type { Pixels } from '../tiles.ts';
import { blur } from './blur.ts';
import { CROP_PIXELS, CROP_SIDE, cropToPlanes, planesToCrop, TEMPLATE, type Crop } from './face-crop.ts';
import { faceMask, smoothStep } from './face-mask.ts';
import { findFaces, type Detector } from './find-faces.ts';
import { compareFaces, trustIn } from './guard.ts';
import { sampleCrop } from './sample-crop.ts';
import { fitSimilarity, inverse, mapPoint, meanDistance, scaleOf, type Point, type Similarity } from './similarity.ts';
import { readYunet, yunetInput, type DetectedFace } from './yunet.ts';

/** Runs the face restorer: planes of red, green and blue from -1 to 1, `[1, 3, 512, 512]`, in and out. */
export type Restorer = (planes: Float32Array<ArrayBuffer>) => Promise<Float32Array>;

/** A restored face, and where it belongs. */
export interface FacePatch {
  readonly photoToCrop: Similarity;
  readonly restored: Crop;
  /** 0..1, a value a pixel of the crop: how much of the restored face is used there, before `fidelity`. */
  readonly weight: Float32Array<ArrayBuffer>;
}

export interface FaceWork {
  /** RGB. */
  readonly photo: Pixels;
  readonly detect: Detector;
  readonly restore: Restorer;
  readonly signal: AbortSignal;
  /** Called before the search and before each face. */
  readonly onStep?: () => void;
}

/** The largest faces are restored, so that a stadium does not take a day. */
const MOST_FACES = 32;
/** Below it, in pixels from ear to ear, a restorer does not restore a face but makes one up. */
const SMALLEST_FACE = 20;
/** A face of which the photo has twice the restorer's resolution gains nothing. */
const SMALLEST_SCALE = 0.5;
/** Eyes, nose and mouth of a face in profile do not fit the template: mean distance in pixels of the crop. */
const LARGEST_MISFIT = 28;
const LEAST_TRUST = 0.15;

/** Where a restorer changes less, in levels of 255, the photo's own pixels stay; from the second on its own are used. */
const CHANGED = { none: 0.5, fully: 3 };
const CHANGE_RADIUS = 16;

export type FaceCounts = Pick<FacesMade, 'found' | 'restored' | 'softened' | 'skipped'>;

/** Finds the faces of a photo, restores them one after the other and judges each. */
export async function restoreFaces(work: FaceWork): Promise<{ patches: FacePatch[]; counts: FaceCounts }> {
  work.onStep?.();
  const faces = await findFaces(work.photo, work.detect, work.signal);
  const skipped: FaceSkipReason[] = [];
  const chosen: { face: DetectedFace; photoToCrop: Similarity }[] = [];
  for (const face of faces) {
    const { fit, residual } = fitSimilarity(face.points, TEMPLATE);
    const reason = reasonToSkip(face, fit, residual, chosen.length);
    if (reason === undefined) chosen.push({ face, photoToCrop: fit });
    else skipped.push(reason);
  }
  const patches: FacePatch[] = [];
  let softened = 0;
  for (const { face, photoToCrop } of chosen) {
    work.signal.throwIfAborted();
    work.onStep?.();
    const others = faces.filter((other) => other !== face).map(middleOf);
    const outcome = await restoreFace(work, face, photoToCrop, others);
    if (typeof outcome === 'string') skipped.push(outcome);
    else {
      patches.push(outcome.patch);
      if (outcome.trust < 1) softened += 1;
    }
    await breathe();
  }
  return {
    patches,
    counts: { found: faces.length, restored: patches.length, softened, skipped: countReasons(skipped) },
  };
}

function reasonToSkip(face: DetectedFace, fit: Similarity, misfit: number, chosen: number): FaceSkipReason | undefined {
  if (Math.max(face.width, face.height) < SMALLEST_FACE) return 'too_small';
  if (scaleOf(fit) < SMALLEST_SCALE) return 'detailed_already';
  if (misfit > LARGEST_MISFIT) return 'turned_away';
  return chosen >= MOST_FACES ? 'too_many' : undefined;
}

async function restoreFace(work: FaceWork, face: DetectedFace, photoToCrop: Similarity, others: readonly Point[]) {
  const cropToPhoto = inverse(photoToCrop);
  const original = Uint8Array.from(sampleCrop(work.photo, cropToPhoto, 'grey'), Math.round);
  const restored = planesToCrop(await work.restore(cropToPlanes(original)));
  if (restored === undefined) return 'broken_answer' as const;
  const mask = faceMask(middleOf(face), others, cropToPhoto);
  const pointsBefore = face.points.map((point) => mapPoint(photoToCrop, point));
  const pointsAfter = await pointsIn(restored, pointsBefore, work.detect);
  const trust = trustIn(compareFaces(original, restored, mask, pointsBefore, pointsAfter));
  if (trust < LEAST_TRUST) return 'not_alike' as const;
  const changed = shareChanged(original, restored);
  const weight = mask.map((part, pixel) => part * trust * (changed[pixel] ?? 0));
  return { patch: { photoToCrop, restored, weight } satisfies FacePatch, trust };
}

/** Eyes, nose and mouth of the face that is found where it should be. */
async function pointsIn(
  crop: Crop,
  expected: readonly Point[],
  detect: Detector,
): Promise<readonly Point[] | undefined> {
  const outputs = await detect(yunetInput(crop, CROP_SIDE, CROP_SIDE));
  const found = readYunet(outputs, CROP_SIDE, CROP_SIDE).map(({ points }) => points);
  return found.sort((a, b) => meanDistance(a, expected) - meanDistance(b, expected))[0];
}

/** 0..1 a pixel: whether the restorer did anything around there. */
function shareChanged(original: Crop, restored: Crop): Float32Array {
  const difference = new Float32Array(CROP_PIXELS);
  for (let pixel = 0; pixel < CROP_PIXELS; pixel += 1) {
    for (let at = pixel * 3; at < pixel * 3 + 3; at += 1) {
      difference[pixel] = (difference[pixel] ?? 0) + Math.abs((original[at] ?? 0) - (restored[at] ?? 0)) / 3;
    }
  }
  return blur(difference, CROP_SIDE, 1, CHANGE_RADIUS).map((levels) => smoothStep(CHANGED.none, CHANGED.fully, levels));
}

const countReasons = (reasons: readonly FaceSkipReason[]): FacesMade['skipped'] =>
  FACE_SKIP_REASONS.map((reason) => ({ reason, faces: reasons.filter((one) => one === reason).length })).filter(
    ({ faces }) => faces > 0,
  );

const middleOf = (face: DetectedFace): Point => ({ x: face.left + face.width / 2, y: face.top + face.height / 2 });
