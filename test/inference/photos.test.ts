/** Whatever photo goes in comes out upright, at exactly the scale asked for, with its channels; what is no photo is refused by name. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { encode } from 'fast-bmp';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Scale } from '../../src/contracts/options.ts';
import type { EnginePool } from '../../src/inference/engine.ts';
import {
  enhance,
  largestDifference,
  makeScratch,
  paintPhoto,
  pixelsOf,
  removeScratch,
  standInModel,
  startPool,
} from './support.ts';

let root = '';
let pool: EnginePool;

beforeAll(async () => {
  root = await makeScratch();
  pool = startPool([await standInModel(root, 'nearest')], { resultMaxPixels: 400_000_000 });
  await pool.ready();
});
afterAll(async () => {
  await pool.close();
  await removeScratch(root);
});

const run = async (
  inputPath: string,
  job: { scale?: Scale; tileSize?: number; checkpoint?: boolean; scratchDir?: string } = {},
) => (await enhance(pool, root, { inputPath, model: 'nearest', ...job })).result;

async function save(name: string, picture: Sharp | Uint8Array): Promise<string> {
  const path = join(root, name);
  await writeFile(path, picture instanceof Uint8Array ? picture : await picture.toBuffer());
  return path;
}

/** What the `nearest` graph must make of a file that sharp can read. */
const expected = async (path: string, scale = 4): Promise<Buffer> => {
  const { data, info } = await sharp(path)
    .autoOrient()
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } })
    .resize(info.width * scale, info.height * scale, { kernel: 'nearest' })
    .raw()
    .toBuffer();
};

describe('sizes', () => {
  it.each([
    [1, 1],
    [2, 2],
    [7, 5],
    [300, 1],
    [1, 300],
    [301, 203],
    [640, 97],
  ])('[27, 28] %i x %i is enlarged exactly, at both scales', async (width, height) => {
    const input = await paintPhoto(join(root, `${width}x${height}.png`), width, height);
    const four = await run(input, { tileSize: 96 });
    expect([four.width, four.height, four.extension]).toEqual([width * 4, height * 4, '.png']);
    expect(largestDifference(await pixelsOf(four.path), await expected(input))).toBe(0);
    const two = await run(input, { scale: 2, tileSize: 96 });
    expect([two.width, two.height]).toEqual([width * 2, height * 2]);
    const { width: realWidth, height: realHeight } = await sharp(two.path).metadata();
    expect([realWidth, realHeight]).toEqual([width * 2, height * 2]);
  });

  it('gives the same bytes with tiles in memory and on disk, and leaves nothing but the result and tiles that are to be kept', async () => {
    const input = await paintPhoto(join(root, 'same.png'), 400, 300);
    const kept = await run(input, { checkpoint: true, tileSize: 96 });
    const unkept = await run(input, { checkpoint: false, tileSize: 96 });
    expect(Buffer.compare(await readFile(kept.path), await readFile(unkept.path))).toBe(0);
    expect((await readdir(join(kept.path, '..'))).map((name) => name.split('-', 1)[0])).toEqual([
      'result.png',
      'tiles',
    ]);
    expect(await readdir(join(unkept.path, '..'))).toEqual(['result.png']);
  });

  it('keeps no tiles of photos that the network is done with sooner than they could be saved', async () => {
    const quick = startPool([await standInModel(root, 'nearest')], { checkpointMinMs: 600_000 });
    onTestFinished(() => quick.close());
    await quick.ready();
    const inputPath = await paintPhoto(join(root, 'quick.png'), 400, 300);
    const job = { inputPath, model: 'nearest', tileSize: 96 };
    const made = await (await enhance(quick, root, job)).result;
    expect(await readdir(join(made.path, '..'))).toEqual(['result.png']);
    expect(Buffer.compare(await readFile(made.path), await readFile((await run(inputPath, job)).path))).toBe(0);
  });

  it('finds the saved tiles of a second pass again, whether or not those of the first were saved', async () => {
    const quick = startPool([await standInModel(root, 'nearest')], { checkpointMinMs: 600_000 });
    onTestFinished(() => quick.close());
    await quick.ready();
    const inputPath = await paintPhoto(join(root, 'twice.png'), 60, 40);
    const job = { inputPath, model: 'nearest', tileSize: 96, scale: 8 } as const;
    const first = await run(inputPath, { ...job, checkpoint: true });
    const scratchDir = join(first.path, '..');
    const [ofFirstPass = ''] = (await readdir(scratchDir)).filter((name) => name.startsWith('tiles-1-'));
    await rm(join(scratchDir, ofFirstPass), { recursive: true });
    const again = await (await enhance(quick, root, { ...job, scratchDir })).result;
    expect([again.tilesReused, again.tiles]).toEqual([first.tiles - 1, first.tiles]);
    expect((await readdir(scratchDir)).map((name) => name.split('-', 2).join('-'))).toEqual(['result.png', 'tiles-2']);
  });

  it('computes no tile again for a result that could not be published', async () => {
    const input = await paintPhoto(join(root, 'unpublished.png'), 300, 200);
    const first = await run(input, { checkpoint: true, tileSize: 96 });
    const bytes = await readFile(first.path);
    const again = await run(input, { checkpoint: true, tileSize: 96, scratchDir: join(first.path, '..') });
    expect([first.tilesReused, again.tilesReused]).toEqual([0, first.tiles]);
    expect(Buffer.compare(await readFile(again.path), bytes)).toBe(0);
  });
});

