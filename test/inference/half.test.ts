/** A provider for graphics processors is tried in half floats; when there is none, the processor works in full precision and the log says so. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { graphFor } from '../../src/inference/graph-bytes.ts';
import { whyUnusable } from '../../src/inference/provider-fault.ts';
import { DATA_TYPE, decodeModel } from '../../src/models/onnx-proto.ts';
import { enhance, makeScratch, paintPhoto, removeScratch, standInModel, startPool } from './support.ts';

let root = '';
beforeAll(async () => {
  root = await makeScratch();
});
afterAll(() => removeScratch(root));

const nothingToRun = (): never => {
  throw new Error('Expected no graph to be run');
};

/** The type of what the photo's samples become. */
async function arithmeticOf(graph: string | Uint8Array): Promise<number | undefined> {
  if (typeof graph === 'string') return undefined;
  const entry = decodeModel(graph).graph.node.find(({ input }) => input[0] === 'input');
  return entry?.attribute[0]?.i;
}

it('only photos of 8 bits are computed in half floats', async () => {
  const { graphPath: path } = await standInModel(root, 'nearest');
  const key = 'nearest';
  const half = await graphFor({ key, path, depth: 8 }, 'half', nothingToRun);
  expect(await arithmeticOf(half)).toBe(DATA_TYPE.float16);
  const fine = await graphFor({ key, path, depth: 16 }, 'half', nothingToRun);
  expect(await arithmeticOf(fine)).toBe(DATA_TYPE.float);
  expect(await graphFor({ key, path, depth: 8 }, 'full', nothingToRun)).toBe(path);
});

it('asked for CUDA where there is none, says so and works on the processor in full precision', async () => {
  const model = await standInModel(root, 'nearest');
  const notes: string[] = [];
  const hear = (details: unknown): void => {
    notes.push(JSON.stringify(details));
  };
  const pool = startPool([model], { providers: ['cuda', 'cpu'], logger: { info: hear, warn: hear, error: hear } });
  onTestFinished(() => pool.close());
  await pool.ready();
  expect(pool.status().device).toBe('cpu');
  expect(notes.join()).toContain('cuda is not usable: its library is not beside onnxruntime’s own');
  const inputPath = await paintPhoto(join(root, 'photo.png'), 40, 30);
  const made = await (await enhance(pool, root, { inputPath, model: model.entry.name })).result;
  expect(made.device).toBe('cpu');
  expect(made.making).not.toHaveProperty('precision');
});

it('of a driver that is too old, says what CUDA says and not how it is written', () => {
  const said =
    '/cuda_call.cc:154 std::conditional_t<THRW, void> CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=-1 ; expr=cudaSetDevice(info_.device_id);';
  expect(whyUnusable(said)).toBe('CUDA says “CUDA driver version is insufficient for CUDA runtime version”.');
});
