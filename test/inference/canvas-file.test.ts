/** Any rectangle of a canvas is read back as it was written, by us or by libvips, with 8 and with 16 bits. */
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CanvasFile } from '../../src/inference/canvas-file.ts';
import { openCanvas } from '../../src/inference/canvas.ts';
import { cutOut, samplesLike, type Depth, type Pixels } from '../../src/inference/tiles.ts';
import { makeScratch, removeScratch } from './support.ts';

let root = '';
beforeAll(async () => (root = await makeScratch()));
afterAll(() => removeScratch(root));

function picture(width: number, height: number, channels: number, depth: Depth): Pixels {
  const data = samplesLike(depth, width * height * channels);
  for (let i = 0; i < data.length; i += 1) data[i] = (i * 7919) % (depth === 16 ? 65_536 : 256);
  return { width, height, channels, data };
}

const columns = { start: 13, end: 87 };
const rows = { start: 5, end: 61 };

describe.each([8, 16] as const)('CanvasFile, %i bits', (depth) => {
  it.each([3, 4] as const)('reads what openCanvas wrote, %i channels', async (channels) => {
    const { data, ...size } = picture(120, 70, channels, depth);
    const path = join(root, `own-${depth}-${channels}.tif`);
    const canvas = await openCanvas(path, size.width, size.height, channels, depth);
    await canvas.append(data.subarray(0, 120 * channels * 33));
    await canvas.append(data.subarray(120 * channels * 33));
    await canvas.close();
    const file = await CanvasFile.open(path);
    expect([file.width, file.height, file.channels, file.depth]).toEqual([120, 70, channels, depth]);
    expect(await file.cut(columns, rows)).toEqual(cutOut({ ...size, data }, columns, rows));
    await file.close();
    expect((await sharp(path).metadata()).depth).toBe(depth === 16 ? 'ushort' : 'uchar');
  });

  it('reads what libvips wrote', async () => {
    const { data, ...size } = picture(120, 300, 3, depth);
    const path = join(root, `vips-${depth}.tif`);
    await sharp(data, { raw: { width: 120, height: 300, channels: 3 } })
      .toColourspace(depth === 16 ? 'rgb16' : 'srgb')
      .tiff({ compression: 'none', bigtiff: true })
      .toFile(path);
    const file = await CanvasFile.open(path);
    expect(await file.cut(columns, { start: 100, end: 290 })).toEqual(
      cutOut({ ...size, data }, columns, { start: 100, end: 290 }),
    );
    await file.close();
  });

  it('refuses other files', async () => {
    const path = join(root, 'compressed.tif');
    await sharp(picture(20, 20, 3, 8).data, { raw: { width: 20, height: 20, channels: 3 } })
      .tiff({ compression: 'lzw', bigtiff: true })
      .toFile(path);
    await expect(CanvasFile.open(path)).rejects.toThrow('without compression');
  });
});
