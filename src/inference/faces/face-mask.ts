import { CROP_PIXELS, CROP_SIDE } from './face-crop.ts';
import { mapPoint, type Point, type Similarity } from './similarity.ts';

/** Which part of a crop is this face: 1 inside, 0 outside, feathered between. */

/** A rounded oval from the hairline to the chin; hair and background around it are not a restorer's subject. */
const OVAL = { x: 256, y: 262, halfWidth: 196, halfHeight: 232, roundness: 2.5 };
/** Where the feather begins, as part of the way from the middle to the edge. */
const FEATHER_FROM = 0.68;

/**
 * @param others - middles of other faces, and where this crop lies among them: a pixel nearer to another face is that one's.
 */
export function faceMask(middle: Point, others: readonly Point[], cropToPhoto: Similarity): Float32Array<ArrayBuffer> {
  const mask = new Float32Array(CROP_PIXELS);
  for (let pixel = 0; pixel < CROP_PIXELS; pixel += 1) {
    const x = pixel % CROP_SIDE;
    const y = Math.floor(pixel / CROP_SIDE);
    const inside = oval(x, y);
    if (inside > 0)
      mask[pixel] = others.length === 0 ? inside : inside * ownShare(mapPoint(cropToPhoto, { x, y }), middle, others);
  }
  return mask;
}

function oval(x: number, y: number): number {
  const { halfWidth, halfHeight, roundness } = OVAL;
  const across = (Math.abs(x - OVAL.x) / halfWidth) ** roundness;
  const along = (Math.abs(y - OVAL.y) / halfHeight) ** roundness;
  return 1 - smoothStep(FEATHER_FROM, 1, (across + along) ** (1 / roundness));
}

/** Whether a point of the crop is near enough to the mask to be changed; such a point is well inside the crop. */
export function maskReaches(x: number, y: number): boolean {
  const across = Math.abs(x - OVAL.x) / (OVAL.halfWidth + MARGIN);
  const along = Math.abs(y - OVAL.y) / (OVAL.halfHeight + MARGIN);
  return across < 1 && along < 1 && across * across + along * along < CORNERS;
}

const MARGIN = 8;
/** An ellipse around the rounder oval. */
const CORNERS = 2 ** (1 - 2 / OVAL.roundness);

/** 1 at the face's own middle, 0 half-way to another and beyond. */
function ownShare(at: Point, middle: Point, others: readonly Point[]): number {
  const own = Math.hypot(at.x - middle.x, at.y - middle.y);
  let share = 1;
  for (const other of others) {
    const far = Math.hypot(at.x - other.x, at.y - other.y);
    share = Math.min(share, 1 - smoothStep(0.8, 1, own / Math.max(far, 1e-6)));
  }
  return share;
}

export function smoothStep(from: number, to: number, value: number): number {
  const t = Math.max(0, Math.min(1, (value - from) / (to - from)));
  return t * t * (3 - 2 * t);
}