describe('a JPEG that is encoded while its rows are still being made', () => {
  const exif = { IFD0: { Artist: 'Ansel' } };
  const make: Readonly<Record<string, (photo: Sharp) => Sharp>> = {
    'in colour, with EXIF and a profile': (photo) => photo.withExif(exif).withIccProfile('p3').jpeg(),
    'in grey': (photo) => photo.toColourspace('b-w').jpeg(),
    'of a picture with alpha': (photo) => photo.ensureAlpha(0.5).png(),
  };

  it.each(Object.keys(make))('%s has the pixels of one that is encoded at once', async (name) => {
    // 5.6 megapixels in three strips and six rows of tiles, of which none ends where a strip does.
    const photo = sharp(await paintPhoto(join(root, 'large.png'), 540, 650));
    const input = await save(`large ${name}`, make[name]?.(photo) ?? photo);
    const options = { metadata: 'keep', format: 'jpeg', outputQuality: 90 } as const;
    const job = { inputPath: input, model: 'nearest', tileSize: 128 };
    const quick = await (await enhance(pool, root, { ...job, options })).result;
    const exact = await (await enhance(pool, root, { ...job, options: { ...options, format: 'png' } })).result;
    const once = sharp(exact.path, { ignoreIcc: true })
      .flatten({ background: '#fff' })
      .jpeg({ quality: 90, chromaSubsampling: '4:4:4' });
    // As the file has them: its profile would be applied.
    const samplesOf = (file: string | Buffer): Promise<Buffer> => sharp(file, { ignoreIcc: true }).raw().toBuffer();
    expect((await samplesOf(quick.path)).equals(await samplesOf(await once.toBuffer()))).toBe(true);
    const [found, given] = await Promise.all([sharp(quick.path).metadata(), sharp(exact.path).metadata()]);
    expect([found.width, found.height, found.channels]).toEqual([2160, 2600, name === 'in grey' ? 1 : 3]);
    expect(found.icc?.toString('base64')).toBe(given.icc?.toString('base64'));
    expect(found.exif?.includes('Ansel') ?? false).toBe(name.includes('EXIF'));
    expect((await readFile(quick.path)).includes(Buffer.from([0xff, 0xdd, 0, 4]))).toBe(true);
    const left = (await readdir(join(quick.path, '..'))).filter((entry) => !entry.startsWith('tiles-'));
    expect(left).toEqual(['result.jpg']);
  });
});

