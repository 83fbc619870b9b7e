/** Colours come out as they went in: of any profile, of inks, in 8 and 16 bits, and grey stays grey. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProfile } from '../../../src/inference/icc-profile.ts';
import { withPngProfile } from './containers.ts';
import { ADOBE, gamma, LINEAR, P3, PROPHOTO } from './gamuts.ts';
import { canvasBytes } from './tiffs.ts';
import { deltaE, differences, makeFolder, pictureOf, rawSamples, removeFolder, roundTrip, SAMPLES } from './support.ts';

let folder = '';
beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => removeFolder(folder));

/** Flat patches of 40 pixels: corners of the cube, where every gamut ends, and colours within. */
const PATCHES: readonly (readonly [number, number, number])[] = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [0, 255, 255],
  [255, 0, 255],
  [255, 255, 0],
  [128, 128, 128],
  [255, 255, 255],
  [0, 0, 0],
  [240, 120, 20],
  [30, 90, 60],
  [200, 170, 150],
];
const SIDE = 40;

function patches(deep: boolean): { data: Uint8Array | Uint16Array; width: number; height: number } {
  const width = SIDE * PATCHES.length;
  const data = deep ? new Uint16Array(width * SIDE * 3) : new Uint8Array(width * SIDE * 3);
  for (let pixel = 0; pixel < width * SIDE; pixel += 1) {
    const patch = PATCHES[Math.floor((pixel % width) / SIDE)] ?? [0, 0, 0];
    data.set(deep ? patch.map((value) => value * 257) : patch, pixel * 3);
  }
  return { data, width, height: SIDE };
}

async function patchPng(profile: Buffer | undefined, deep: boolean): Promise<Buffer> {
  const { data, width, height } = patches(deep);
  const png = await pictureOf(data, width, height, 3)
    .toColourspace(deep ? 'rgb16' : 'srgb')
    .png()
    .toBuffer();
  return profile === undefined ? png : withPngProfile(png, profile);
}

const PROFILES: readonly (readonly [string, Buffer | undefined])[] = [
  ['no profile', undefined],
  ['Display P3', buildProfile(P3, 'P3')],
  ['Adobe RGB', buildProfile(ADOBE, 'Adobe', gamma(2.2))],
  ['ProPhoto', buildProfile(PROPHOTO, 'ProPhoto', gamma(1.8))],
  ['linear P3', buildProfile(P3, 'linear', LINEAR)],
];

describe('the measure itself', () => {
  it('is CIEDE2000: pairs of Sharma, Wu and Dalal', () => {
    expect(deltaE([50, 2.6772, -79.7751], [50, 0, -82.7485])).toBeCloseTo(2.0425, 3);
    expect(deltaE([50, -1, 2], [50, 0, 0])).toBeCloseTo(2.3669, 3);
    expect(deltaE([2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514])).toBeCloseTo(0.9082, 3);
  });

  it('sees colours outside sRGB', async () => {
    const wide = await patchPng(buildProfile(PROPHOTO, 'ProPhoto', gamma(1.8)), true);
    expect((await differences(wide, await patchPng(undefined, true), folder)).worst).toBeGreaterThan(10);
  });
});

describe.each(PROFILES)('[35] %s', (_, profile) => {
  it.each([
    [8, 'png'],
    [8, 'tiff'],
    [8, 'webp'],
    [8, 'jpeg'],
    [8, 'avif'],
    [16, 'png'],
    [16, 'tiff'],
    [16, 'avif'],
  ] as const)('%i bits as %s: flat patches within 2', async (bits, format) => {
    const photo = await patchPng(profile, bits === 16);
    const result = await roundTrip(photo, folder, { format, outputQuality: 95 });
    const { icc } = await sharp(result.file).metadata();
    expect(icc?.equals(profile ?? Buffer.alloc(0)) ?? profile === undefined).toBe(true);
    const { mean, worst } = await differences(photo, await inside(result.file), folder);
    expect(mean).toBeLessThan(1);
    expect(worst).toBeLessThan(2);
  });

  /** The seams between patches are where lossy formats mix colours; they are no flat patches. */
  async function inside(file: Buffer): Promise<Buffer> {
    const [raw, own] = [await rawSamples(file), await rawSamples(await patchPng(profile, false))];
    const { depth, icc } = await sharp(file).metadata();
    const deep = depth === 'ushort';
    const data = new (deep ? Uint16Array : Uint8Array)(raw.data);
    for (let pixel = 0; pixel < raw.width * raw.height; pixel += 1) {
      const x = (pixel % raw.width) % SIDE;
      const y = Math.floor(pixel / raw.width);
      if (Math.min(x, y, SIDE - 1 - x, SIDE - 1 - y) >= 12) continue;
      for (let channel = 0; channel < 3; channel += 1) {
        data[pixel * 3 + channel] = (own.data[pixel * 3 + channel] ?? 0) * (deep ? 257 : 1);
      }
    }
    const png = await pictureOf(data, raw.width, raw.height, 3)
      .toColourspace(deep ? 'rgb16' : 'srgb')
      .png()
      .toBuffer();
    return icc === undefined ? png : withPngProfile(png, icc);
  }
});

