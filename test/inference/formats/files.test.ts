/** Every format is known by its content, read upright, written as what was asked for, and refused by name or before the work. */
import { open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HEAD_BYTES, recogniseFormat } from '../../../src/contracts/photo-format.ts';
import { assertFits, RESULT_FORMATS, resultFormatOf } from '../../../src/contracts/result-format.ts';
import { exifSegment, makeExif, withJpegSegments, withPngExif } from './containers.ts';
import { makeFolder, pictureOf, rawSamples, removeFolder, roundTrip, SAMPLES } from './support.ts';

let folder = '';
beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => removeFolder(folder));

const WRITTEN = ['jpeg', 'png', 'webp', 'avif', 'tiff'] as const;

describe('what is asked for is what is written', () => {
  it.each(WRITTEN.flatMap((from) => WRITTEN.map((to) => [from, to] as const)))('%s as %s', async (from, to) => {
    const photo = await sharp(join(SAMPLES, 'coffee.jpg')).resize(90, 60).toFormat(from).toBuffer();
    const { file, path } = await roundTrip(photo, folder, { format: to });
    expect(recogniseFormat(file.subarray(0, HEAD_BYTES))).toBe(to);
    expect(path.endsWith(RESULT_FORMATS[to].extension)).toBe(true);
    const { width, height } = await sharp(file).metadata();
    expect([width, height]).toEqual([90, 60]);
  });

  it('same is that of the photo, and PNG for those that are only read', () => {
    for (const format of WRITTEN) expect(resultFormatOf(format, 'same').name).toBe(format);
    expect(resultFormatOf('gif', 'same').name).toBe('png');
    expect(resultFormatOf('bmp', 'same').name).toBe('png');
  });

  it.each(['jpeg', 'webp', 'avif'] as const)('%s: more quality is more bytes and less difference', async (format) => {
    const photo = await sharp(join(SAMPLES, 'astronaut.jpg')).png().toBuffer();
    const own = (await rawSamples(photo)).data;
    const made = await Promise.all(
      [20, 60, 95].map(async (outputQuality) => {
        const { file } = await roundTrip(photo, folder, { format, outputQuality });
        const { data } = await rawSamples(file);
        return {
          bytes: file.length,
          error: [...data].reduce((sum, value, at) => sum + (value - (own[at] ?? 0)) ** 2, 0),
        };
      }),
    );
    for (let index = 1; index < made.length; index += 1) {
      expect(made[index]?.bytes).toBeGreaterThan(made[index - 1]?.bytes ?? Infinity);
      expect(made[index]?.error).toBeLessThan(made[index - 1]?.error ?? 0);
    }
  });

  it.each(['png', 'tiff'] as const)('%s has no quality, and that is said', async (format) => {
    const { notes } = await roundTrip(join(SAMPLES, 'coffee.jpg'), folder, { format, outputQuality: 80 });
    expect(notes.join()).toContain('output_quality has no effect');
  });

  it('sharpening is off unless asked for, and then steepens edges', async () => {
    const steep = async (sharpen: number): Promise<number> => {
      const { file } = await roundTrip(join(SAMPLES, 'astronaut.jpg'), folder, { format: 'png', sharpen });
      const { data } = await rawSamples(file);
      return [...data].reduce((sum, value, at) => sum + Math.abs(value - (data[at - 3] ?? value)), 0);
    };
    const [off, half, full] = [await steep(0), await steep(0.5), await steep(1)];
    const { file } = await roundTrip(join(SAMPLES, 'astronaut.jpg'), folder, { format: 'png' });
    expect((await rawSamples(file)).data).toEqual((await rawSamples(join(SAMPLES, 'astronaut.jpg'))).data);
    expect(half).toBeGreaterThan(off * 1.01);
    expect(full).toBeGreaterThan(half * 1.01);
  });
});

describe('[36] orientation', () => {
  it.each(
    [1, 2, 3, 4, 5, 6, 7, 8].flatMap((orientation) =>
      (['jpeg', 'png', 'tiff'] as const).map((format) => [orientation, format] as const),
    ),
  )('%i in a %s comes out upright', async (orientation, format) => {
    const upright = await sharp(join(SAMPLES, 'chelsea.png'))
      .resize(60, 40)
      .raw()
      .toBuffer({ resolveWithObject: true });
    const plain = pictureOf(new Uint8Array(upright.data), 60, 40, 3);
    const exif = makeExif({ image: [{ tag: 0x112, value: orientation }] });
    const photo =
      format === 'jpeg'
        ? withJpegSegments(await plain.jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer(), [
            exifSegment(exif),
          ])
        : format === 'png'
          ? withPngExif(await plain.png().toBuffer(), exif)
          : await plain.withMetadata({ orientation }).tiff({ compression: 'lzw' }).toBuffer();
    const { file } = await roundTrip(photo, folder, { format: 'png' });
    const wanted = await sharp(photo).autoOrient().raw().toBuffer({ resolveWithObject: true });
    const found = await rawSamples(file);
    expect([found.width, found.height]).toEqual(orientation < 5 ? [60, 40] : [40, 60]);
    expect(Buffer.from(found.data)).toEqual(wanted.data);
    expect((await sharp(file).metadata()).orientation ?? 1).toBe(1);
  });
});

