/** Every kind of photo through every format: what comes out is what docs/formats.md says (GENERATE=1 writes it). */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encode } from 'fast-bmp';
import { format as formatted } from 'prettier';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RESULT_FORMATS } from '../../../src/contracts/result-format.ts';
import { buildProfile } from '../../../src/inference/icc-profile.ts';
import { exifSegment, iptcSegment, makeExif, withJpegSegments, withPngProfile, xmpSegment } from './containers.ts';
import { canvasBytes } from './tiffs.ts';
import { ADOBE, gamma, P3, PROPHOTO } from './gamuts.ts';
import {
  differences,
  makeFolder,
  pictureOf,
  rawSamples,
  removeFolder,
  roundTrip,
  SAMPLES,
  type Outcome,
} from './support.ts';

const DOCUMENT = join(import.meta.dirname, '../../../docs/formats.md');
const FORMATS = ['jpeg', 'png', 'webp', 'avif', 'tiff'] as const;
const TIMEOUT_MS = 300_000;

let folder = '';
beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => removeFolder(folder));

const photo = () => sharp(join(SAMPLES, 'astronaut.jpg')).resize(96, 64);
const deep = () => photo().toColourspace('rgb16');

/** A real photo with an alpha that nowhere hides a colour. */
async function seeThrough(bits: 8 | 16): Promise<Sharp> {
  const { data } = await photo().raw().toBuffer({ resolveWithObject: true });
  const unit = bits === 16 ? 257 : 1;
  const rgba = bits === 16 ? new Uint16Array(96 * 64 * 4) : new Uint8Array(96 * 64 * 4);
  for (let pixel = 0; pixel < 96 * 64; pixel += 1) {
    const samples = [...data.subarray(pixel * 3, pixel * 3 + 3), 100 + (pixel % 96)];
    rgba.set(
      samples.map((value) => value * unit),
      pixel * 4,
    );
  }
  return pictureOf(rgba, 96, 64, 4).toColourspace(bits === 16 ? 'rgb16' : 'srgb');
}

const KINDS: readonly (readonly [string, () => Promise<Buffer>])[] = [
  ['JPEG', () => photo().jpeg({ quality: 95 }).toBuffer()],
  ['JPEG, grey', () => photo().greyscale().toColourspace('b-w').jpeg({ quality: 95 }).toBuffer()],
  [
    'JPEG, CMYK with profile',
    () => photo().withIccProfile('cmyk').toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer(),
  ],
  ['JPEG, CMYK without', () => photo().toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer()],
  ['JPEG, YCCK', () => ycck()],
  ['PNG', () => photo().png().toBuffer()],
  ['PNG, 16 bits', () => deep().png().toBuffer()],
  ['PNG, grey', () => photo().greyscale().toColourspace('b-w').png().toBuffer()],
  ['PNG, grey, 16 bits', () => photo().greyscale().toColourspace('grey16').png().toBuffer()],
  ['PNG, alpha', async () => (await seeThrough(8)).png().toBuffer()],
  ['PNG, alpha, 16 bits', async () => (await seeThrough(16)).png().toBuffer()],
  ['PNG, grey with alpha', async () => (await seeThrough(8)).toColourspace('b-w').png().toBuffer()],
  ['PNG, palette with transparency', async () => (await seeThrough(8)).png({ palette: true }).toBuffer()],
  ['PNG, Display P3', async () => withPngProfile(await photo().png().toBuffer(), buildProfile(P3, 'P3'))],
  [
    'PNG, Adobe RGB',
    async () => withPngProfile(await photo().png().toBuffer(), buildProfile(ADOBE, 'Adobe', gamma(2.2))),
  ],
  [
    'PNG, ProPhoto, 16 bits',
    async () => withPngProfile(await deep().png().toBuffer(), buildProfile(PROPHOTO, 'ProPhoto')),
  ],
  ['WebP', () => photo().webp({ quality: 95 }).toBuffer()],
  ['WebP, alpha', async () => (await seeThrough(8)).webp({ quality: 95 }).toBuffer()],
  ['AVIF', () => photo().avif({ quality: 90 }).toBuffer()],
  ['AVIF, 10 bits', () => deep().avif({ quality: 90, bitdepth: 10 }).toBuffer()],
  ['TIFF', () => photo().tiff({ compression: 'lzw' }).toBuffer()],
  ['TIFF, grey, 16 bits', () => photo().greyscale().toColourspace('grey16').tiff({ compression: 'lzw' }).toBuffer()],
  ['TIFF, 16 bits', () => deep().tiff({ compression: 'lzw' }).toBuffer()],
  ['TIFF, alpha, 16 bits', async () => (await seeThrough(16)).tiff({ compression: 'lzw' }).toBuffer()],
  [
    'TIFF, CMYK with profile',
    () => photo().withIccProfile('cmyk').toColourspace('cmyk').tiff({ compression: 'lzw' }).toBuffer(),
  ],
  ['GIF', () => photo().gif().toBuffer()],
  ['BMP', async () => bmp()],
];