describe('what the network is given', () => {
  it('are the numbers of the file, so that nothing is lost: lossless formats give them back exactly', async () => {
    for (const [, profile] of PROFILES.slice(0, 4)) {
      const photo = await patchPng(profile, false);
      const { file } = await roundTrip(photo, folder, { format: 'png' });
      expect((await rawSamples(file)).data).toEqual((await rawSamples(photo)).data);
    }
  });

  it('[34] a damaged profile is passed over, and that is said', async () => {
    for (const profile of [Buffer.alloc(200), buildProfile(P3, 'cut').subarray(0, 300), Buffer.from('nonsense')]) {
      const { file, notes } = await roundTrip(await patchPng(profile, false), folder);
      expect((await sharp(file).metadata()).icc).toBeUndefined();
      // libvips passes over some by itself, before anyone sees them.
      const seen = (await sharp(await patchPng(profile, false)).metadata()).icc !== undefined;
      expect(notes.join().includes('colour profile')).toBe(seen);
    }
  });
});

describe('[31] 16 bits', () => {
  const width = 1024;
  const ramp = (): Uint16Array =>
    Uint16Array.from({ length: width * 8 * 3 }, (_, i) => (Math.floor(i / 3) % width) * 64);

  it.each([
    ['png', 1024],
    ['tiff', 1024],
    ['avif', 900],
  ] as const)('a gradient of 1024 levels in %s has at least %i', async (format, levels) => {
    const photo = await pictureOf(ramp(), width, 8, 3).toColourspace('rgb16').png().toBuffer();
    const { file, header } = await roundTrip(photo, folder, { format, outputQuality: 100 });
    expect(header.depth).toBe(16);
    const { data } = await rawSamples(file);
    expect(data).toBeInstanceOf(Uint16Array);
    expect(new Set(data).size).toBeGreaterThanOrEqual(levels);
    if (format !== 'avif') expect(data).toEqual(ramp());
  });

  it('in a format of 8 bits become 8, and that is said', async () => {
    const photo = await pictureOf(ramp(), width, 8, 3).toColourspace('rgb16').png().toBuffer();
    const { file, notes } = await roundTrip(photo, folder, { format: 'jpeg' });
    expect((await rawSamples(file)).data).toBeInstanceOf(Uint8Array);
    expect(notes.join()).toContain('16 bits');
  });

  it.each([10, 12] as const)('an AVIF of %i bits keeps them', async (bits) => {
    const photo = await pictureOf(ramp(), width, 8, 3)
      .toColourspace('rgb16')
      .avif({ bitdepth: bits, quality: 90 })
      .toBuffer();
    const { file } = await roundTrip(photo, folder);
    expect((await sharp(file).metadata()).bitsPerSample).toBe(bits);
  });

  it('floating point is read as light and becomes 16 bits', async () => {
    const path = join(await mkdtemp(join(folder, 'float-')), 'float.tiff');
    await sharp(join(SAMPLES, 'coffee.jpg'))
      .pipelineColourspace('scrgb')
      .toColourspace('scrgb')
      .tiff({ compression: 'none' })
      .toFile(path);
    const { depth } = await sharp(path).metadata();
    const { file } = await roundTrip(path, folder, { format: 'png' });
    if (depth !== 'uchar') expect((await sharp(file).metadata()).depth).toBe('ushort');
    expect((await differences(join(SAMPLES, 'coffee.jpg'), file, folder)).mean).toBeLessThan(2);
  });
});

