/** A network in 8 bits runs where that is a gain and the same picture; elsewhere its full precision does, and says so. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import type { EnginePool, InstalledModel } from '../../src/inference/engine.ts';
import { PrecisionJudge } from '../../src/inference/precision.ts';
import { GraphBuilder } from '../../src/models/graph-builder.ts';
import { enlarge, photoIn, photoOut } from '../../src/models/graph-parts.ts';
import { enhance, makeScratch, paintPhoto, pixelsOf, removeScratch, standInModel, startPool } from './support.ts';

let root = '';
let photo = '';
let full: InstalledModel;

beforeAll(async () => {
  root = await makeScratch();
  photo = await paintPhoto(join(root, 'photo.png'), 60, 50);
  full = await standInModel(root, 'nearest');
});
afterAll(() => removeScratch(root));

/** `model` as if it were `full` in 8 bits. */
const inEightBits = (model: InstalledModel): InstalledModel => ({
  ...model,
  entry: {
    ...model.entry,
    name: 'eight',
    int8: { sameAs: full.entry.name, calibration: { name: 'none', bytes: 1, sha256: '0'.repeat(64) } },
  },
});

/** Repeats every pixel as `full` does, with much ado about it. */
async function slowly(): Promise<InstalledModel> {
  const graph = new GraphBuilder();
  let value = enlarge(graph, photoIn(graph), graph.floats('scales', [1, 1, 4, 4], [4]));
  for (let times = 0; times < 300; times += 1) value = graph.node('Relu', [graph.node('Add', [value, 'nothing'])]);
  graph.floats('nothing', [1e-9], []);
  photoOut(graph, value);
  const graphPath = join(root, 'slow.onnx');
  await writeFile(graphPath, graph.build('slow', '1', {}));
  return { ...full, graphPath };
}

async function poolOf(models: readonly InstalledModel[]): Promise<EnginePool> {
  const pool = startPool(models);
  onTestFinished(() => pool.close());
  await pool.ready();
  return pool;
}

it('without gain, full precision runs in its place, and photo and worker say so', async () => {
  const pool = await poolOf([inEightBits(await slowly()), full]);
  const result = await (await enhance(pool, root, { inputPath: photo, model: 'eight' })).result;
  expect(result.model).toBe(full.entry.name);
  expect(result.warnings.join()).toContain(`eight was run as ${full.entry.name}, in full precision`);
  const [substitute] = pool.status().substitutes;
  expect(substitute).toMatchObject({ model: 'eight', by: full.entry.name });
  expect(substitute?.because).toContain('times as fast');
});

it('another picture is no picture, however fast', async () => {
  const black = await standInModel(root, 'black');
  const pool = await poolOf([inEightBits(black), full]);
  const attempt = await enhance(pool, root, { inputPath: photo, model: 'eight' });
  const result = await attempt.result;
  expect(result.model).toBe(full.entry.name);
  expect(pool.status().substitutes[0]?.because).toContain('its picture is another');
  expect(new Set(await pixelsOf(result.path)).size).toBeGreaterThan(1);
  await rm(attempt.scratchDir, { recursive: true });
});

it('with nothing to compare it with, it runs as it is', async () => {
  const pool = await poolOf([inEightBits(full)]);
  const result = await (await enhance(pool, root, { inputPath: photo, model: 'eight' })).result;
  expect([result.model, result.warnings]).toEqual(['eight', []]);
});

it('a crowded machine changes no verdict: the processor’s time counts, not the clock’s', async () => {
  const [eight, exact] = [inEightBits(full), full].map(({ entry, graphPath }) => ({
    name: entry.name,
    graphPath,
    scale: entry.scale,
    overlap: entry.overlap,
    memory: entry.memory,
  }));
  if (eight === undefined || exact === undefined) throw new TypeError('Expected two networks');
  const models = [{ ...eight, fullPrecision: exact.name }, exact];
  const pixels = new Uint8Array(64 * 64 * 3 * 16);
  const verdict = async (gain: number, crowd: { eight: number; exact: number }): Promise<string> => {
    const judge = new PrecisionJudge(
      {
        provider: 'cpu',
        whileIdle: (work) => work(),
        run: ({ model: { name } }) => {
          const isEight = name === eight.name;
          return Promise.resolve({
            pixels,
            cpuMs: isEight ? 10 : 10 * gain,
            ms: isEight ? crowd.eight : crowd.exact,
          });
        },
      },
      models,
      {},
    );
    return (await judge.choose(models[0] ?? exact)).name;
  };
  expect(await verdict(2.5, { eight: 900, exact: 20 })).toBe('eight');
  expect(await verdict(1, { eight: 10, exact: 900 })).toBe(exact.name);
});
