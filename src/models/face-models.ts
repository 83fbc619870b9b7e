import { constants, existsSync } from 'node:fs';
import { copyFile, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { asDarkroomError, DarkroomError } from '../contracts/errors.ts';
import type { FaceEntry } from '../contracts/models.ts';
import { asDownloadError, isPinned } from '../download/pinned-file.ts';
import { downloadUrl } from '../download/url.ts';
import { readFaceCatalogue } from './catalogue.ts';
import type { Installation } from './install-model.ts';
import { modelPlaces } from './installed-models.ts';
import { openWorkshop } from './workshop.ts';

/** Graphs that are run as they are published: one pinned file, `{cacheDir}/models/{name}/{name}.onnx`, checked whenever it is looked at. */

export interface InstalledFaceModel {
  readonly entry: FaceEntry;
  readonly graphPath: string;
}

export type FaceModelState =
  | { readonly state: 'installed'; readonly entry: FaceEntry; readonly model: InstalledFaceModel }
  | { readonly state: 'missing' | 'damaged'; readonly entry: FaceEntry };

export async function inspectFaceModel(cacheDir: string, entry: FaceEntry): Promise<FaceModelState> {
  const { graph } = modelPlaces(cacheDir, entry.name);
  if (!existsSync(graph)) return { state: 'missing', entry };
  if (!(await isPinned(graph, entry.files.onnx))) return { state: 'damaged', entry };
  return { state: 'installed', entry, model: { entry, graphPath: graph } };
}

/**
 * Those that can be used now.
 * @throws DarkroomError `model_corrupt` when one is damaged: a worker must not start with another than it seems to have.
 */
export async function readInstalledFaceModels(
  cacheDir: string,
  catalogue?: readonly FaceEntry[],
): Promise<InstalledFaceModel[]> {
  const entries = catalogue ?? (await readFaceCatalogue());
  const states = await Promise.all(entries.map((entry) => inspectFaceModel(cacheDir, entry)));
  return states.flatMap((found) => {
    if (found.state === 'damaged') {
      throw new DarkroomError('model_corrupt', `The installed model ${found.entry.name} is damaged.`);
    }
    return found.state === 'installed' ? [found.model] : [];
  });
}

/**
 * Makes sure that a model for faces is on this machine, from the mirror or the sources of its entry.
 * @throws DarkroomError `download_failed`, `download_corrupt`, `storage_full`, `model_corrupt`.
 */
export async function installFaceModel(
  entry: FaceEntry,
  installation: Installation,
): Promise<{ model: InstalledFaceModel; from: 'installed' | 'mirror' | 'network' }> {
  const { cacheDir, onStep, signal } = installation;
  const found = await inspectFaceModel(cacheDir, entry);
  if (found.state === 'installed') return { model: found.model, from: 'installed' };
  const { folder, graph } = modelPlaces(cacheDir, entry.name);
  try {
    await mkdir(folder, { recursive: true });
    const workshop = await openWorkshop(folder);
    try {
      const { path, from } = await bring(entry, workshop.folder, installation);
      onStep?.({ kind: 'checking', what: entry.title });
      await requireFaceContract(entry, path);
      signal.throwIfAborted();
      await rename(path, graph);
      return { model: { entry, graphPath: graph }, from };
    } finally {
      await workshop.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    throw asDownloadError(error, `The model ${entry.name} could not be fetched.`);
  }
}

async function bring(entry: FaceEntry, directory: string, { mirrorDir, signal, onStep }: Installation) {
  const file = entry.files.onnx;
  const mirrored = mirrorDir === undefined || mirrorDir === '' ? undefined : join(mirrorDir, file.name);
  if (mirrored !== undefined && (await isPinned(mirrored, file, signal))) {
    const path = join(directory, file.name);
    await copyFile(mirrored, path, constants.COPYFILE_FICLONE);
    return { path, from: 'mirror' as const };
  }
  const onProgress = (progress: { done: number; total: number }): void =>
    onStep?.({ kind: 'fetching', what: entry.title, ...progress });
  let fault: DarkroomError | undefined;
  for (const source of entry.sources) {
    if (source.kind !== 'url') continue;
    try {
      const path = await downloadUrl({ url: source.urls[file.name] ?? '', file, directory, signal, onProgress });
      return { path, from: 'network' as const };
    } catch (error) {
      signal.throwIfAborted();
      fault = asDarkroomError(error);
    }
  }
  throw fault ?? new DarkroomError('download_failed', `${entry.name} has no source.`);
}

/** What YuNet answers, by name. */
const DETECTOR_OUTPUTS = ['cls', 'obj', 'bbox', 'kps'].flatMap((kind) => [8, 16, 32].map((step) => `${kind}_${step}`));

/**
 * Loads the graph and looks at what it takes and gives.
 * @throws DarkroomError `model_corrupt` when that is not what its role promises.
 */
export async function requireFaceContract(entry: FaceEntry, path: string): Promise<void> {
  const session = await InferenceSession.create(path, { executionProviders: ['cpu'], logSeverityLevel: 3 }).catch(
    (error: unknown) => {
      throw new DarkroomError('model_corrupt', `The model ${entry.name} cannot be loaded.`, { cause: error });
    },
  );
  try {
    const outputs = new Set(session.outputNames);
    const [input] = session.inputMetadata;
    const picture =
      session.inputNames.length === 1 &&
      session.inputNames[0] === 'input' &&
      input?.isTensor === true &&
      input.type === 'float32';
    const sides = input?.isTensor === true ? input.shape.slice(1).join('x') : '';
    const fits =
      entry.role === 'face-detector'
        ? DETECTOR_OUTPUTS.every((name) => outputs.has(name))
        : outputs.size === 1 && sides === '3x512x512';
    if (!picture || !fits) throw new DarkroomError('model_corrupt', `The model ${entry.name} is not a ${entry.role}.`);
  } finally {
    await session.release();
  }
}
