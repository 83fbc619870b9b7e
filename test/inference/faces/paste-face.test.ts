/** A face goes to the template and back to its place within half a pixel, at any size and turn; what lies beyond it, and what is finer than a restorer shows, stays. */
import { describe, expect, it } from 'vitest';
import { CROP_SIDE, TEMPLATE } from '../../../src/inference/faces/face-crop.ts';
import { areaOf, pasteFace, sharesFor } from '../../../src/inference/faces/paste-face.ts';
import type { FacePatch } from '../../../src/inference/faces/restore-faces.ts';
import { sampleCrop } from '../../../src/inference/faces/sample-crop.ts';
import {
  chain,
  enlargement,
  fitSimilarity,
  inverse,
  mapPoint,
  meanDistance,
  type Similarity,
} from '../../../src/inference/faces/similarity.ts';
import { cutOut, type Pixels } from '../../../src/inference/tiles.ts';
import { asPicture, blank, fullWeight, middleOfDot, paintDot } from './support.ts';

const PHOTO = { width: 300, height: 260 };

/** Brings the template's middle to the middle of the photo, `scale` crop pixels to one of the photo. */
function photoToCropAt(scale: number, degrees: number): Similarity {
  const angle = (degrees * Math.PI) / 180;
  const turned = { a: scale * Math.cos(angle), b: scale * Math.sin(angle), dx: 0, dy: 0 };
  const at = mapPoint(turned, { x: PHOTO.width / 2 - 3.3, y: PHOTO.height / 2 + 1.7 });
  return { ...turned, dx: 256 - at.x, dy: 270 - at.y };
}

const PLACES = [
  [4.9, 0],
  [4.9, 23],
  [2.2, -38],
  [2.2, 180],
] as const;

/** Pastes into a canvas as it lies on disk. @returns the area that was read and put back. */
async function paste(canvas: Pixels<Uint8Array>, patch: FacePatch, scale: number, fidelity: number) {
  const area = areaOf(patch, scale, canvas);
  if (area === undefined) throw new Error('Expected the face to lie on the canvas');
  const columns = { start: area.left, end: area.left + area.width };
  const rows = { start: area.top, end: area.top + area.height };
  const data = cutOut(canvas, columns, rows);
  await pasteFace({ width: area.width, height: area.height, channels: 3, data }, area, patch, scale, fidelity);
  for (let y = 0; y < area.height; y += 1) {
    const row = data.subarray(y * area.width * 3, (y + 1) * area.width * 3);
    canvas.data.set(row, ((area.top + y) * canvas.width + area.left) * 3);
  }
  return area;
}

describe.each(PLACES)('a face %d times smaller than the crop, turned by %d degrees', (scale, degrees) => {
  const photoToCrop = photoToCropAt(scale, degrees);
  const inPhoto = TEMPLATE.map((point) => mapPoint(inverse(photoToCrop), point));

  it('lies on the template within half a pixel', () => {
    const photo = blank(PHOTO.width, PHOTO.height);
    for (const { x, y } of inPhoto) paintDot(photo, x, y, 2);
    const { fit } = fitSimilarity(inPhoto, TEMPLATE);
    const crop = asPicture(Uint8Array.from(sampleCrop(photo, inverse(fit), 'edge'), Math.round));
    for (const point of TEMPLATE) {
      const found = middleOfDot(crop, point.x, point.y, Math.round(scale * 6));
      expect(meanDistance([found], [point])).toBeLessThan(0.5);
    }
  });

  it.each([1, 4])('is put back within half a pixel into a canvas %d times the photo', async (enlarged) => {
    const restored = asPicture(new Uint8Array(CROP_SIDE * CROP_SIDE * 3));
    for (const { x, y } of TEMPLATE) paintDot(restored, x, y, 9);
    const canvas = blank(PHOTO.width * enlarged, PHOTO.height * enlarged);
    const patch = { photoToCrop, restored: Uint8Array.from(restored.data), weight: fullWeight() };
    await paste(canvas, patch, enlarged, 0);
    for (const point of inPhoto) {
      const expected = mapPoint(enlargement(enlarged), point);
      const reach = Math.ceil((27 * enlarged) / scale);
      const found = middleOfDot(canvas, expected.x, expected.y, reach);
      expect(meanDistance([found], [expected])).toBeLessThan(0.5);
    }
  });
});

const photoToCrop = photoToCropAt(4.9, 12);
const grey = (level: number): FacePatch['restored'] => new Uint8Array(CROP_SIDE * CROP_SIDE * 3).fill(level);

function texture(level: number, depth: number): Pixels<Uint8Array> {
  const picture = blank(PHOTO.width * 4, PHOTO.height * 4, level);
  for (let pixel = 0; pixel < picture.width * picture.height; pixel += 1) {
    const sign = (pixel + Math.floor(pixel / picture.width)) % 2 === 0 ? 1 : -1;
    picture.data.fill(level + sign * depth, pixel * 3, pixel * 3 + 3);
  }
  return picture;
}

