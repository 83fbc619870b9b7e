import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { DarkroomError } from '../contracts/errors.ts';
import type { ModelEntry } from '../contracts/models.ts';
import { isPinned } from '../download/pinned-file.ts';
import { readCatalogue } from './catalogue.ts';
import { converterVersion } from './convert.ts';

/** A network that is on this machine, converted and checked. */
export interface InstalledModel {
  readonly entry: ModelEntry;
  /** The ONNX graph: uint8 NHWC `[1, H, W, 3]` in, uint8 NHWC `[1, scale*H, scale*W, 3]` out. */
  readonly graphPath: string;
  /** SHA-256 of the upstream weights the graph was made from. */
  readonly weights: string;
}

/**
 * How a catalogue entry stands on this machine. `outdated` was made by another version of the converter or from other
 * weights; `damaged` is there and not the bytes that were installed.
 */
export type ModelState =
  | { readonly state: 'installed'; readonly entry: ModelEntry; readonly model: InstalledModel }
  | { readonly state: 'missing' | 'outdated'; readonly entry: ModelEntry }
  | { readonly state: 'damaged'; readonly entry: ModelEntry; readonly problem: string };

/** Written last, after the graph: without it nothing is installed. */
const installedSchema = z.object({
  model: z.string(),
  converter: z.int(),
  /** SHA-256 of the `.bin` file. */
  weights: z.string(),
  /** SHA-256 of what an 8-bit graph was made with besides. */
  calibration: z.string().optional(),
  graph: z.object({ name: z.string(), bytes: z.int(), sha256: z.string() }),
});
export type InstalledRecord = z.infer<typeof installedSchema>;

/** Where a network lives: `{cacheDir}/models/{name}/` with the graph and the record of it. */
export function modelPlaces(cacheDir: string, name: string): { folder: string; graph: string; record: string } {
  const folder = join(cacheDir, 'models', name);
  return { folder, graph: join(folder, `${name}.onnx`), record: join(folder, 'installed.json') };
}

/** Looks at one network; reads its whole graph to compare the checksum. */
export async function inspectModel(cacheDir: string, entry: ModelEntry): Promise<ModelState> {
  const places = modelPlaces(cacheDir, entry.name);
  const text = await readFile(places.record, 'utf8').catch(() => undefined);
  if (text === undefined) return { state: 'missing', entry };
  const record = parseRecord(text);
  if (record === undefined)
    return { state: 'damaged', entry, problem: 'the record of its installation cannot be read' };
  const sameOriginals =
    record.weights === entry.files.bin.sha256 && record.calibration === entry.int8?.calibration.sha256;
  if (record.converter !== converterVersion(entry) || !sameOriginals) return { state: 'outdated', entry };
  if (!(await isPinned(places.graph, record.graph))) {
    return { state: 'damaged', entry, problem: 'its graph is missing or is not what was installed' };
  }
  return { state: 'installed', entry, model: { entry, graphPath: places.graph, weights: record.weights } };
}

/** {@link inspectModel} for all of the catalogue. */
export async function inspectModels(cacheDir: string, catalogue: readonly ModelEntry[]): Promise<ModelState[]> {
  return await Promise.all(catalogue.map(async (entry) => await inspectModel(cacheDir, entry)));
}

/**
 * The networks that can be used now.
 * @param onOutdated - hears of those that are left out until they are made anew.
 * @throws DarkroomError `model_corrupt` when one is damaged: a worker must not start with another than it seems to have.
 */
export async function readInstalledModels(
  cacheDir: string,
  catalogue?: readonly ModelEntry[],
  onOutdated?: (entry: ModelEntry) => void,
): Promise<InstalledModel[]> {
  const states = await inspectModels(cacheDir, catalogue ?? (await readCatalogue()));
  return states.flatMap((found) => {
    if (found.state === 'damaged') {
      throw new DarkroomError(
        'model_corrupt',
        `The installed network ${found.entry.name} is damaged: ${found.problem}.`,
      );
    }
    if (found.state === 'outdated') onOutdated?.(found.entry);
    return found.state === 'installed' ? [found.model] : [];
  });
}

function parseRecord(text: string): InstalledRecord | undefined {
  try {
    return installedSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
