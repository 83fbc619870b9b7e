import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { modelEntrySchema, type ModelEntry } from '../contracts/models.ts';

/** The package's own `models/` folder: the catalogue and the reference vectors; the same from `src` and from `dist`. */
export const MODELS_DIR = fileURLToPath(new URL('../../models', import.meta.url));

/**
 * All entries of the catalogue by name. It is part of the package, so a fault in it is a programmer's error.
 * @throws TypeError that names the file and every fault in it.
 */
export async function readCatalogue(modelsDir: string = MODELS_DIR): Promise<ModelEntry[]> {
  const folder = join(modelsDir, 'catalogue');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  return await Promise.all(names.map(async (name) => parseEntry(name, await readFile(join(folder, name), 'utf8'))));
}

function parseEntry(fileName: string, text: string): ModelEntry {
  const parsed = modelEntrySchema.safeParse(JSON.parse(text));
  if (!parsed.success) {
    throw new TypeError(`Expected a catalogue entry in ${fileName} but received: ${z.prettifyError(parsed.error)}`);
  }
  const entry = parsed.data;
  if (`${entry.name}.json` !== fileName) {
    throw new TypeError(`Expected the entry "${entry.name}" in ${entry.name}.json but received it in ${fileName}`);
  }
  for (const source of entry.sources) {
    const offered = new Set(Object.keys(source.kind === 'pypi' ? source.members : source.urls));
    const missing = [entry.files.param.name, entry.files.bin.name].find((name) => !offered.has(name));
    if (missing !== undefined) {
      throw new TypeError(`Expected every source of ${entry.name} to have ${missing} but received one without it`);
    }
  }
  return entry;
}
