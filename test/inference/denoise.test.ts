/** On real weights: denoising goes from the network itself to its twin, what is between is between, and 16 bits stay 16. */
import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EnginePool, InstalledModel } from '../../src/inference/engine.ts';
import { readCatalogue } from '../../src/models/catalogue.ts';
import { installModel } from '../../src/models/install-model.ts';
import { enhance, makeScratch, paintPhoto, pixelsOf, removeScratch, startPool } from './support.ts';

const STRONG = 'realesr-general-x4v3';
const WEAK = 'realesr-general-wdn-x4v3';

const mirrorDir = process.env['MODEL_MIRROR'] ?? fileURLToPath(new URL('../../../shared/models', import.meta.url));
const wanted = (await readCatalogue()).filter(({ name }) => [STRONG, WEAK].includes(name));
const there = wanted.every(({ files }) =>
  [files.param, files.bin].every(({ name }) => existsSync(join(mirrorDir, name))),
);

describe.skipIf(!there)('denoise', () => {
  let root = '';
  let photo = '';
  let pool: EnginePool;
  const models: InstalledModel[] = [];

  beforeAll(async () => {
    root = await makeScratch();
    photo = await paintPhoto(join(root, 'photo.png'), 70, 50);
    const { signal } = new AbortController();
    for (const entry of wanted) {
      const made = await installModel(entry, { cacheDir: root, mirrorDir, environment: process.env, signal });
      models.push(made.model);
    }
    pool = startPool(models);
    await pool.ready();
  }, 240_000);
  afterAll(async () => {
    await pool.close();
    await removeScratch(root);
  });

  const run = async (model: string, denoise: number | null, inputPath = photo) =>
    (await enhance(pool, root, { inputPath, model, options: { denoise, face: 'off' } })).result;
  const distance = (a: Uint8Array, b: Uint8Array): number =>
    a.reduce((sum, level, index) => sum + Math.abs(level - (b[index] ?? 0)), 0) / a.length;

  it('1 is the network, 0 its twin, and half lies between', async () => {
    const [itself, all, half, none, twin] = await Promise.all([
      run(STRONG, null),
      run(STRONG, 1),
      run(STRONG, 0.5),
      run(STRONG, 0),
      run(WEAK, null),
    ]);
    const pixels = await Promise.all([itself, all, half, none, twin].map(({ path }) => pixelsOf(path)));
    const [a, b, c, d, e] = pixels;
    if (!a || !b || !c || !d || !e) throw new Error('Expected five pictures');
    expect(Buffer.compare(a, b)).toBe(0);
    expect(Buffer.compare(d, e)).toBe(0);
    expect(distance(c, a)).toBeGreaterThan(0.5);
    expect(distance(c, a)).toBeLessThan(distance(d, a));
    expect(distance(c, d)).toBeLessThan(distance(d, a));
    expect([itself, half, none].map(({ making }) => making.denoise)).toEqual([1, 0.5, 0]);
    expect(half.warnings).toEqual([]);
    expect(pool.status().resident).toContain(`${STRONG}+0.5`);
  });

  it('a photo of 16 bits goes through the network as it is', async () => {
    const inputPath = join(root, 'deep.png');
    await sharp(photo).toColourspace('rgb16').linear(0.9).png().toFile(inputPath);
    const result = await run(STRONG, null, inputPath);
    expect(result.making.depth).toBe(16);
    expect((await sharp(result.path).metadata()).depth).toBe('ushort');
    const deep = await sharp(result.path).toColourspace('rgb16').raw({ depth: 'ushort' }).toBuffer();
    const levels = new Uint16Array(new Uint8Array(deep).buffer);
    // Of 8 bits stretched to 16 all would be multiples of 257.
    expect(levels.filter((level) => level % 257 !== 0).length / levels.length).toBeGreaterThan(0.9);
    const plain = await sharp(inputPath).toColourspace('srgb').png().toFile(join(root, 'plain.png'));
    expect(plain.width).toBe(70);
    const coarse = await pixelsOf((await run(STRONG, null, join(root, 'plain.png'))).path);
    expect(
      distance(
        coarse,
        Uint8Array.from(levels, (level) => Math.round(level / 257)),
      ),
    ).toBeLessThan(1);
  });
});