it('changes nothing where the weight is nothing, and nothing outside of the face', async () => {
  const canvas = texture(100, 9);
  const before = canvas.data.slice();
  await paste(canvas, { photoToCrop, restored: grey(200), weight: new Float32Array(CROP_SIDE * CROP_SIDE) }, 4, 0);
  expect(Buffer.from(canvas.data).equals(before)).toBe(true);
  await paste(canvas, { photoToCrop, restored: grey(200), weight: fullWeight() }, 4, 0);
  const cropFromCanvas = inverse(chain(inverse(photoToCrop), enlargement(4)));
  let changed = 0;
  for (let pixel = 0; pixel < canvas.width * canvas.height; pixel += 1) {
    if (canvas.data[pixel * 3] === before[pixel * 3]) continue;
    changed += 1;
    const at = mapPoint(cropFromCanvas, { x: pixel % canvas.width, y: Math.floor(pixel / canvas.width) });
    if (at.x < 1 || at.y < 1 || at.x > CROP_SIDE - 2 || at.y > CROP_SIDE - 2)
      throw new Error(`changed outside of the crop: ${at.x} ${at.y}`);
  }
  expect(changed).toBeGreaterThan(50_000);
});

it('keeps what is finer than the crop can show', async () => {
  const wide = photoToCropAt(1.3, 0); // a face larger than the photo: three canvas pixels to one of the crop
  const canvas = texture(100, 9);
  await paste(canvas, { photoToCrop: wide, restored: grey(160), weight: fullWeight() }, 4, 0);
  const middle = ((canvas.height / 2) * canvas.width + canvas.width / 2) * 3;
  const levels = Array.from({ length: 40 }, (_, index) => canvas.data[middle + index * 3] ?? 0);
  const mean = levels.reduce((sum, level) => sum + level, 0) / levels.length;
  expect(mean).toBeGreaterThan(157);
  expect(mean).toBeLessThan(163);
  expect(Math.max(...levels) - Math.min(...levels)).toBeGreaterThan(14);
});

it('reads and writes an area that depends on the face alone', () => {
  const patch = { photoToCrop, restored: grey(0), weight: fullWeight() };
  const small = areaOf(patch, 4, { width: PHOTO.width * 4, height: PHOTO.height * 4 });
  expect(areaOf(patch, 4, { width: 40_000, height: 30_000 })).toEqual(small);
  const side = (CROP_SIDE * 4) / 4.9;
  expect((small?.width ?? Infinity) * (small?.height ?? Infinity)).toBeLessThan(2 * side * side);
});

it('has an effect of its own for every fidelity: less of the restored face the higher it is, and its colour only below a half', async () => {
  const mean = async (fidelity: number, restored: FacePatch['restored']): Promise<number> => {
    const canvas = blank(PHOTO.width, PHOTO.height, 100);
    await paste(canvas, { photoToCrop: photoToCropAt(2.2, 12), restored, weight: fullWeight() }, 1, fidelity);
    return canvas.data.reduce((sum, level) => sum + Math.abs(level - 100), 0) / canvas.data.length;
  };
  const free = await mean(0, grey(160));
  expect(free).toBeGreaterThan(5);
  expect(await mean(0.25, grey(160))).toBeLessThan(free * 0.7);
  expect(await mean(0.5, grey(160))).toBeLessThan(free * 0.05);
  const lines = grey(100).map((level, index) => (Math.floor(index / 24) % 2 === 0 ? level + 40 : level - 40));
  const [detailed, less, least] = [await mean(0, lines), await mean(0.6, lines), await mean(1, lines)];
  expect(less).toBeLessThan(detailed * 0.97);
  expect(least).toBeLessThan(less * 0.97);
  expect(least).toBeGreaterThan(detailed * 0.1);
  expect(sharesFor(0)).toEqual({ broad: 1, detail: 1 });
});

it('is the same in 16 bits, to a level', async () => {
  const eight = texture(100, 9);
  const area = areaOf({ photoToCrop, restored: grey(180), weight: fullWeight() }, 4, eight);
  if (area === undefined) throw new Error('Expected the face to lie on the canvas');
  const part = cutOut(
    eight,
    { start: area.left, end: area.left + area.width },
    { start: area.top, end: area.top + area.height },
  );
  const wide = Uint16Array.from(part, (level) => level * 257);
  const patch = { photoToCrop, restored: grey(180), weight: fullWeight() };
  await pasteFace({ ...area, channels: 3, data: part }, area, patch, 4, 0.3);
  await pasteFace({ ...area, channels: 3, data: wide }, area, patch, 4, 0.3);
  const largest = wide.reduce((most, level, index) => Math.max(most, Math.abs(level / 257 - (part[index] ?? 0))), 0);
  expect(largest).toBeLessThanOrEqual(0.51);
});