/** Inks as brightness and two differences, with black apart; a mark says so, and nothing that writes photos for us makes such a file. */
async function ycck(): Promise<Buffer> {
  const inks = await sharp(await photo().toColourspace('cmyk').tiff({ compression: 'none' }).toBuffer())
    .pipelineColourspace('cmyk')
    .toColourspace('cmyk')
    .raw()
    .toBuffer();
  const data = new Uint8Array(inks.length);
  for (let at = 0; at < inks.length; at += 4) {
    const [c = 0, m = 0, y = 0, k = 0] = inks.subarray(at, at + 4);
    const stored = [
      0.299 * c + 0.587 * m + 0.114 * y,
      128 - 0.1687 * c - 0.3313 * m + 0.5 * y,
      128 + 0.5 * c - 0.4187 * m - 0.0813 * y,
      255 - k,
    ];
    data.set(
      stored.map((value) => 255 - Math.max(0, Math.min(255, Math.round(value)))),
      at,
    );
  }
  const file = canvasBytes({ data, width: 96, height: 64, channels: 4, photometric: 5 });
  const jpeg = await sharp(file)
    .pipelineColourspace('cmyk')
    .toColourspace('cmyk')
    .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
    .toBuffer();
  const transform = jpeg.indexOf('Adobe') + 11;
  expect(jpeg[transform]).toBe(0);
  jpeg[transform] = 2;
  // The same colours as the photo has in plain inks, or this is no such file.
  expect(
    (await differences(jpeg, await photo().toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer(), folder)).mean,
  ).toBeLessThan(3);
  return jpeg;
}

async function bmp(): Promise<Buffer> {
  const data = new Uint8Array(await photo().raw().toBuffer());
  return Buffer.from(encode({ width: 96, height: 64, channels: 3, components: 3, bitsPerPixel: 24, data }));
}

/** What a result is, in a word: its channels and bits, and how far its colours are from the photo's. */
async function describeResult({ file }: Outcome, source: Buffer, name: string): Promise<string> {
  const { space, channels, depth, bitsPerSample, hasAlpha } = await sharp(file).metadata();
  const model = space === 'cmyk' ? 'CMYK' : channels < 3 ? 'grey' : 'RGB';
  const bits = depth === 'ushort' ? (bitsPerSample ?? 16) : 8;
  const what = `${model}${hasAlpha ? ' + alpha' : ''} ${bits}`;
  if (name === 'BMP') return what;
  const [before, after] = [await rawSamples(source), await rawSamples(file)];
  const same = before.data.length === after.data.length && before.data.every((value, at) => value === after.data[at]);
  if (same && model !== 'CMYK') return `${what} =`;
  const flattened = hasAlpha || !(await sharp(source).metadata()).hasAlpha;
  if (!flattened) return what;
  const { mean } = await differences(source, file, folder);
  expect(mean, name).toBeLessThan(3);
  return `${what}, ΔE < ${mean < 1 ? 1 : mean < 2 ? 2 : 3}`;
}

/** Upright in all eight ways a camera can be held, and said to be: what sharp makes of the same file decides. */
async function orientationRows(): Promise<string[][]> {
  const rows: string[][] = [];
  for (const format of FORMATS) {
    const cells: string[] = [];
    for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const lying = photo().withMetadata({ orientation });
      const source = await (format === 'tiff' ? lying.tiff({ compression: 'lzw' }) : lying.toFormat(format)).toBuffer();
      const { file } = await roundTrip(source, folder, { format, outputQuality: 95 });
      const found = await sharp(file).metadata();
      const upright = await sharp(source).autoOrient().png().toBuffer();
      const { mean } = await differences(upright, file, folder);
      const size = orientation >= 5 ? [64, 96] : [96, 64];
      expect([found.width, found.height, found.orientation ?? 1], `${format} ${orientation}`).toEqual([...size, 1]);
      expect(mean, `${format} ${orientation}`).toBeLessThan(3);
      cells.push(size.join(' × '));
    }
    rows.push([RESULT_FORMATS[format].title, ...cells]);
  }
  return rows;
}

const XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><x:a x:GPSLatitude="48"/></x:xmpmeta>';

async function everything(): Promise<Buffer> {
  const exif = makeExif({
    image: [{ tag: 0x13b, value: 'Ansel' }],
    exif: [{ tag: 0xa431, value: 'SERIAL' }],
    gps: [{ tag: 1, value: 'N' }],
  });
  const profile = Buffer.concat([Buffer.from('ICC_PROFILE\0\x01\x01', 'latin1'), buildProfile(P3, 'P3')]);
  return withJpegSegments(await photo().jpeg().toBuffer(), [
    exifSegment(exif),
    xmpSegment(XMP),
    iptcSegment([
      [5, 'A title'],
      [90, 'Munich'],
    ]),
    [0xe2, profile],
  ]);
}