describe('[33] grey', () => {
  it.each([
    ['jpeg', 8],
    ['png', 8],
    ['tiff', 8],
    ['png', 16],
    ['tiff', 16],
  ] as const)('stays one channel: %s of %i bits', async (format, bits) => {
    const photo = await sharp(join(SAMPLES, 'astronaut.jpg'))
      .greyscale()
      .toColourspace(bits === 16 ? 'grey16' : 'b-w')
      .toFormat(bits === 16 ? 'png' : format, format === 'jpeg' ? { quality: 100 } : {})
      .toBuffer();
    const { file } = await roundTrip(photo, folder, { format, outputQuality: 100 });
    const { channels, depth } = await sharp(file).metadata();
    expect([channels, depth]).toEqual([1, bits === 16 ? 'ushort' : 'uchar']);
    const [before, after] = [await rawSamples(photo), await rawSamples(file)];
    const worst = Math.max(...before.data.map((value, at) => Math.abs(value - (after.data[at] ?? 0))));
    expect(worst).toBeLessThanOrEqual(format === 'jpeg' ? 4 : 1);
  });

  it('with alpha stays two', async () => {
    const data = Uint8Array.from({ length: 60 * 40 * 2 }, (_, i) => (i % 2 === 0 ? (i * 7) % 256 : 20 + (i % 200)));
    const photo = await pictureOf(data, 60, 40, 2).toColourspace('b-w').png().toBuffer();
    const { file } = await roundTrip(photo, folder);
    expect((await sharp(file).metadata()).channels).toBe(2);
    const after = await rawSamples(file);
    expect(Math.max(...data.map((value, at) => Math.abs(value - (after.data[at] ?? 0))))).toBeLessThanOrEqual(1);
  });
});

describe('[32] inks', () => {
  const inks = Uint8Array.from({ length: SIDE * 10 * SIDE * 4 }, (_, i) => {
    const patch = Math.floor(((i >> 2) % (SIDE * 10)) / SIDE);
    const mixtures = [
      [255, 0, 0, 0],
      [0, 255, 0, 0],
      [0, 0, 255, 0],
      [255, 255, 0, 0],
      [255, 0, 255, 0],
      [0, 255, 255, 0],
      [0, 0, 0, 255],
      [0, 0, 0, 0],
      [128, 40, 0, 30],
      [20, 60, 70, 10],
    ];
    return mixtures[patch]?.[i % 4] ?? 0;
  });

  /** A CMYK TIFF whose samples are exactly these, with or without a profile. */
  async function inkFile(withProfile: boolean): Promise<string> {
    const path = join(await mkdtemp(join(folder, 'ink-')), 'inks.tiff');
    const profile = withProfile
      ? (
          await sharp({ create: { width: 1, height: 1, channels: 3, background: '#fff' } })
            .withIccProfile('cmyk')
            .toColourspace('cmyk')
            .tiff()
            .toBuffer()
            .then((file) => sharp(file).metadata())
        ).icc
      : undefined;
    await writeFile(
      path,
      canvasBytes({ data: inks, width: SIDE * 10, height: SIDE, channels: 4, photometric: 5, profile }),
    );
    return path;
  }

  it.each([
    ['tiff', true, 'cmyk'],
    ['tiff', false, 'cmyk'],
    ['jpeg', true, 'cmyk'],
    ['jpeg', false, 'cmyk'],
    ['png', true, 'srgb'],
    ['png', false, 'srgb'],
    ['webp', true, 'srgb'],
    ['avif', true, 'srgb'],
  ] as const)('as %s (profile: %s) they are %s, within 3', async (format, withProfile, space) => {
    const photo = await inkFile(withProfile);
    const { file, notes } = await roundTrip(photo, folder, { format, outputQuality: 100 });
    const found = await sharp(file).metadata();
    expect(found.space).toBe(space);
    expect(found.icc !== undefined).toBe(withProfile || space === 'srgb');
    if (withProfile && space === 'cmyk')
      expect(found.icc?.equals((await sharp(photo).metadata()).icc ?? Buffer.alloc(0))).toBe(true);
    expect(notes.join()).toMatch(/inks \(CMYK\)/);
    const { mean, worst } = await differences(photo, file, folder);
    expect(mean).toBeLessThan(2);
    if (format === 'png' || format === 'tiff') expect(worst).toBeLessThan(3);
  });
});
