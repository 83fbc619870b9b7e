/** In a real engine: faces are restored in the thread of the network, and every way of going without one is said. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { join } from 'node:path';
import type { EnhancedPhoto, InstalledFaceModel } from '../../../src/inference/engine.ts';
import { GraphBuilder } from '../../../src/models/graph-builder.ts';
import { buildGfpgan, type Weights } from '../../../src/models/graph-gfpgan.ts';
import type { EnhanceOptions } from '../../../src/contracts/options.ts';
import { enhance, makeScratch, pixelsOf, removeScratch, standInModel, startPool } from '../support.ts';
import { standInRestorer, writeRestorer, yunet } from './support.ts';

const portrait = join(import.meta.dirname, '../../../samples/astronaut.jpg');
/** PNG, so that what is compared is what was made. */
const asPng = { format: 'png' } as const;

let root = '';
let nearest: Awaited<ReturnType<typeof standInModel>>;

beforeAll(async () => {
  root = await makeScratch();
  nearest = await standInModel(root, 'nearest');
});
afterAll(() => removeScratch(root));

async function enhanceWith(
  restorer: InstalledFaceModel | undefined,
  options: Partial<EnhanceOptions>,
): Promise<EnhancedPhoto> {
  const faces = restorer === undefined || yunet === undefined ? [] : [yunet, restorer];
  const pool = startPool([nearest], { faces });
  onTestFinished(() => pool.close());
  await pool.ready();
  const attempt = await enhance(pool, root, {
    inputPath: portrait,
    model: nearest.entry.name,
    options: { ...asPng, ...options },
  });
  return attempt.result;
}

/** How many pixels differ, and how far on average where they do. */
async function compare(one: EnhancedPhoto, other: EnhancedPhoto): Promise<{ share: number; mean: number }> {
  const [a, b] = await Promise.all([pixelsOf(one.path), pixelsOf(other.path)]);
  let differing = 0;
  let sum = 0;
  for (const [index, level] of a.entries()) {
    const difference = (b[index] ?? 0) - level;
    if (difference !== 0) differing += 1;
    sum += difference;
  }
  return { share: differing / a.length, mean: sum / Math.max(1, differing) };
}

describe.skipIf(yunet === undefined)('an engine with a face restorer', () => {
  it('leaves the photo as it is when the restorer changes nothing', async () => {
    const same = await standInRestorer(root, 'same', 1, 0);
    const [without, withFaces] = [await enhanceWith(same, { face: 'off' }), await enhanceWith(same, { face: 'on' })];
    expect(without.making.faces).toBeUndefined();
    expect(withFaces.making.faces).toEqual({
      restorer: 'same',
      fidelity: 0.5,
      found: 1,
      restored: 1,
      softened: 0,
      skipped: [],
      note: null,
    });
    expect(await compare(without, withFaces)).toEqual({ share: 0, mean: 0 });
  });

  it('uses what the restorer makes, inside of the face, as far as fidelity says', async () => {
    const lighter = await standInRestorer(root, 'lighter', 1, 0.1);
    const without = await enhanceWith(lighter, { face: 'off' });
    const free = await compare(without, await enhanceWith(lighter, { face: 'auto', fidelity: 0 }));
    const faithful = await compare(without, await enhanceWith(lighter, { face: 'auto', fidelity: 0.5 }));
    expect(free.mean).toBeGreaterThan(6);
    expect(free.share).toBeGreaterThan(0.03);
    expect(free.share).toBeLessThan(0.3);
    // Nothing but the light was changed, and that is the original's from a half on.
    expect(faithful.share * Math.abs(faithful.mean)).toBeLessThan(free.share * free.mean * 0.1);
  });

  it("runs a network of GFPGAN's architecture, and refuses what it paints without its training", async () => {
    let state = 1;
    const weights: Weights = (_, dims, fanIn) =>
      Float32Array.from({ length: dims.reduce((product, dim) => product * dim, 1) }, () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return (state / 2 ** 31 - 1) * Math.sqrt(3 / fanIn);
      });
    const graph = new GraphBuilder();
    buildGfpgan(graph, weights, 1 / 16);
    const untrained = await writeRestorer(root, 'untrained', graph);
    const [without, withFaces] = [
      await enhanceWith(untrained, { face: 'off' }),
      await enhanceWith(untrained, { face: 'auto' }),
    ];
    expect(withFaces.making.faces).toMatchObject({
      found: 1,
      restored: 0,
      skipped: [{ reason: 'not_alike', faces: 1 }],
    });
    expect(await compare(without, withFaces)).toEqual({ share: 0, mean: 0 });
  });

  it('does not begin what there is no memory for', async () => {
    const large = await standInRestorer(root, 'large', 1, 0);
    const entry = { ...large.entry, memory: { baseBytes: 1e15 } };
    const noted = await enhanceWith({ ...large, entry }, { face: 'auto' });
    expect(noted.making.faces).toMatchObject({ restorer: null, note: expect.stringContaining('memory') });
    await expect(enhanceWith({ ...large, entry }, { face: 'on' })).rejects.toMatchObject({ code: 'out_of_memory' });
  });
});

describe('an engine without a face restorer', () => {
  it('goes without and notes it when faces are optional, without a warning', async () => {
    const photo = await enhanceWith(undefined, { face: 'auto' });
    expect(photo.making.faces).toMatchObject({ restorer: null, found: 0, note: expect.stringContaining('installed') });
    expect(photo.warnings).toEqual([]);
  });

  it('fails the photo when faces must be restored', async () => {
    await expect(enhanceWith(undefined, { face: 'on' })).rejects.toMatchObject({ code: 'face_model_missing' });
  });
});

it('knows GFPGAN by its size: 84.3 million parameters', () => {
  let parameters = 0;
  const count: Weights = (name, dims) => {
    if (!name.endsWith('.noise')) parameters += dims.reduce((product, dim) => product * dim, 1);
    return new Float32Array();
  };
  buildGfpgan(new GraphBuilder(), count);
  expect(parameters).toBe(84_339_239);
});