describe('channels and formats', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('orientation %i is applied and then 1', async (orientation) => {
    const plain = await paintPhoto(join(root, 'upright.png'), 60, 40);
    const input = await save(
      `orientation-${orientation}.png`,
      sharp(plain).keepExif().withMetadata({ orientation }).png(),
    );
    const result = await run(input);
    expect([result.width, result.height]).toEqual(orientation < 5 ? [240, 160] : [160, 240]);
    expect(largestDifference(await pixelsOf(result.path), await expected(input))).toBe(0);
    expect((await sharp(result.path).metadata()).orientation ?? 1).toBe(1);
  });

  it.each(['jpeg', 'webp', 'tiff', 'avif', 'png'] as const)('%s keeps its format, EXIF and XMP', async (format) => {
    const exif = { IFD0: { Artist: 'Ansel', Orientation: '6' }, IFD2: { FNumber: '28/10' } };
    const xmp = '<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>';
    const plain = await paintPhoto(join(root, 'plain.png'), 80, 60);
    const input = await save(`photo.${format}`, sharp(plain).withExif(exif).withXmp(xmp).toFormat(format));
    const result = await run(input);
    const found = await sharp(result.path).metadata();
    expect(result.original.format).toBe(format);
    expect(result.contentType).toBe(`image/${format}`);
    expect(found.format).toBe(format === 'avif' ? 'heif' : format);
    expect(largestDifference(await pixelsOf(result.path), await expected(input))).toBeLessThan(
      ['png', 'tiff'].includes(format) ? 1 : 40,
    );
    expect(found.xmp?.toString()).toContain('adobe:ns:meta');
    if (format === 'tiff') expect(result.warnings.join()).toMatch(/EXIF|^$/);
    else expect(found.exif?.includes('Ansel')).toBe(true);
  });

  it('[33] grey stays grey, in one channel', async () => {
    const plain = await paintPhoto(join(root, 'plain.png'), 80, 60);
    const input = await save('grey.png', sharp(plain).greyscale().toColourspace('b-w').png());
    const result = await run(input);
    const { channels, space } = await sharp(result.path).metadata();
    expect([channels, space]).toEqual([1, 'b-w']);
    const wanted = sharp(input).resize(320, 240, { kernel: 'nearest' }).toColourspace('b-w').raw().toBuffer();
    const found = sharp(result.path).toColourspace('b-w').raw().toBuffer();
    expect(largestDifference(await found, await wanted)).toBeLessThanOrEqual(1);
  });

  it.each(['png', 'webp'] as const)('alpha of a %s is enlarged apart and colours under it are kept', async (format) => {
    const [width, height] = [300, 90];
    const rgba = Buffer.alloc(width * height * 4);
    for (let i = 0; i < width * height; i += 1) rgba.set([200, 40, 90, Math.min(255, (i % width) * 2)], i * 4);
    const input = await save(
      `alpha.${format}`,
      sharp(rgba, { raw: { width, height, channels: 4 } }).toFormat(format, { lossless: true }),
    );
    const result = await run(input, { tileSize: 96 });
    const { data, info } = await sharp(result.path).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([width * 4, height * 4, 4]);
    const row = 200 * width * 4 * 4;
    const alpha = [3, 103, 403, 803].map((x) => data[row + x * 4 + 3] ?? -1);
    for (const [index, x] of [3, 103, 403, 803].entries()) {
      expect(Math.abs((alpha[index] ?? 0) - Math.min(255, ((x - 1.5) / 4) * 2))).toBeLessThan(3);
    }
    const colour = [...data.subarray(row + 800 * 4, row + 800 * 4 + 3)];
    expect(largestDifference(Uint8Array.from(colour), Uint8Array.from([200, 40, 90]))).toBeLessThan(12);
  });

  it('[40] hidden colours do not reach the edge of what can be seen', async () => {
    const [width, height] = [120, 80];
    const rgba = Buffer.alloc(width * height * 4); // black where it is transparent
    for (let y = 20; y < 60; y += 1)
      rgba.fill(Buffer.from([250, 240, 230, 255]), (y * width + 30) * 4, (y * width + 90) * 4);
    const input = await save('sticker.png', sharp(rgba, { raw: { width, height, channels: 4 } }).png());
    const { data } = await sharp((await run(input)).path)
      .raw()
      .toBuffer({ resolveWithObject: true });
    for (let i = 0; i < data.length; i += 4) expect(data[i] ?? 0).toBeGreaterThan(240);
  });

  it('16 bits stay 16, sample for sample, and CMYK stays CMYK', async () => {
    const plain = await paintPhoto(join(root, 'plain.png'), 80, 60);
    const deep = await run(await save('deep.png', sharp(plain).toColourspace('rgb16').png()));
    expect((await sharp(deep.path).metadata()).depth).toBe('ushort');
    expect(deep.making.depth).toBe(16);
    expect(largestDifference(await pixelsOf(deep.path), await expected(join(root, 'deep.png')))).toBeLessThanOrEqual(1);
    const cmyk = await run(await save('cmyk.jpg', sharp(plain).toColourspace('cmyk').jpeg({ quality: 100 })));
    expect(cmyk.warnings.join()).toContain('CMYK');
    expect((await sharp(cmyk.path).metadata()).space).toBe('cmyk');
  });

  it('[29] an animated GIF gives its first picture, as PNG, and that is said', async () => {
    const frames = await Promise.all(
      ['#f00', '#0f0'].map((background) =>
        sharp({ create: { width: 30, height: 20, channels: 3, background } })
          .png()
          .toBuffer(),
      ),
    );
    const result = await run(await save('two.gif', sharp(frames, { join: { animated: true } }).gif()));
    expect([result.extension, result.width, result.height]).toEqual(['.png', 120, 80]);
    expect([...(await pixelsOf(result.path)).subarray(0, 3)]).toEqual([255, 0, 0]);
    expect(result.warnings).toHaveLength(2);
  });
});