describe('refusals', () => {
  const box = (brand: string): Buffer => Buffer.from(`\0\0\0\x18ftyp${brand}\0\0\0\0${brand}mif1`, 'latin1');

  it.each(['heic', 'heix', 'hevc', 'mif1'])('[39] HEIC (%s) is refused by its name', async (brand) => {
    const path = join(folder, `${brand}.jpg`);
    await writeFile(path, box(brand));
    await expect(roundTrip(path, folder)).rejects.toMatchObject({
      code: 'unsupported_format',
      message: expect.stringMatching(/HEIC.*Send JPEG/),
    });
  });

  it('an AVIF whose brand is one of HEIC is still an AVIF', () => {
    const head = Buffer.from('\0\0\0\x1cftypmif1\0\0\0\0mif1avif', 'latin1');
    expect(recogniseFormat(head)).toBe('avif');
  });

  it.each([
    ['webp', 16_384, 10],
    ['jpeg', 65_501, 10],
    ['avif', 16_385, 10],
  ] as const)('a %s of %i x %i pixels is refused before the work, naming one that can', (name, width, height) => {
    const fits = (): void => assertFits(RESULT_FORMATS[name], width, height, 2_000_000_000);
    expect(fits).toThrow(/holds at most .* Ask for the format png/);
    expect(() => assertFits(RESULT_FORMATS.png, width, height, 2_000_000_000)).not.toThrow();
  });

  it.each(['webp', 'avif'] as const)('a %s that its encoder would hold in memory whole is refused', (name) => {
    expect(() => assertFits(RESULT_FORMATS[name], 16_000, 16_000, 2_000_000_000)).toThrow(
      /holds all of them in memory/,
    );
  });

  it('what the formats are said to hold is what their encoders take', async () => {
    for (const [name, side] of [
      ['webp', 16_383],
      ['jpeg', 65_500],
      ['avif', 16_384],
    ] as const) {
      const wide = sharp({ create: { width: side, height: 2, channels: 3, background: '#345' } });
      expect((await wide.toFormat(name, { quality: 50 }).toBuffer()).length).toBeGreaterThan(0);
    }
  });
});

describe('a large result', () => {
  it('of 48 megapixels is written without being held in memory', async () => {
    const { openCanvas } = await import('../../../src/inference/canvas.ts');
    const { encodeResult } = await import('../../../src/inference/encode.ts');
    const { optionsOf } = await import('./support.ts');
    const [width, height] = [8000, 6000];
    const canvasPath = join(folder, 'large.tif');
    const canvas = await openCanvas(canvasPath, width, height, 3, 16);
    const band = new Uint16Array(width * 100 * 3);
    for (let row = 0; row < height; row += 100) {
      for (let at = 0; at < band.length; at += 1) band[at] = ((at >> 5) * 331 + row * 97) & 0xffff;
      await canvas.append(band);
    }
    await canvas.close();
    const colour = { model: 'rgb', profileBroken: false, converted: false } as const;
    const header = {
      colour,
      depth: 16,
      bits: 16,
      metadata: { exif: makeExif({ image: [{ tag: 0x13b, value: 'Ansel' }] }) },
    } as const;
    for (const name of ['jpeg', 'png', 'tiff'] as const) {
      const resultPath = join(folder, `large${RESULT_FORMATS[name].extension}`);
      const peak = watchMemory();
      await encodeResult({
        canvasPath,
        resultPath,
        canvas: { width, height, channels: 3 },
        width,
        height,
        format: RESULT_FORMATS[name],
        header,
        options: optionsOf({}),
      });
      // The picture itself has 288 MB.
      expect(await peak()).toBeLessThan(150_000_000);
      expect((await stat(resultPath)).size).toBeGreaterThan(1_000_000);
    }
  });

  /** How far resident memory rises, in bytes, until the answer is asked for. */
  function watchMemory(): () => Promise<number> {
    const before = process.memoryUsage.rss();
    let most = before;
    const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 5);
    return () => {
      clearInterval(timer);
      return Promise.resolve(most - before);
    };
  }
});

describe('what is left behind', () => {
  it('is the result alone, also when encoding fails', async () => {
    const { readdir, rm } = await import('node:fs/promises');
    const { path } = await roundTrip(join(SAMPLES, 'coffee.jpg'), folder, { format: 'avif' });
    expect((await readdir(join(path, '..'))).sort()).toEqual(['canvas.tif', 'result.avif']);
    const file = await open(path);
    await file.close();
    await rm(path);
    expect(await readFile(join(path, '..', 'canvas.tif'))).toBeDefined();
  });
});