async function metadataRows(): Promise<string[][]> {
  const source = await everything();
  const rows: string[][] = [];
  for (const metadata of ['keep', 'privacy', 'strip'] as const) {
    const cells: string[] = [];
    for (const format of FORMATS) {
      const { file } = await roundTrip(source, folder, { format, metadata });
      const { icc, xmp, iptc } = await sharp(file).metadata();
      const parts = [
        [file.includes('Ansel'), file.includes('SERIAL') ? 'EXIF' : 'EXIF without serial numbers'],
        [xmp !== undefined, xmp?.includes('GPS') === true ? 'XMP' : 'XMP without places'],
        [iptc !== undefined, iptc?.includes('Munich') === true ? 'IPTC' : 'IPTC without places'],
        [icc !== undefined, 'profile'],
      ] as const;
      cells.push(
        parts
          .filter(([there]) => there)
          .map(([, name]) => name)
          .join(', '),
      );
    }
    rows.push([`\`${metadata}\``, ...cells]);
  }
  return rows;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

async function document(): Promise<string> {
  const kinds: string[][] = [];
  for (const [name, make] of KINDS) {
    const source = await make();
    const cells: string[] = [];
    for (const format of FORMATS) {
      cells.push(await describeResult(await roundTrip(source, folder, { format, outputQuality: 95 }), source, name));
    }
    kinds.push([name, ...cells]);
  }
  const titles = FORMATS.map((format) => RESULT_FORMATS[format].title);
  const most = (value: number): string => (Number.isFinite(value) ? value.toLocaleString('en-GB') : 'any');
  const limits = FORMATS.map((name) => {
    const { title, extension, contentType, maxSide, maxPixels, bits } = RESULT_FORMATS[name];
    return [title, `\`${extension}\``, `\`${contentType}\``, most(maxSide), most(maxPixels), String(bits)];
  });
  const page = `# Formats

<!-- Written by test/inference/formats/matrix.test.ts: GENERATE=1 npm test -- test/inference/formats/matrix.test.ts -->

Measured on real photos, decoded and encoded again with nothing in between. A format is known by its content, never by a name.
HEIC, JPEG XL, JPEG 2000, PDF, SVG and Photoshop files are refused by name.

## What becomes of a photo

Rows are photos, columns what is asked for with \`output_format\`. \`=\`: every sample is the photo's own. ΔE: mean CIEDE2000 of all pixels at quality 95.

${table(['Photo', ...titles], kinds)}

- The network is given the file's own numbers, and the profile goes into the result unchanged: wide gamuts lose nothing.
  Linear profiles are converted to an ordinary tone curve and back, in 16 bits.
- Inks (CMYK) are converted to a wide RGB and back by the photo's own profile. Their mixture is new; formats without inks, and photos
  in inks with alpha, become RGB with that wide profile.
- Transparent parts become white in a JPEG. Colours hidden beneath them are never used.
- GIF and BMP are read only; \`same\` makes a PNG of them. Of several pictures in a file the first is enhanced.

## Which way up

A photo of 96 × 64 pixels with each orientation of EXIF: the size of the result, which is upright and whose orientation is 1.

${table(['Photo', '1', '2', '3', '4', '5', '6', '7', '8'], await orientationRows())}

## What becomes of metadata

${table(['`metadata`', ...titles], await metadataRows())}

- EXIF is copied byte for byte, maker notes in their place; its orientation becomes 1, its sizes are those of the result, its thumbnail
  goes. In AVIF it is laid out anew, and tags that are in no standard are lost. Of TIFF files the photo's tags are gathered from the file.
- \`privacy\` removes GPS, serial numbers, owners, identifiers and maker notes from EXIF; places, persons and serial numbers from XMP;
  places from IPTC. Artist and copyright stay. XMP that cannot be searched is left out. What is in the picture stays in the picture.

## What a format holds

${table(['Format', 'Extension', 'Content-Type', 'Longest side', 'Pixels', 'Bits'], limits)}

Larger results are refused before the work. The encoders of WebP and AVIF hold the whole picture in memory; the others do not.
`;
  return formatted(page, { parser: 'markdown', printWidth: 120 });
}

it(
  '[39] every kind of photo in every format',
  async () => {
    const made = await document();
    if (process.env.GENERATE === '1') await writeFile(DOCUMENT, made);
    expect(made).toBe(await readFile(DOCUMENT, 'utf8'));
  },
  TIMEOUT_MS,
);
