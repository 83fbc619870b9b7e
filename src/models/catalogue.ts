import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { faceEntrySchema, modelEntrySchema, type FaceEntry, type ModelEntry } from '../contracts/models.ts';

/** The package's own `models/` folder: the catalogue and the reference vectors; the same from `src` and from `dist`. */
export const MODELS_DIR = fileURLToPath(new URL('../../models', import.meta.url));

/**
 * All networks that enhance whole photos, by name. The catalogue is part of the package, so a fault in it is a programmer's error.
 * @throws TypeError that names the file and every fault in it.
 */
export async function readCatalogue(modelsDir: string = MODELS_DIR): Promise<ModelEntry[]> {
  const files = await readEntries(modelsDir);
  return files.filter(({ forFaces }) => !forFaces).map((file) => check(file, modelEntrySchema));
}

/** All graphs that find or restore faces, by name. @throws as {@link readCatalogue}. */
export async function readFaceCatalogue(modelsDir: string = MODELS_DIR): Promise<FaceEntry[]> {
  const files = await readEntries(modelsDir);
  return files.filter(({ forFaces }) => forFaces).map((file) => check(file, faceEntrySchema));
}

interface EntryFile {
  readonly fileName: string;
  readonly content: unknown;
  readonly forFaces: boolean;
}

async function readEntries(modelsDir: string): Promise<EntryFile[]> {
  const folder = join(modelsDir, 'catalogue');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  return await Promise.all(
    names.map(async (fileName) => {
      const content: unknown = JSON.parse(await readFile(join(folder, fileName), 'utf8'));
      return { fileName, content, forFaces: faceRole.safeParse(content).success };
    }),
  );
}

const faceRole = z.object({ role: faceEntrySchema.shape.role });

function check<Entry extends ModelEntry | FaceEntry>(
  { fileName, content }: EntryFile,
  schema: z.ZodType<Entry>,
): Entry {
  const parsed = schema.safeParse(content);
  if (!parsed.success) {
    throw new TypeError(`Expected a catalogue entry in ${fileName} but received: ${z.prettifyError(parsed.error)}`);
  }
  const entry = parsed.data;
  if (`${entry.name}.json` !== fileName) {
    throw new TypeError(`Expected the entry "${entry.name}" in ${entry.name}.json but received it in ${fileName}`);
  }
  for (const source of entry.sources) {
    if (source.kind === 'included') continue;
    const offered = new Set(Object.keys(source.kind === 'pypi' ? source.members : source.urls));
    const missing = Object.values(entry.files).find(({ name }) => !offered.has(name));
    if (missing !== undefined) {
      throw new TypeError(`Expected every source of ${entry.name} to have ${missing.name} but received one without it`);
    }
  }
  return entry;
}
