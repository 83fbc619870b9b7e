/** A model for faces is the pinned file or nothing, and a graph of another contract is no face model. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { FaceEntry } from '../../src/contracts/models.ts';
import { readCatalogue, readFaceCatalogue } from '../../src/models/catalogue.ts';
import { inspectFaceModel, installFaceModel, readInstalledFaceModels } from '../../src/models/face-models.ts';
import { verifyFaceModel } from '../../src/models/verify-model.ts';
import { faceEntry, standInRestorer } from '../inference/faces/support.ts';

let folder = '';
let mirrorDir = '';
let cacheDir = '';
let entry: FaceEntry;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'darkroom-face-models-'));
  [mirrorDir, cacheDir] = [join(folder, 'mirror'), join(folder, 'cache')];
  await mkdir(mirrorDir);
  await standInRestorer(mirrorDir, 'restorer', 1, 0);
  entry = await pinned('face-restorer');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function pinned(role: FaceEntry['role']): Promise<FaceEntry> {
  const bytes = await readFile(join(mirrorDir, 'restorer.onnx'));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { ...faceEntry('restorer', role), files: { onnx: { name: 'restorer.onnx', bytes: bytes.length, sha256 } } };
}

const install = (of = entry) =>
  installFaceModel(of, { cacheDir, mirrorDir, environment: {}, signal: new AbortController().signal });

it('is installed from the mirror once, and found from then on', async () => {
  expect((await inspectFaceModel(cacheDir, entry)).state).toBe('missing');
  expect((await install()).from).toBe('mirror');
  expect((await install()).from).toBe('installed');
  const [model, ...others] = await readInstalledFaceModels(cacheDir, [entry]);
  expect(others).toEqual([]);
  expect(await readFile(model?.graphPath ?? '')).toEqual(await readFile(join(mirrorDir, 'restorer.onnx')));
  expect(await readdir(join(cacheDir, 'models', 'restorer'))).toEqual(['restorer.onnx']);
  expect(await verifyFaceModel(entry, cacheDir)).toMatchObject({ ok: true });
});

it('is refused when a byte was changed, and mended by another installation', async () => {
  const { model } = await install();
  await writeFile(model.graphPath, 'something else');
  expect((await inspectFaceModel(cacheDir, entry)).state).toBe('damaged');
  expect(await verifyFaceModel(entry, cacheDir)).toMatchObject({ ok: false });
  await expect(readInstalledFaceModels(cacheDir, [entry])).rejects.toMatchObject({ code: 'model_corrupt' });
  expect((await install()).from).toBe('mirror');
});

it('must take and give what its role promises', async () => {
  await expect(install(await pinned('face-detector'))).rejects.toMatchObject({ code: 'model_corrupt' });
  await writeFile(join(mirrorDir, 'restorer.onnx'), 'no graph at all');
  await expect(install(await pinned('face-restorer'))).rejects.toMatchObject({ code: 'model_corrupt' });
  expect((await inspectFaceModel(cacheDir, entry)).state).toBe('missing');
});

it('stands in the catalogue apart from the networks for whole photos', async () => {
  const faces = await readFaceCatalogue();
  expect(faces.map(({ name, role }) => [name, role])).toEqual([
    ['gfpgan-v1.4', 'face-restorer'],
    ['yunet', 'face-detector'],
  ]);
  const names = (await readCatalogue()).map(({ name }) => name);
  expect(names).toContain('realesrgan-x4plus');
  expect(names).not.toContain('yunet');
});
