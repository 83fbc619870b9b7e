/** Every size that can be asked for is reached exactly, by the steps that the recipe tells, and no interruption changes a byte. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { SCALES, type EnhanceOptions } from '../../src/contracts/options.ts';
import type { EnginePool, InstalledModel } from '../../src/inference/engine.ts';
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

const WIDTH = 150;
const HEIGHT = 110;
const MODEL = 'nearest';

let root = '';
let nearest: InstalledModel;
let pool: EnginePool;
let photo = '';

beforeAll(async () => {
  root = await makeScratch();
  nearest = await standInModel(root, MODEL);
  pool = startPool([nearest]);
  photo = await paintPhoto(join(root, 'photo.png'), WIDTH, HEIGHT);
  await pool.ready();
});
afterAll(async () => {
  await pool.close();
  await removeScratch(root);
});

const run = async (options: Partial<EnhanceOptions>, inputPath = photo) =>
  (await enhance(pool, root, { inputPath, model: MODEL, tileSize: 64, options })).result;

/** `steps` of resampling, as sharp does them: a width, and how it is reached. */
async function resampled(path: string, steps: readonly [number, 'nearest' | 'lanczos3'][]): Promise<Buffer> {
  let picture = sharp(await sharp(path).removeAlpha().png().toBuffer());
  for (const [width, kernel] of steps) {
    const height = Math.round((width * HEIGHT) / WIDTH);
    picture = sharp(
      await picture.resize(width, height, { kernel, fit: 'fill' }).png({ compressionLevel: 1 }).toBuffer(),
    );
  }
  return picture.raw().toBuffer();
}

describe('scales', () => {
  it.each(SCALES)('%i times', async (scale) => {
    const result = await run({ scale });
    const { width, height } = await sharp(result.path).metadata();
    expect([width, height]).toEqual([WIDTH * scale, HEIGHT * scale]);
    expect([result.width, result.height]).toEqual([width, height]);
    const steps: [number, 'nearest' | 'lanczos3'][] =
      scale === 8
        ? [
            [WIDTH * 4, 'nearest'],
            [WIDTH * 2, 'lanczos3'],
            [WIDTH * 8, 'nearest'],
          ]
        : [
            [WIDTH * 4, 'nearest'],
            [WIDTH * scale, 'lanczos3'],
          ];
    expect(largestDifference(await pixelsOf(result.path), await resampled(photo, steps))).toBeLessThanOrEqual(1);
    expect(result.making.steps.map(({ kind }) => kind)).toEqual(
      scale === 8 ? ['network', 'resample', 'network'] : scale === 4 ? ['network'] : ['network', 'resample'],
    );
    expect(result.making.summary).toContain(scale === 8 ? 'Two passes' : 'One pass');
    expect(result.tiles).toBe(result.making.steps.reduce((sum, step) => sum + ('tiles' in step ? step.tiles : 0), 0));
  });

  it.each([
    [{ targetWidth: 100 }, 100, 73],
    [{ targetHeight: 500 }, 682, 500],
    [{ targetWidth: 1000, targetHeight: 700 }, 955, 700],
  ])('fits into %o', async (target, width, height) => {
    const result = await run(target);
    const found = await sharp(result.path).metadata();
    expect([found.width, found.height]).toEqual([width, height]);
    expect(result.making.steps.at(-1)).toMatchObject({ to: { width, height } });
  });

  it('alpha comes along through two passes', async () => {
    const ramp = Buffer.alloc(WIDTH * HEIGHT * 4, 90);
    for (let i = 3; i < ramp.length; i += 4) ramp[i] = Math.floor(i / 4) % WIDTH;
    const inputPath = join(root, 'ramp.png');
    await sharp(ramp, { raw: { width: WIDTH, height: HEIGHT, channels: 4 } })
      .png()
      .toFile(inputPath);
    const result = await run({ scale: 8 }, inputPath);
    const { data, info } = await sharp(result.path).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([WIDTH * 8, HEIGHT * 8, 4]);
    const row = 400 * info.width * 4;
    for (const x of [80, 404, 805, 1100]) {
      expect(Math.abs((data[row + x * 4 + 3] ?? 0) - ((x + 0.5) / 8 - 0.5))).toBeLessThanOrEqual(1.5);
    }
  });
});

describe('strength', () => {
  it.each([0, 0.5])('%d is that much of the network, the rest the photo resampled', async (strength) => {
    const all = await pixelsOf((await run({ scale: 2 })).path);
    const original = await resampled(photo, [[WIDTH * 2, 'lanczos3']]);
    const result = await run({ scale: 2, strength });
    const wanted = all.map((level, index) => Math.round(strength * level + (1 - strength) * (original[index] ?? 0)));
    expect(largestDifference(await pixelsOf(result.path), wanted)).toBeLessThanOrEqual(1);
    expect(result.making.steps.at(-1)).toEqual({ kind: 'blend', strength, kernel: 'lanczos3' });
    expect(result.making.summary).toContain(`${strength * 100} %`);
  });
});

describe('denoise', () => {
  it('is not silently ignored by a network without a twin', async () => {
    const result = await run({ denoise: 0.5 });
    expect(result.warnings.join()).toContain('denoise was not applied');
    expect(result.making.denoise).toBeNull();
    expect((await run({})).warnings).toEqual([]);
  });
});

describe('an engine killed in the second pass', () => {
  it('keeps the tiles of both, and the bytes are the same', async () => {
    const own = startPool([nearest]);
    onTestFinished(() => own.close());
    await own.ready();
    const undisturbed = await run({ scale: 8 });
    const [first] = undisturbed.making.steps;
    const tilesBefore = first?.kind === 'network' ? first.tiles : 0;
    let killed = false;
    const job = { inputPath: photo, model: MODEL, tileSize: 64, options: { scale: 8 as const } };
    const attempt = await enhance(own, root, job, ({ tilesDone }) => {
      const [pid] = own.status().pids;
      if (killed || pid === undefined || tilesDone < tilesBefore + 3) return;
      killed = true;
      process.kill(pid, 'SIGKILL');
    });
    const result = await attempt.result;
    expect(killed).toBe(true);
    expect(result.tilesReused).toBeGreaterThanOrEqual(tilesBefore + 3);
    expect(Buffer.compare(await readFile(result.path), await readFile(undisturbed.path))).toBe(0);
  });
});
