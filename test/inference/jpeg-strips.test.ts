/** A JPEG made of strips is, for whoever decodes it, the one that is encoded at once; and no file is made of strips that do not fit. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type JpegOptions, type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openJpegStrips, stripRows, type JpegShape } from '../../src/inference/jpeg-strips.ts';
import { makeScratch, removeScratch } from './support.ts';

let scratch = '';
beforeAll(async () => (scratch = await makeScratch()));
afterAll(() => removeScratch(scratch));

const OPTIONS = { quality: 92, chromaSubsampling: '4:4:4', optimiseCoding: false } as const satisfies JpegOptions;

/** Rows in which every block is another. */
function rowsOf({ width, height, channels }: JpegShape): Uint8Array {
  const samples = new Uint8Array(width * height * channels);
  for (let i = 0; i < samples.length; i += 1) samples[i] = (i * 31 + ((i / 5000) | 0) * 57) >> 3;
  return samples;
}

async function write(shape: JpegShape, samples: Uint8Array, encode: (strip: Sharp) => Sharp): Promise<string> {
  const path = join(scratch, `${shape.width}x${shape.height}x${shape.channels}.jpg`);
  const canvas = await openJpegStrips(path, shape, encode);
  const rowSamples = shape.width * shape.channels;
  try {
    for (let y = 0; y < shape.height; y += canvas.rowsAtATime)
      await canvas.append(samples.subarray(y * rowSamples, (y + canvas.rowsAtATime) * rowSamples));
  } finally {
    await canvas.close();
  }
  return path;
}

const pixelsOf = (picture: Sharp): Promise<Buffer> => picture.raw().toBuffer();

const MARKS = { interval: 0xdd, end: 0xd9 } as const;

describe('a JPEG of strips', () => {
  it.each<[JpegShape, number, string]>([
    [{ width: 2600, height: 1700, channels: 3 }, 2, 'two strips, the last one shorter'],
    [{ width: 2501, height: 2003, channels: 3 }, 3, 'sides that are no multiples of a block'],
    [{ width: 1000, height: 5000, channels: 3 }, 2, 'strips that fill the picture'],
    [{ width: 65_000, height: 650, channels: 3 }, 17, 'more strips than there are restart markers'],
  ])('%o: the same pixels as at once; %i strips', async (shape, strips) => {
    expect(Math.ceil(shape.height / stripRows(shape))).toBe(strips);
    const samples = rowsOf(shape);
    const path = await write(shape, samples, (strip) => strip.jpeg(OPTIONS));
    const { width, height, channels } = shape;
    const whole = await sharp(samples, { raw: { width, height, channels } }).jpeg(OPTIONS).toBuffer();
    const file = await readFile(path);
    expect((await pixelsOf(sharp(file, { failOn: 'warning' }))).equals(await pixelsOf(sharp(whole)))).toBe(true);
    expect(file.length).toBeLessThan(whole.length * 1.001 + 100);
    expect(file.subarray(-2)).toEqual(Buffer.from([0xff, MARKS.end]));
    const interval = file.indexOf(Buffer.from([0xff, MARKS.interval]));
    expect(file.readUInt16BE(interval + 4)).toBe((Math.ceil(width / 8) * stripRows(shape)) / 8);
  });

  it('is grey or opaque where its strips are', async () => {
    const shape = { width: 1600, height: 2900, channels: 4 } as const;
    const samples = rowsOf(shape);
    const make = (picture: Sharp): Sharp => picture.flatten({ background: '#fff' }).toColourspace('b-w').jpeg(OPTIONS);
    const path = await write(shape, samples, make);
    const whole = await make(sharp(samples, { raw: shape })).toBuffer();
    expect(await sharp(path).metadata()).toMatchObject({ width: 1600, height: 2900, channels: 1 });
    expect((await pixelsOf(sharp(path))).equals(await pixelsOf(sharp(whole)))).toBe(true);
  });

  it('takes no rows but those it asked for', async () => {
    const shape = { width: 100, height: 60_000, channels: 3 } as const;
    const canvas = await openJpegStrips(join(scratch, 'rows.jpg'), shape, (strip) => strip.jpeg(OPTIONS));
    try {
      expect(canvas.rowsAtATime).toBeLessThan(60_000);
      await expect(canvas.append(new Uint8Array(8 * 300))).rejects.toThrow(`Expected ${canvas.rowsAtATime} rows`);
      await expect(canvas.append(new Uint8Array((canvas.rowsAtATime + 8) * 300))).rejects.toThrow('Expected');
    } finally {
      await canvas.close();
    }
  });

  it('is not made of strips with tables of their own, nor of progressive ones', async () => {
    const shape = { width: 2600, height: 1700, channels: 3 } as const;
    const samples = rowsOf(shape).map((sample, i) => (i < 4_000_000 ? 7 : sample));
    const own = write(shape, samples, (strip) => strip.jpeg({ ...OPTIONS, optimiseCoding: true }));
    await expect(own).rejects.toThrow('the same tables');
    const progressive = write(shape, samples, (strip) => strip.jpeg({ ...OPTIONS, progressive: true }));
    await expect(progressive).rejects.toThrow('Expected a baseline JPEG');
    await rm(join(scratch, '2600x1700x3.jpg'));
  });

  it('never has an interval of more blocks than its field can say, nor a strip of none', () => {
    for (let width = 1; width <= 65_535; width += 1) {
      const rows = stripRows({ width });
      if (rows < 8 || rows % 8 !== 0 || Math.ceil(width / 8) * (rows / 8) > 65_535)
        expect.fail(`${rows} rows at ${width}`);
    }
  });
});