/** Writes the BMP that a screenshot tool or an old camera would. */
function bmp(
  bits: 8 | 24 | 32,
  topDown: boolean,
  width: number,
  height: number,
  colour: (x: number, y: number) => number[],
): Buffer {
  const palette = bits === 8 ? 1024 : 0;
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  const file = Buffer.alloc(54 + palette + rowBytes * height);
  file.write('BM');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(54 + palette, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(topDown ? -height : height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(bits, 28);
  for (let i = 0; i < palette / 4; i += 1) file.set([i, 255 - i, (i * 3) % 256, 0], 54 + i * 4);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = 54 + palette + (topDown ? y : height - 1 - y) * rowBytes + (x * bits) / 8;
      file.set(bits === 8 ? colour(x, y).slice(0, 1) : colour(x, y).toReversed(), at);
    }
  }
  return file;
}

const colour = (x: number, y: number): number[] => [(x * 5) % 256, (y * 11) % 256, (x + y) % 256];

describe('BMP', () => {
  it.each([
    [24, false],
    [24, true],
    [32, false],
    [32, true],
    [8, false],
  ] as const)('%i bits, top-down %s', async (bits, topDown) => {
    const result = await run(await save(`photo-${bits}-${topDown}.bmp`, bmp(bits, topDown, 33, 21, colour)));
    expect([result.extension, result.width, result.height]).toEqual(['.png', 132, 84]);
    const pixels = await pixelsOf(result.path);
    for (const [x, y] of [
      [0, 0],
      [32, 20],
      [10, 3],
    ] as const) {
      const [index = 0] = colour(x, y);
      const wanted = bits === 8 ? [(index * 3) % 256, 255 - index, index] : colour(x, y);
      expect([...pixels.subarray((y * 4 * 132 + x * 4) * 3, (y * 4 * 132 + x * 4) * 3 + 3)]).toEqual(wanted);
    }
  });

  it('as fast-bmp writes it', async () => {
    const data = Uint8Array.from({ length: 20 * 10 * 3 }, (_, i) => i % 251);
    const file = encode({ width: 20, height: 10, channels: 3, components: 3, bitsPerPixel: 24, data });
    const result = await run(await save('lib.bmp', file));
    expect([...(await pixelsOf(result.path)).subarray(0, 3)]).toEqual([0, 1, 2]);
  });
});

