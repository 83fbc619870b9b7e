/** What is transparent stays so, smoothly, and never darkens or lightens the edge of what can be seen. */
import { existsSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Samples } from '../../../src/inference/tiles.ts';
import { makeFolder, pictureOf, rawSamples, removeFolder, roundTrip, SAMPLES } from './support.ts';
import { canvasBytes } from './tiffs.ts';

let folder = '';
beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => removeFolder(folder));

const [WIDTH, HEIGHT] = [120, 80];

/** A real photo cut out as a disc with a soft edge of `soft` pixels; beyond it the file hides `hidden`. */
async function sticker(hidden: number, deep: boolean, soft = 3): Promise<Samples> {
  const photo = await sharp(join(SAMPLES, 'astronaut.jpg'))
    .resize(WIDTH, HEIGHT)
    .modulate({ brightness: 1.2 })
    .raw()
    .toBuffer();
  const unit = deep ? 257 : 1;
  const data = deep ? new Uint16Array(WIDTH * HEIGHT * 4) : new Uint8Array(WIDTH * HEIGHT * 4);
  for (let pixel = 0; pixel < WIDTH * HEIGHT; pixel += 1) {
    const radius = Math.hypot((pixel % WIDTH) - WIDTH / 2, Math.floor(pixel / WIDTH) - HEIGHT / 2);
    const seen = Math.round(255 * Math.max(0, Math.min(1, (30 - radius) / soft)));
    for (let channel = 0; channel < 3; channel += 1) {
      data[pixel * 4 + channel] = (seen === 0 ? hidden : (photo[pixel * 3 + channel] ?? 0)) * unit;
    }
    data[pixel * 4 + 3] = seen * unit;
  }
  return data;
}

const inSpace = (data: Samples) => (data instanceof Uint16Array ? 'rgb16' : 'srgb');
const asPng = (data: Samples): Promise<Buffer> =>
  pictureOf(data, WIDTH, HEIGHT, 4).toColourspace(inSpace(data)).png().toBuffer();

/** Laid over black or white, at twice the size, in levels of 8 bits. */
const over = async (file: Buffer, background: string): Promise<Buffer> =>
  sharp(file)
    .resize(WIDTH * 2, HEIGHT * 2, { kernel: 'nearest' })
    .flatten({ background })
    .toColourspace('srgb')
    .raw()
    .toBuffer();

describe.each([
  ['png', 8],
  ['png', 16],
  ['tiff', 8],
  ['tiff', 16],
  ['webp', 8],
  ['avif', 8],
] as const)('[40] %s of %i bits', (format, bits) => {
  it.each([
    ['black', 0],
    ['white', 255],
  ] as const)('%s beneath what is transparent gives no fringe', async (_, hidden) => {
    const { file } = await roundTrip(
      await asPng(await sticker(hidden, bits === 16)),
      folder,
      { format, outputQuality: 100 },
      2,
      'smooth',
    );
    expect((await sharp(file).metadata()).hasAlpha).toBe(true);
    // The same cut out of a photo that goes on beneath: what no hidden colour could change.
    const whole = await sticker(0, false);
    const photo = await sharp(join(SAMPLES, 'astronaut.jpg'))
      .resize(WIDTH, HEIGHT)
      .modulate({ brightness: 1.2 })
      .raw()
      .toBuffer();
    for (let pixel = 0; pixel < WIDTH * HEIGHT; pixel += 1)
      whole.set(photo.subarray(pixel * 3, pixel * 3 + 3), pixel * 4);
    const free = (await roundTrip(await asPng(whole), folder, { format, outputQuality: 100 }, 2, 'smooth')).file;
    for (const background of ['#000', '#fff']) {
      const [found, wanted] = [await over(file, background), await over(free, background)];
      let worst = 0;
      for (let at = 0; at < found.length; at += 1)
        worst = Math.max(worst, Math.abs((found[at] ?? 0) - (wanted[at] ?? 0)));
      // Levels at the very edge, where less than a tenth of the colour can be seen; a fringe would be 50 to 200.
      expect(worst).toBeLessThanOrEqual(format === 'avif' || format === 'webp' ? 24 : 12);
    }
  });

  it('alpha keeps its levels', async () => {
    const full = bits === 16 ? 65535 : 255;
    const data = bits === 16 ? new Uint16Array(WIDTH * HEIGHT * 4) : new Uint8Array(WIDTH * HEIGHT * 4);
    for (let at = 0; at < data.length; at += 4) {
      data.set([full / 2, full / 3, full / 5, Math.round((((at / 4) % WIDTH) / (WIDTH - 1)) * full)], at);
    }
    const { file } = await roundTrip(await asPng(data), folder, { format, outputQuality: 100 });
    const after = await rawSamples(file);
    const alpha = (samples: Samples): number[] => [...samples].filter((_, at) => at % 4 === 3);
    const [before, kept] = [alpha(data), alpha(after.data)];
    const worst = Math.max(...before.map((value, at) => Math.abs(value - (kept[at] ?? 0))));
    expect(worst).toBeLessThanOrEqual(format === 'avif' ? 4 : 0);
  });
});

