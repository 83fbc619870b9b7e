import type { Point } from './similarity.ts';

/** What a face restorer takes and gives: a square crop, RGB, in which eyes, nose and mouth lie where those of FFHQ lie. */

export const CROP_SIDE = 512;
export const CROP_PIXELS = CROP_SIDE * CROP_SIDE;

/** Eyes, nose, corners of the mouth, left before right as one sees them: the averages of FFHQ, as GFPGAN was trained on. */
export const TEMPLATE: readonly Point[] = [
  { x: 192.98138, y: 239.94708 },
  { x: 318.90277, y: 240.1936 },
  { x: 256.63416, y: 314.01935 },
  { x: 201.26117, y: 371.41043 },
  { x: 313.08905, y: 371.15118 },
];

export const EYE_DISTANCE = 125.9;

/** Three samples a pixel, 0..255, row by row, {@link CROP_SIDE} pixels a side. */
export type Crop = Uint8Array<ArrayBuffer>;

/** To planes of red, green and blue from -1 to 1: `[1, 3, 512, 512]`. */
export function cropToPlanes(crop: Crop): Float32Array<ArrayBuffer> {
  const planes = new Float32Array(3 * CROP_PIXELS);
  for (let pixel = 0; pixel < CROP_PIXELS; pixel += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      planes[channel * CROP_PIXELS + pixel] = (crop[pixel * 3 + channel] ?? 0) / 127.5 - 1;
    }
  }
  return planes;
}

/** Back from planes; `undefined` when there is a sample that is no number. */
export function planesToCrop(planes: Float32Array): Crop | undefined {
  const crop = new Uint8Array(3 * CROP_PIXELS);
  for (let pixel = 0; pixel < CROP_PIXELS; pixel += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      const level = ((planes[channel * CROP_PIXELS + pixel] ?? Number.NaN) + 1) * 127.5;
      if (!Number.isFinite(level)) return undefined;
      crop[pixel * 3 + channel] = Math.max(0, Math.min(255, Math.round(level)));
    }
  }
  return crop;
}
