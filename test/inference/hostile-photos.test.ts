/**
 * Property: photos that were made to harm are refused with the documented code, or come out as the picture that they show and
 * nothing else; the engine takes no memory for what they claim, and goes on. Numbers are those of the list of hostile inputs.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EnginePool } from '../../src/inference/engine.ts';
import { blankGif } from './hostile/blank-gif.ts';
import { tiffPages } from './hostile/tiff-pages.ts';
import { enhance, makeScratch, removeScratch, standInModel, startPool } from './support.ts';

const MiB = 1024 * 1024;

let root: string;
let pool: EnginePool;
beforeAll(async () => {
  root = await makeScratch();
  pool = startPool([await standInModel(root, 'nearest')]);
  await pool.ready();
});
afterAll(async () => {
  await pool.close();
  await removeScratch(root);
});

const picture = (width = 40, height = 30) =>
  sharp({
    create: { width, height, channels: 3, background: '#456', noise: { type: 'gaussian', mean: 120, sigma: 40 } },
  });

async function attempt(name: string, content: Buffer) {
  const inputPath = join(root, name);
  await writeFile(inputPath, content);
  return enhance(pool, root, { inputPath, model: 'nearest' });
}

/** The code of the refusal; the engine that found it out is the one that was there before, and its scratch is empty. */
async function refusal(name: string, content: Buffer): Promise<string> {
  const { result, scratchDir } = await attempt(name, content);
  const code = await result.then(
    () => 'enhanced',
    (error: { code: string }) => error.code,
  );
  expect(await readdir(scratchDir)).toEqual([]);
  expect(pool.status().restarts).toBe(0);
  return code;
}

async function enhanced(name: string, content: Buffer) {
  const { result } = await attempt(name, content);
  const { path, width, height, extension, warnings } = await result;
  return { file: await readFile(path), width, height, extension, warnings };
}

/** Memory of the engine while `work` is done, beyond what it had before; an engine reports it several times a second. */
async function memoryOf(work: () => Promise<unknown>): Promise<number> {
  const before = pool.status().memoryBytes ?? 0;
  let most = before;
  const looking = setInterval(() => (most = Math.max(most, pool.status().memoryBytes ?? 0)), 20);
  await work();
  await new Promise((resolve) => setTimeout(resolve, 300));
  clearInterval(looking);
  return most - before;
}

const chunk = (type: string, data: Buffer): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
};

/** A chunk between the header of a PNG and everything else. */
const withChunk = (png: Buffer, type: string, data: Buffer): Buffer =>
  Buffer.concat([png.subarray(0, 33), chunk(type, data), png.subarray(33)]);

it('[23] a JPEG that is also a ZIP, and a GIF that is also a script, come out as pictures and nothing else', async () => {
  const zip = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), Buffer.from('evil-payload.exe '.repeat(50))]);
  const jpeg = await enhanced('polyglot.jpg', Buffer.concat([await picture().jpeg().toBuffer(), zip]));
  expect([jpeg.width, jpeg.height, jpeg.extension]).toEqual([160, 120, '.jpg']);
  expect([jpeg.file.includes('PK\x03\x04'), jpeg.file.includes('evil-payload')]).toEqual([false, false]);

  const gif = await picture().gif().toBuffer();
  const script = await enhanced('polyglot.gif', Buffer.concat([gif, Buffer.from('*/=1;alert(document.domain)//')]));
  expect(script.extension).toBe('.png');
  expect(script.file.includes('alert(')).toBe(false);
});

it('[25] pixels that are corrupt are found when they are decoded', async () => {
  const whole = await picture(200, 160).png().toBuffer();
  const bent = Buffer.from(whole);
  const middle = Math.floor(whole.length / 2);
  bent.fill(0x55, middle, middle + 200);
  expect(await refusal('bent.png', bent)).toBe('image_unreadable');
  const jpeg = await picture(200, 160).jpeg().toBuffer();
  const scan = jpeg.indexOf(Buffer.from([0xff, 0xda]));
  const wild = Buffer.from(jpeg);
  // Codes that are none, and a marker in the middle of them.
  wild.fill(0xff, scan + 200, scan + 1200);
  expect(await refusal('bent.jpg', wild)).toBe('image_unreadable');
  const webp = await picture(200, 160).webp().toBuffer();
  webp.fill(0xff, 30, 300);
  expect(await refusal('bent.webp', webp)).toBe('image_unreadable');
});

