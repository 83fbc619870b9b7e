import { createHash } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../contracts/config.ts';
import { asDarkroomError, DarkroomError } from '../contracts/errors.ts';
import type { ModelEntry } from '../contracts/models.ts';
import { readCalibration } from './calibration.ts';
import { MODELS_DIR } from './catalogue.ts';
import { compareWithReference, requireLikeness } from './check-graph.ts';
import { convertModel, converterVersion } from './convert.ts';
import { inspectModel, modelPlaces, type InstalledModel, type InstalledRecord } from './installed-models.ts';
import type { Originals } from './originals.ts';
import { pullModel } from './pull-model.ts';
import { openWorkshop } from './workshop.ts';

export interface Installation {
  readonly cacheDir: string;
  /** Asked for files before the network; empty or undefined for none. */
  readonly mirrorDir: string | undefined;
  /** For pip: where its index, proxy and certificates are configured. */
  readonly environment: Environment;
  readonly signal: AbortSignal;
  readonly onStep?: (step: InstallStep) => void;
  /** Where the reference vectors are; the package's own by default. */
  readonly modelsDir?: string;
}

/** `what` is the network's title. Bytes are counted while fetching; the others take under a second. */
export type InstallStep =
  | { readonly kind: 'fetching'; readonly what: string; readonly done: number; readonly total: number }
  | { readonly kind: 'converting' | 'checking'; readonly what: string };

export interface Installed {
  readonly model: InstalledModel;
  /** Where the weights came from; `installed` when there was nothing to do. */
  readonly from: 'installed' | Originals['from'];
}

/**
 * Makes sure that a network is on this machine: fetches its weights, converts them and checks the graph against the
 * reference. What is installed and whole is left alone; another converter version converts what was kept anew.
 * Blocks the event loop for up to a second, so it is for the command line and not for a server.
 * @throws DarkroomError `download_failed`, `download_corrupt`, `python_missing`, `storage_full`, `model_corrupt`.
 */
export async function installModel(entry: ModelEntry, installation: Installation): Promise<Installed> {
  const { cacheDir, mirrorDir, environment, signal, onStep, modelsDir = MODELS_DIR } = installation;
  const what = entry.title;
  const found = await inspectModel(cacheDir, entry);
  if (found.state === 'installed') return { model: found.model, from: 'installed' };

  const { param, bin, from } = await pullModel(entry, {
    cacheDir,
    mirrorDir,
    environment,
    signal,
    modelsDir,
    onProgress: (progress) => onStep?.({ kind: 'fetching', what, ...progress }),
  });
  onStep?.({ kind: 'converting', what });
  const graph = convertModel(entry, param, bin, await readCalibration(entry, modelsDir));
  onStep?.({ kind: 'checking', what });
  signal.throwIfAborted();
  requireLikeness(await compareWithReference(graph, entry, modelsDir), entry);
  signal.throwIfAborted();
  try {
    await store(cacheDir, entry, graph);
  } catch (error) {
    throw asDarkroomError(error);
  }
  return { model: await readBack(cacheDir, entry), from };
}

/** Another process that installs the same takes the record away for a moment, before it writes the same one. */
async function readBack(cacheDir: string, entry: ModelEntry): Promise<InstalledModel> {
  for (let tries = 0; tries < READ_BACK_TRIES; tries++) {
    const installed = await inspectModel(cacheDir, entry);
    if (installed.state === 'installed') return installed.model;
    await sleep(READ_BACK_PAUSE_MS);
  }
  throw new DarkroomError('model_corrupt', `The network ${entry.name} was written and could not be read back whole.`);
}

const READ_BACK_TRIES = 20;
const READ_BACK_PAUSE_MS = 100;

/**
 * The record comes last, and one of another graph goes first: a graph is never taken for what another record says. A
 * record of the same graph stays, because another process may be relying on it already.
 */
async function store(cacheDir: string, entry: ModelEntry, graph: Uint8Array): Promise<void> {
  const places = modelPlaces(cacheDir, entry.name);
  const record: InstalledRecord = {
    model: entry.name,
    converter: converterVersion(entry),
    weights: entry.files.bin.sha256,
    ...(entry.int8 && { calibration: entry.int8.calibration.sha256 }),
    graph: {
      name: `${entry.name}.onnx`,
      bytes: graph.byteLength,
      sha256: createHash('sha256').update(graph).digest('hex'),
    },
  };
  const workshop = await openWorkshop(places.folder);
  try {
    const text = `${JSON.stringify(record, undefined, 2)}\n`;
    const before = await readFile(places.record, 'utf8').catch(() => undefined);
    if (before !== text) await rm(places.record, { force: true });
    await writeWhole(places.graph, graph, workshop.folder);
    await writeWhole(places.record, text, workshop.folder);
  } finally {
    await workshop.close();
  }
}

async function writeWhole(path: string, content: Uint8Array | string, workshop: string): Promise<void> {
  const made = join(workshop, basename(path));
  const file = await open(made, 'wx');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(made, path);
}
