/** On a real portrait with the real detector: a restorer that changes nothing leaves no trace, one that restores is used, and one that makes something else is refused. */
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { blur } from '../../../src/inference/faces/blur.ts';
import { CROP_PIXELS, CROP_SIDE } from '../../../src/inference/faces/face-crop.ts';
import type { Detector } from '../../../src/inference/faces/find-faces.ts';
import { areaOf, pasteFace } from '../../../src/inference/faces/paste-face.ts';
import { restoreFaces, type Restorer } from '../../../src/inference/faces/restore-faces.ts';
import { sampleCrop } from '../../../src/inference/faces/sample-crop.ts';
import { inverse } from '../../../src/inference/faces/similarity.ts';
import type { Pixels } from '../../../src/inference/tiles.ts';
import { openDetector, readPhoto, yunet } from './support.ts';

const { signal } = new AbortController();
const most = (values: Float32Array | undefined): number =>
  (values ?? new Float32Array()).reduce((a, b) => Math.max(a, b), 0);
const identity: Restorer = (planes) => Promise.resolve(planes);
const each =
  (change: (level: number, pixel: number, channel: number) => number): Restorer =>
  (planes) =>
    Promise.resolve(planes.map((level, index) => change(level, index % CROP_PIXELS, Math.floor(index / CROP_PIXELS))));

/** A photo as it comes from an old phone. */
async function degrade(photo: Pixels<Uint8Array>): Promise<Pixels<Uint8Array>> {
  const { width, height } = photo;
  const raw = { width, height, channels: 3 } as const;
  const small = await sharp(photo.data, { raw })
    .resize(Math.round(width / 2))
    .jpeg({ quality: 40 })
    .toBuffer();
  const data = await sharp(small).resize(width, height, { fit: 'fill', kernel: 'cubic' }).raw().toBuffer();
  return { ...photo, data };
}

describe.skipIf(yunet === undefined)('restoring faces', () => {
  let detect: Detector;
  let photo: Pixels<Uint8Array>;

  beforeAll(async () => {
    if (yunet === undefined) return;
    detect = await openDetector(yunet);
    photo = await readPhoto('astronaut.jpg', 480);
  });
  const run = (restore: Restorer, of = photo) => restoreFaces({ photo: of, detect, restore, signal });

  it('leaves the photo as it is when the restorer changes nothing, to the last bit', async () => {
    const { patches, counts } = await run(identity);
    expect(counts).toEqual({ found: 1, restored: 1, softened: 0, skipped: [] });
    const [patch] = patches;
    if (patch === undefined) throw new Error('Expected a face');
    const area = areaOf(patch, 1, photo);
    if (area === undefined) throw new Error('Expected the face on the photo');
    const data = photo.data.slice();
    await pasteFace({ ...photo, data }, { left: 0, top: 0, width: photo.width, height: photo.height }, patch, 1, 0);
    expect(Buffer.from(data).equals(photo.data)).toBe(true);
  });

  it('moves no pixel by more than two levels where an unchanged face is pasted in full', async () => {
    const [patch] = (await run(identity)).patches;
    if (patch === undefined) throw new Error('Expected a face');
    const data = photo.data.slice();
    const whole = { left: 0, top: 0, width: photo.width, height: photo.height };
    const forced = { ...patch, weight: new Float32Array(CROP_PIXELS).fill(1) };
    await pasteFace({ ...photo, data }, whole, forced, 1, 0);
    const largest = data.reduce((most, level, index) => Math.max(most, Math.abs(level - (photo.data[index] ?? 0))), 0);
    expect(largest).toBeLessThanOrEqual(2);
  });

  it('trusts a restorer that gives back what the photo had lost', async () => {
    const poor = await degrade(photo);
    const ideal: Restorer = async () => {
      const { patches } = await run(identity, photo);
      const [patch] = patches;
      if (patch === undefined) throw new Error('Expected a face');
      const crop = sampleCrop(photo, inverse(patch.photoToCrop), 'grey');
      return Float32Array.from({ length: 3 * CROP_PIXELS }, (_, index) => {
        const pixel = index % CROP_PIXELS;
        return (crop[pixel * 3 + Math.floor(index / CROP_PIXELS)] ?? 0) / 127.5 - 1;
      });
    };
    const { patches, counts } = await run(ideal, poor);
    expect(counts).toEqual({ found: 1, restored: 1, softened: 0, skipped: [] });
    expect(most(patches[0]?.weight)).toBeGreaterThan(0.9);
  });

  it.each<[string, Restorer, string]>([
    ['paints a flat grey', each(() => 0), 'not_alike'],
    ['paints noise', each((_, pixel, channel) => Math.sin(pixel * 12.9898 + channel * 78.233) * 0.9), 'not_alike'],
    ['paints the negative', each((level) => -level), 'not_alike'],
    ['paints it red', each((level, _, channel) => (channel === 0 ? level + 0.8 : level)), 'not_alike'],
    ['answers with what is no number', each((level, pixel) => (pixel === 7 ? Number.NaN : level)), 'broken_answer'],
  ])('refuses one that %s', async (_, restore, reason) => {
    const { patches, counts } = await run(restore);
    expect(patches).toEqual([]);
    expect(counts.skipped).toEqual([{ reason, faces: 1 }]);
  });

  it('refuses one that puts the face somewhere else', async () => {
    const shift = 45;
    const moved: Restorer = (planes) =>
      Promise.resolve(planes.map((_, index) => planes[Math.min(planes.length - 1, index + shift)] ?? 0));
    expect((await run(moved)).counts.skipped).toEqual([{ reason: 'not_alike', faces: 1 }]);
  });

  it('uses one that goes a little far in part, and says so', async () => {
    const { patches, counts } = await run(each((level, _, channel) => (channel === 0 ? level + 0.4 : level)));
    expect(counts).toEqual({ found: 1, restored: 1, softened: 1, skipped: [] });
    expect(most(patches[0]?.weight)).toBeGreaterThan(0.1);
    expect(most(patches[0]?.weight)).toBeLessThan(0.95);
  });

  it('does not restore a face of which the photo has more than the restorer can give', async () => {
    const large = await readPhoto('astronaut.jpg', 3000);
    expect((await run(identity, large)).counts.skipped).toEqual([{ reason: 'detailed_already', faces: 1 }]);
  });

  it('makes up no face from a few pixels', async () => {
    const tiny = await readPhoto('astronaut.jpg', 60);
    const { counts } = await run(identity, tiny);
    expect(counts.restored).toBe(0);
  });

  it('stops between two steps when it is told to', async () => {
    const abort = new AbortController();
    abort.abort(new Error('enough'));
    await expect(restoreFaces({ photo, detect, restore: identity, signal: abort.signal })).rejects.toThrow('enough');
  });
});

it('blurs a point evenly and keeps what is flat', () => {
  const values = new Float32Array(CROP_SIDE * CROP_SIDE).fill(7);
  expect(blur(values, CROP_SIDE, 1, 5).every((value) => Math.abs(value - 7) < 1e-4)).toBe(true);
  values.fill(0);
  values[256 * CROP_SIDE + 256] = 1000;
  const blurred = blur(values, CROP_SIDE, 1, 5);
  expect(blurred.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1000, 0);
  expect(blurred[256 * CROP_SIDE + 250]).toBeCloseTo(blurred[262 * CROP_SIDE + 256] ?? 0, 5);
});