describe('colours under alpha', () => {
  it('of a TIFF that multiplied them with it are divided again', async () => {
    const path = join(await mkdtemp(join(folder, 'associated-')), 'associated.tiff');
    const data = new Uint8Array(WIDTH * HEIGHT * 4);
    for (let at = 0; at < data.length; at += 4) data.set([100, 60, 20, 128], at); // 200, 120, 40 at half
    await writeFile(
      path,
      canvasBytes({ data, width: WIDTH, height: HEIGHT, channels: 4, photometric: 2, extraSamples: 1 }),
    );
    const { file } = await roundTrip(path, folder, { format: 'png' });
    const [r = 0, g = 0, b = 0, a = 0] = (await rawSamples(file)).data;
    expect(Math.max(Math.abs(r - 200), Math.abs(g - 120), Math.abs(b - 40), Math.abs(a - 128))).toBeLessThanOrEqual(2);
  });

  it('[33] of a palette with transparency', async () => {
    const data = await sticker(0, false);
    const photo = await pictureOf(data, WIDTH, HEIGHT, 4).png({ palette: true, colours: 64 }).toBuffer();
    expect((await sharp(photo).metadata()).isPalette).toBe(true);
    const { file } = await roundTrip(photo, folder);
    const [before, after] = [await rawSamples(photo), await rawSamples(file)];
    expect(after.channels).toBe(4);
    for (let at = 0; at < before.data.length; at += 4) {
      expect(after.data[at + 3]).toBe(before.data[at + 3]);
      if ((before.data[at + 3] ?? 0) > 0) expect(after.data[at]).toBe(before.data[at]);
    }
  });

  it('in a JPEG become white where nothing is seen, and that is said', async () => {
    const { file, notes } = await roundTrip(await asPng(await sticker(0, false)), folder, {
      format: 'jpeg',
      outputQuality: 100,
    });
    expect(notes.join()).toContain('Transparent parts became white');
    expect(Math.min(...(await rawSamples(file)).data.subarray(0, 3))).toBeGreaterThan(250);
  });
});

const PHOTOS = join(process.env.MODEL_MIRROR ?? '', '../photos');

describe.skipIf(process.env.MODEL_MIRROR === undefined || !existsSync(PHOTOS))('real photos with alpha', () => {
  it.each([
    ['children-alpha.png', 8],
    ['tree_alpha_16bit.png', 16],
  ] as const)('%s comes back sample for sample where it can be seen', async (name, bits) => {
    const { file, header } = await roundTrip(join(PHOTOS, name), folder);
    expect(header.depth).toBe(bits);
    const [before, after] = [await rawSamples(join(PHOTOS, name)), await rawSamples(file)];
    expect(after.channels).toBe(4);
    let different = 0;
    for (let at = 0; at < before.data.length; at += 4) {
      const seen = before.data[at + 3];
      if (seen !== after.data[at + 3]) different += 1;
      if (seen !== 0 && [0, 1, 2].some((channel) => before.data[at + channel] !== after.data[at + channel]))
        different += 1;
    }
    expect(different).toBe(0);
  });
});
