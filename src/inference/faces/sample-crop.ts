import type { Pixels } from '../tiles.ts';
import { CROP_SIDE } from './face-crop.ts';
import { scaleOf, type Similarity } from './similarity.ts';

/** Pictures seen through a similarity, with as many looks a pixel as it takes to miss nothing. */

/** What lies outside a photo, as the face restorers were trained: a grey of the average face. */
const OUTSIDE = [135, 133, 132] as const;

/** 16-bit samples are brought to 0..255, fractions kept. */
export const levelsOf = (data: Pixels['data']): number => (data instanceof Uint16Array ? 1 / 257 : 1);

/**
 * The crop as `cropToImage` finds it in an image of three or four channels: RGB, 0..255. Where the image is finer than
 * the crop, the samples a crop's pixel covers are averaged.
 * @param image - may be a part of a picture; `cropToImage` then leads to pixels of that part.
 */
export function sampleCrop(image: Pixels, cropToImage: Similarity, beyond: 'grey' | 'edge'): Float32Array<ArrayBuffer> {
  const crop = new Float32Array(CROP_SIDE * CROP_SIDE * 3);
  const looks = Math.max(1, Math.ceil(scaleOf(cropToImage) - 0.25));
  const share = levelsOf(image.data) / (looks * looks);
  const { a, b, dx, dy } = cropToImage;
  const sums = new Float64Array(3);
  for (let y = 0; y < CROP_SIDE; y += 1) {
    for (let x = 0; x < CROP_SIDE; x += 1) {
      sums.fill(0);
      for (let look = 0; look < looks * looks; look += 1) {
        const u = x + ((look % looks) + 0.5) / looks - 0.5;
        const v = y + (Math.floor(look / looks) + 0.5) / looks - 0.5;
        addLook(image, a * u - b * v + dx, b * u + a * v + dy, beyond, sums);
      }
      const at = (y * CROP_SIDE + x) * 3;
      for (let channel = 0; channel < 3; channel += 1) crop[at + channel] = (sums[channel] ?? 0) * share;
    }
  }
  return crop;
}

/** Adds what the image shows at a point, interpolated between the four pixels around it. */
function addLook(image: Pixels, x: number, y: number, beyond: 'grey' | 'edge', sums: Float64Array): void {
  const { width, height, channels, data } = image;
  if (beyond === 'grey' && (x < -0.5 || y < -0.5 || x > width - 0.5 || y > height - 0.5)) {
    const one = 1 / levelsOf(data);
    for (let channel = 0; channel < 3; channel += 1)
      sums[channel] = (sums[channel] ?? 0) + (OUTSIDE[channel] ?? 0) * one;
    return;
  }
  const inX = Math.max(0, Math.min(width - 1, x));
  const inY = Math.max(0, Math.min(height - 1, y));
  const left = Math.floor(inX);
  const top = Math.floor(inY);
  const fx = inX - left;
  const fy = inY - top;
  const northWest = (top * width + left) * channels;
  const east = left + 1 < width ? channels : 0;
  const south = top + 1 < height ? width * channels : 0;
  for (let channel = 0; channel < 3; channel += 1) {
    const at = northWest + channel;
    const nw = data[at] ?? 0;
    const sw = data[at + south] ?? 0;
    const upper = nw + ((data[at + east] ?? 0) - nw) * fx;
    const lower = sw + ((data[at + south + east] ?? 0) - sw) * fx;
    sums[channel] = (sums[channel] ?? 0) + upper + (lower - upper) * fy;
  }
}

/**
 * Adds what a crop of three channels has at a point, which must lie two pixels or more inside it. Catmull-Rom: passes
 * through the samples, and keeps more of their sharpness than straight lines between them. Written out, because it is run
 * for every pixel of a face.
 */
export function addFromCrop(crop: Float32Array, x: number, y: number, sums: Float64Array): void {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const t = x - left;
  const a = ((2 - t) * t - 1) * t * 0.5;
  const b = ((3 * t - 5) * t * t + 2) * 0.5;
  const c = ((4 - 3 * t) * t + 1) * t * 0.5;
  const d = (t - 1) * t * t * 0.5;
  const v = y - top;
  let red = 0;
  let green = 0;
  let blue = 0;
  let at = ((top - 1) * CROP_SIDE + left - 1) * 3;
  for (let row = 0; row < 4; row += 1) {
    const share = rowShare(row, v);
    red +=
      share * (a * sample(crop, at) + b * sample(crop, at + 3) + c * sample(crop, at + 6) + d * sample(crop, at + 9));
    green +=
      share *
      (a * sample(crop, at + 1) + b * sample(crop, at + 4) + c * sample(crop, at + 7) + d * sample(crop, at + 10));
    blue +=
      share *
      (a * sample(crop, at + 2) + b * sample(crop, at + 5) + c * sample(crop, at + 8) + d * sample(crop, at + 11));
    at += CROP_SIDE * 3;
  }
  sums[0] = (sums[0] ?? 0) + red;
  sums[1] = (sums[1] ?? 0) + green;
  sums[2] = (sums[2] ?? 0) + blue;
}

const sample = (crop: Float32Array, at: number): number => crop[at] ?? 0;

function rowShare(row: number, v: number): number {
  if (row === 0) return ((2 - v) * v - 1) * v * 0.5;
  if (row === 1) return ((3 * v - 5) * v * v + 2) * 0.5;
  if (row === 2) return ((4 - 3 * v) * v + 1) * v * 0.5;
  return (v - 1) * v * v * 0.5;
}