it('[27] a line of 30000 pixels, lying or standing, is enlarged or refused, at once and without its square', async () => {
  for (const [width, height] of [
    [30_000, 1],
    [1, 30_000],
  ] as const) {
    const line = sharp({ create: { width, height, channels: 3, background: '#456' } });
    const png = await line.png().toBuffer();
    const memory = await memoryOf(async () => {
      const result = await enhanced(`line-${width}.png`, png);
      expect([result.width, result.height]).toEqual([width * 4, height * 4]);
    });
    expect(memory).toBeLessThan(300 * MiB);
    // 120,000 pixels are more than the format holds a side.
    expect(await refusal(`line-${width}.jpg`, await line.jpeg().toBuffer())).toBe('result_too_large');
  }
});

it('[29] of 5,000 pictures in one file the first is enhanced, that is said, and the others cost nothing', async () => {
  const memory = await memoryOf(async () => {
    const gif = await enhanced('many.gif', blankGif(64, 48, 5000));
    expect([gif.width, gif.height, gif.extension]).toEqual([256, 192, '.png']);
    expect(gif.warnings.join()).toMatch(/5,?000 pictures|first/);
  });
  expect(memory).toBeLessThan(100 * MiB);
  // An APNG is a PNG with pictures that a reader of PNG does not see.
  const frames = Buffer.alloc(8);
  frames.writeUInt32BE(5000, 0);
  const apng = await enhanced('many.png', withChunk(await picture().png().toBuffer(), 'acTL', frames));
  expect([apng.width, apng.height]).toEqual([160, 120]);
  expect(apng.file.includes('acTL')).toBe(false);
});

it('[30] metadata that unpacks to hundreds of megabytes is not unpacked, or not for long', async () => {
  const bomb = deflateSync(Buffer.alloc(256 * MiB), { level: 9 });
  const png = await picture().png().toBuffer();
  const text = Buffer.concat([Buffer.from('Comment\0\0', 'latin1'), bomb]);
  const profile = Buffer.concat([Buffer.from('icc\0\0', 'latin1'), bomb]);
  const [head, rest] = [png.subarray(0, 33), png.subarray(33)];
  const thumbnail = Buffer.from('Exif\0\0II*\0\x08\0\0\0\0\0\xff\xff\xff\x7f', 'latin1');
  const segment = Buffer.alloc(4 + thumbnail.length);
  segment.writeUInt16BE(0xffe1, 0);
  segment.writeUInt16BE(thumbnail.length + 2, 2);
  thumbnail.copy(segment, 4);
  const jpeg = await picture().jpeg().toBuffer();
  const bombs: readonly (readonly [string, Buffer])[] = [
    ['ztxt.png', Buffer.concat([head, chunk('zTXt', text), rest])],
    ['iccp.png', Buffer.concat([head, chunk('iCCP', profile), rest])],
    ['thumbnail.jpg', Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)])],
  ];
  for (const [name, content] of bombs) {
    const memory = await memoryOf(async () => {
      const { result } = await attempt(name, content);
      const code = await result.then(
        ({ width }) => width,
        (error: { code: string }) => error.code,
      );
      expect([160, 'image_unreadable'], name).toContain(code);
    });
    expect(memory, name).toBeLessThan(200 * MiB);
  }
  expect(pool.status().restarts).toBe(0);
});

it('[39] HEIC and JPEG XL are refused by name; of a TIFF with pages the first is enhanced, and that is said', async () => {
  const heic = Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1');
  const jxl = Buffer.from('\0\0\0\x0cJXL \x0d\x0a\x87\x0a', 'latin1');
  for (const [name, content] of [
    ['a.heic', heic],
    ['a.jxl', jxl],
    ['b.jxl', Buffer.from('\xff\x0a\0\0', 'latin1')],
  ] as const) {
    expect(await refusal(name, content), name).toBe('unsupported_format');
  }
  const tiff = await enhanced('pages.tif', tiffPages(20, 10, 3));
  expect([tiff.width, tiff.height, tiff.extension]).toEqual([80, 40, '.tiff']);
  expect(tiff.warnings.join()).toMatch(/3 pictures|first/);
});
