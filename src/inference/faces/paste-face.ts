import { setImmediate as breathe } from 'node:timers/promises';
import type { Pixels } from '../tiles.ts';
import { blur } from './blur.ts';
import { CROP_SIDE } from './face-crop.ts';
import { maskReaches } from './face-mask.ts';
import { addFromCrop, levelsOf, sampleCrop } from './sample-crop.ts';
import type { FacePatch } from './restore-faces.ts';
import { chain, enlargement, inverse, mapPoint, scaleOf, type Similarity } from './similarity.ts';

/** Puts a restored face into the enlarged photo. What it costs depends on the face's area alone. */

/** A rectangle of the canvas. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Radius, in pixels of the crop, above which a difference is one of colour and light, not of detail. */
const BROAD_RADIUS = 12;

/** Rows pasted before other work of the process gets its turn. */
const ROWS_AT_ONCE = 64;

/**
 * What is used of a restored face. `fidelity` 0 takes it as it is; from 0.5 on colour and light are the original's, so
 * that a skin keeps its tone, and detail goes down to a fifth at 1.
 */
export const sharesFor = (fidelity: number): { broad: number; detail: number } => ({
  broad: Math.max(0, 1 - 2 * fidelity),
  detail: 1 - 0.8 * fidelity * fidelity,
});

/** Where on a canvas, `scale` times the photo, a face goes; undefined when it lies outside. */
export function areaOf(
  { photoToCrop }: FacePatch,
  scale: number,
  canvas: { width: number; height: number },
): Area | undefined {
  const cropToCanvas = chain(inverse(photoToCrop), enlargement(scale));
  const last = CROP_SIDE - 1;
  const corners = [0, last].flatMap((x) => [0, last].map((y) => mapPoint(cropToCanvas, { x, y })));
  const left = Math.max(0, Math.floor(Math.min(...corners.map(({ x }) => x))));
  const top = Math.max(0, Math.floor(Math.min(...corners.map(({ y }) => y))));
  const width = Math.min(canvas.width, Math.ceil(Math.max(...corners.map(({ x }) => x))) + 1) - left;
  const height = Math.min(canvas.height, Math.ceil(Math.max(...corners.map(({ y }) => y))) + 1) - top;
  return width > 0 && height > 0 ? { left, top, width, height } : undefined;
}

/**
 * Changes the pixels of one area of the canvas. The crop's share of the picture is exchanged and what is finer than a
 * crop can show stays: a large face keeps the texture that the network gave it.
 * @param pixels - that area; RGB or RGBA.
 */
export async function pasteFace(
  pixels: Pixels,
  area: Area,
  patch: FacePatch,
  scale: number,
  fidelity: number,
): Promise<void> {
  const shift: Similarity = { a: 1, b: 0, dx: -area.left, dy: -area.top };
  const cropToArea = chain(chain(inverse(patch.photoToCrop), enlargement(scale)), shift);
  const change = changeOf(sampleCrop(pixels, cropToArea, 'edge'), patch, fidelity);
  await breathe();
  const areaToCrop = inverse(cropToArea);
  for (let row = 0; row < pixels.height; row += ROWS_AT_ONCE) {
    pasteRows(pixels, change, areaToCrop, row, Math.min(pixels.height, row + ROWS_AT_ONCE));
    await breathe();
  }
}

/** What has to be added at each pixel of the crop. */
function changeOf(present: Float32Array, { restored, weight }: FacePatch, fidelity: number): Float32Array {
  const { broad, detail } = sharesFor(fidelity);
  const difference = present.map((level, index) => (restored[index] ?? 0) - level);
  const light = blur(difference, CROP_SIDE, 3, BROAD_RADIUS);
  return difference.map((levels, index) => {
    const part = light[index] ?? 0;
    return (weight[Math.floor(index / 3)] ?? 0) * (detail * (levels - part) + broad * part);
  });
}

function pasteRows(pixels: Pixels, change: Float32Array, areaToCrop: Similarity, from: number, to: number): void {
  const { width, channels, data } = pixels;
  const { a, b, dx, dy } = areaToCrop;
  const unit = levelsOf(data);
  const most = 255 / unit;
  // Where the canvas is coarser than the crop, each of its pixels covers several of the crop's.
  const looks = Math.max(1, Math.ceil(scaleOf(areaToCrop) - 0.25));
  const share = 1 / (looks * looks * unit);
  const sums = new Float64Array(3);
  for (let y = from; y < to; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (!maskReaches(a * x - b * y + dx, b * x + a * y + dy)) continue;
      sums.fill(0);
      for (let look = 0; look < looks * looks; look += 1) {
        const u = x + ((look % looks) + 0.5) / looks - 0.5;
        const v = y + (Math.floor(look / looks) + 0.5) / looks - 0.5;
        addFromCrop(change, a * u - b * v + dx, b * u + a * v + dy, sums);
      }
      const at = (y * width + x) * channels;
      for (let channel = 0; channel < 3; channel += 1) {
        const level = (data[at + channel] ?? 0) + (sums[channel] ?? 0) * share;
        data[at + channel] = Math.max(0, Math.min(most, Math.round(level)));
      }
    }
  }
}