const pngChunk = (type: string, content: Buffer): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(content.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
};

/** A real PNG of one bit a pixel: 900 megapixels in a hundred kilobytes. */
function blackPng(side: number): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  const rows = deflateSync(Buffer.alloc((1 + Math.ceil(side / 8)) * side), { level: 1 });
  const mark = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([mark, pngChunk('IHDR', header), pngChunk('IDAT', rows), pngChunk('IEND', Buffer.alloc(0))]);
}

const refusal = (path: string) =>
  run(path).then(
    () => 'accepted',
    (error: { code?: string }) => error.code,
  );
const bytes = async (format: 'jpeg' | 'png' | 'webp' | 'tiff' | 'gif' | 'avif', share: number): Promise<Buffer> => {
  const whole = await sharp(await paintPhoto(join(root, 'whole.png'), 300, 200))
    .toFormat(format)
    .toBuffer();
  return whole.subarray(0, Math.floor(whole.length * share));
};

describe('refusals', () => {
  it.each(['jpeg', 'png', 'webp', 'tiff', 'gif', 'avif'] as const)(
    '[24] a %s that breaks off is unreadable',
    async (format) => {
      for (const share of [0.5, 0.95]) {
        expect(await refusal(await save(`torn-${share}.${format}`, await bytes(format, share)))).toBe(
          'image_unreadable',
        );
      }
    },
  );

  it.each([
    ['an empty file', '', 'empty_file'],
    ['a web page named .jpg', '<!doctype html><script>alert(1)</script>', 'unsupported_format'],
    [
      'an SVG',
      '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
      'unsupported_format',
    ],
    ['a PDF', '%PDF-1.7\n1 0 obj', 'unsupported_format'],
    ['a HEIC', '\0\0\0\x18ftypheic\0\0\0\0heicmif1', 'unsupported_format'],
    ['a JPEG of one byte more than its mark', '\xff\xd8\xff\xe0', 'image_unreadable'],
    ['a BMP without pixels', 'BM', 'image_unreadable'],
  ])('[2, 20, 21, 22] %s', async (name, content, code) => {
    expect(await refusal(await save(`${name}.jpg`, Buffer.from(content, 'latin1')))).toBe(code);
  });

  it('a photo that is gone', async () => {
    expect(await refusal(join(root, 'gone.jpg'))).toBe('source_missing');
  });

  it('[26] a bomb of 30000 x 30000 is refused before its pixels take memory', async () => {
    const path = await save('bomb.png', blackPng(30_000));
    const before = pool.status().memoryBytes ?? 0;
    expect(await refusal(path)).toBe('too_many_pixels');
    await new Promise((resolve) => setTimeout(resolve, 300)); // one pulse of the engine
    expect((pool.status().memoryBytes ?? 0) - before).toBeLessThan(50_000_000);
  });

  it('[41] results that no file of the format could hold', async () => {
    const wide = sharp({ create: { width: 5000, height: 3, channels: 3, background: '#345' } });
    expect(await refusal(await save('wide.webp', wide.webp()))).toBe('result_too_large');
    const large = sharp({ create: { width: 6000, height: 5000, channels: 3, background: '#345' } });
    expect(await refusal(await save('large.png', large.png()))).toBe('result_too_large');
  });

  it('a broken photo leaves nothing behind and the engine goes on', async () => {
    const scratchDir = join(root, 'left');
    await mkdir(scratchDir);
    const inputPath = await save('torn.jpg', await bytes('jpeg', 0.6));
    await expect((await enhance(pool, root, { inputPath, model: 'nearest', scratchDir })).result).rejects.toMatchObject(
      { code: 'image_unreadable' },
    );
    expect(await readdir(scratchDir)).toEqual([]);
    expect(pool.status().restarts).toBe(0);
  });
});
