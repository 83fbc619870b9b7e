/** The real detector finds large and small faces at bounded cost, where they are, and lays them on the template; cats and coffee are no faces. */
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { TEMPLATE, EYE_DISTANCE } from '../../../src/inference/faces/face-crop.ts';
import { findFaces, type Detector } from '../../../src/inference/faces/find-faces.ts';
import { fitSimilarity, meanDistance, scaleOf } from '../../../src/inference/faces/similarity.ts';
import { blank, openDetector, readPhoto, yunet } from './support.ts';

const { signal } = new AbortController();

describe.skipIf(yunet === undefined)('finding faces', () => {
  let detect: Detector;
  let searched: number[] = [];

  beforeAll(async () => {
    if (yunet === undefined) return;
    const run = await openDetector(yunet);
    detect = (input) => {
      searched.push((input.dims[2] ?? 0) * (input.dims[3] ?? 0));
      return run(input);
    };
  });

  it('finds the one face of a portrait, upright on the template', async () => {
    const [face, ...others] = await findFaces(await readPhoto('astronaut.jpg'), detect, signal);
    expect(others).toEqual([]);
    const { residual } = fitSimilarity(face?.points ?? [], TEMPLATE);
    expect(residual / EYE_DISTANCE).toBeLessThan(0.08);
    const [left, right, nose, mouth] = face?.points ?? [];
    expect(left?.x).toBeLessThan(right?.x ?? 0);
    expect(nose?.y).toBeGreaterThan(left?.y ?? Infinity);
    expect(mouth?.y).toBeGreaterThan(nose?.y ?? Infinity);
  });

  it.each(['chelsea.png', 'coffee.jpg'])('finds none in %s', async (name) => {
    expect(await findFaces(await readPhoto(name), detect, signal)).toEqual([]);
  });

  it('finds the same face, in the same place, in a photo ten times larger, at the cost of a small one', async () => {
    const [small] = await findFaces(await readPhoto('astronaut.jpg'), detect, signal);
    searched = [];
    const large = await readPhoto('astronaut.jpg', 2400);
    const [face] = await findFaces(large, detect, signal);
    const expected = (small?.points ?? []).map(({ x, y }) => ({ x: (x + 0.5) * 10 - 0.5, y: (y + 0.5) * 10 - 0.5 }));
    const eyes = Math.hypot(
      (expected[1]?.x ?? 0) - (expected[0]?.x ?? 0),
      (expected[1]?.y ?? 0) - (expected[0]?.y ?? 0),
    );
    expect(meanDistance(face?.points ?? [], expected) / eyes).toBeLessThan(0.08);
    expect(searched.reduce((sum, pixels) => sum + pixels, 0)).toBeLessThan(1600 * 1600 + 640 * 640 + 320 * 320 + 1);
  });

  it('finds a face of 60 pixels in the corner of twelve megapixels, next to one that fills the photo', async () => {
    const large = await readPhoto('astronaut.jpg', 2400);
    const small = await sharp(large.data, { raw: { width: large.width, height: large.height, channels: 3 } })
      .resize(240)
      .raw()
      .toBuffer({ resolveWithObject: true });
    const scene = blank(4000, 3000, 120);
    for (const [picture, left, top] of [
      [large, 1500, 0],
      [{ width: small.info.width, height: small.info.height, channels: 3, data: small.data }, 40, 2600],
    ] as const) {
      for (let y = 0; y < Math.min(picture.height, scene.height - top); y += 1) {
        const row = picture.data.subarray(y * picture.width * 3, (y + 1) * picture.width * 3);
        scene.data.set(row, ((top + y) * scene.width + left) * 3);
      }
    }
    const faces = await findFaces(scene, detect, signal);
    expect(faces).toHaveLength(2);
    expect(faces[0]?.left).toBeGreaterThan(1500);
    expect(faces[1]?.left).toBeLessThan(280);
    expect(faces[1]?.top).toBeGreaterThan(2600);
  });

  it('follows a face that is turned', async () => {
    const photo = await readPhoto('astronaut.jpg', 480);
    const { data, info } = await sharp(photo.data, { raw: { width: photo.width, height: photo.height, channels: 3 } })
      .rotate(20, { background: { r: 120, g: 120, b: 120 } })
      .raw()
      .toBuffer({ resolveWithObject: true });
    const [upright] = await findFaces(photo, detect, signal);
    const [face] = await findFaces({ width: info.width, height: info.height, channels: 3, data }, detect, signal);
    const turn = (points: typeof TEMPLATE): number => {
      const { fit } = fitSimilarity(points, TEMPLATE);
      return (Math.atan2(fit.b, fit.a) * 180) / Math.PI;
    };
    expect(turn(upright?.points ?? []) - turn(face?.points ?? [])).toBeGreaterThan(16);
    expect(turn(upright?.points ?? []) - turn(face?.points ?? [])).toBeLessThan(24);
    expect(scaleOf(fitSimilarity(face?.points ?? [], TEMPLATE).fit)).toBeCloseTo(
      scaleOf(fitSimilarity(upright?.points ?? [], TEMPLATE).fit),
      0,
    );
  });

  it('finds a face in 16 bits', async () => {
    const photo = await readPhoto('astronaut.jpg');
    const [eight] = await findFaces(photo, detect, signal);
    const [sixteen] = await findFaces(
      { ...photo, data: Uint16Array.from(photo.data, (level) => level * 257) },
      detect,
      signal,
    );
    expect(meanDistance(sixteen?.points ?? [], eight?.points ?? [])).toBeLessThan(0.1);
  });
});
