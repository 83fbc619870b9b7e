// Property: a photo sent with one call comes back at exactly the size that was asked for, as the same picture: not tinted, not
// shifted, under its own name. Everything is real: the command, Temporal, a worker, a network.
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { House, possible } from './house.ts';
import { crops, type Photo } from './photos.ts';
import { Visitor } from './visitor.ts';

describe.skipIf(!possible)('a single photo', () => {
  let house: House;
  let visitor: Visitor;
  let photo: Photo;

  beforeAll(async () => {
    house = await House.start();
    visitor = new Visitor(house.url);
    const [first] = await crops(1);
    if (!first) throw new Error('no photo');
    photo = { ...first, name: 'Grandmother 1962.jpeg' };
  });
  afterAll(async () => await house?.close());

  it.each([
    ['', 4],
    ['&scale=2', 2],
  ])('with "%s" comes back %i times as wide and tall, and is the same picture', async (query, scale) => {
    const task = await visitor.enhance(photo, `quality_level=fast${query}`);
    const status = await visitor.settled(task);
    expect(status).toMatchObject({ status: 'completed', progress: 1, error: null, filename: photo.name });
    expect(status.processing_time).toBeGreaterThan(0);

    const answer = await visitor.get(status.result_url ?? '');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('image/jpeg');
    expect(answer.headers.get('content-disposition')).toContain('Grandmother 1962_enhanced.jpg');
    const result = Buffer.from(await answer.arrayBuffer());
    expect(answer.headers.get('content-length')).toBe(String(result.length));
    const { width, height, format } = await sharp(result).metadata();
    expect([width, height, format]).toEqual([160 * scale, 120 * scale, 'jpeg']);

    const { meanDifference, psnr, psnrWhenShifted } = await compare(photo.bytes, result);
    console.log(
      `x${scale}: mean colour off by ${meanDifference.map((one) => one.toFixed(2)).join(', ')} levels, ${psnr.toFixed(1)} dB`,
    );
    for (const difference of meanDifference) expect(Math.abs(difference)).toBeLessThan(2);
    expect(psnr).toBeGreaterThan(26);
    // The picture fits its original better where it lies than a pixel aside in any direction.
    for (const shifted of psnrWhenShifted) expect(psnr).toBeGreaterThan(shifted + 1);
  });
});

/** The result, reduced to the size of its original, against the original. */
async function compare(original: Uint8Array, result: Buffer) {
  const before = await sharp(original).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const { width, height } = before.info;
  const after = await sharp(result).resize(width, height, { fit: 'fill' }).removeAlpha().raw().toBuffer();
  const psnrAt = (dx: number, dy: number): number => {
    let sum = 0;
    let count = 0;
    for (let y = 1; y < height - 1; y += 1) {
      for (let x = 3; x < (width - 1) * 3; x += 1) {
        const difference = (before.data[y * width * 3 + x] ?? 0) - (after[(y + dy) * width * 3 + x + dx * 3] ?? 0);
        sum += difference ** 2;
        count += 1;
      }
    }
    return 10 * Math.log10(255 ** 2 / (sum / count));
  };
  const mean = (pixels: Uint8Array, channel: number): number => {
    let sum = 0;
    for (let at = channel; at < pixels.length; at += 3) sum += pixels[at] ?? 0;
    return sum / (pixels.length / 3);
  };
  return {
    meanDifference: [0, 1, 2].map((channel) => mean(after, channel) - mean(before.data, channel)),
    psnr: psnrAt(0, 0),
    psnrWhenShifted: [psnrAt(1, 0), psnrAt(-1, 0), psnrAt(0, 1), psnrAt(0, -1)],
  };
}
