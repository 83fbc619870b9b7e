import { DarkroomError } from '../contracts/errors.ts';
import type { FaceEntry, ModelEntry } from '../contracts/models.ts';
import { readCatalogue, readFaceCatalogue } from '../models/catalogue.ts';
import { inspectFaceModel } from '../models/face-models.ts';
import { inspectModels } from '../models/installed-models.ts';
import { verifyFaceModel, verifyModel } from '../models/verify-model.ts';
import { fetchModel, isForFaces } from './fetch-models.ts';
import type { Invocation } from './invocation.ts';
import { listenForStop } from './stop-signals.ts';
import { megabytes } from './terminal.ts';

/** `darkroom models …`: lists go to standard output, the story of what happens to the terminal. Each answers an exit code. */

export async function listModels({ loaded }: Invocation): Promise<number> {
  const { CACHE_DIR } = loaded.config;
  const faces = (await readFaceCatalogue()).map((entry) => inspectFaceModel(CACHE_DIR, entry));
  const states = [...(await inspectModels(CACHE_DIR, await readCatalogue())), ...(await Promise.all(faces))];
  for (const { entry, state } of states) {
    const weight = megabytes('onnx' in entry.files ? entry.files.onnx.bytes : entry.files.bin.bytes);
    print(
      `${entry.name.padEnd(28)} ${state.padEnd(10)} ${weight.padStart(8)}  ${entry.role.padEnd(13)} ${entry.licence.spdx}`,
    );
  }
  return 0;
}

/** Installs the named networks, or those of a plain start. A failure does not keep the others from being fetched. */
export async function pullModels(names: readonly string[], invocation: Invocation): Promise<number> {
  const { terminal } = invocation;
  const entries = await chooseEntries(names, (entry) => entry.default);
  const stop = listenForStop({ onSecond: () => process.exit(130), followParent: invocation.byNpm });
  let failed = 0;
  try {
    for (const entry of entries) {
      try {
        const from = await fetchModel(invocation, entry, stop.signal);
        terminal.line(`${entry.name}: ${SOURCES[from] ?? from}.`);
      } catch (error) {
        if (stop.signal.aborted) return 130;
        if (!(error instanceof DarkroomError)) throw error;
        terminal.endBar();
        terminal.line(`${entry.name}: ${error.message} ${error.definition.hint}`);
        failed += 1;
      }
    }
  } finally {
    stop.release();
  }
  return failed === 0 ? 0 : 1;
}

/** Checks the named networks, or all that are installed, from their bytes to the picture they make. */
export async function verifyModels(names: readonly string[], { loaded }: Invocation): Promise<number> {
  const all = await chooseEntries(names, () => true);
  let failed = 0;
  for (const entry of all) {
    const { CACHE_DIR } = loaded.config;
    const { state, ok, detail } = isForFaces(entry)
      ? await verifyFaceModel(entry, CACHE_DIR)
      : await verifyModel(entry, CACHE_DIR);
    if (state === 'missing' && names.length === 0) continue;
    if (!ok) failed += 1;
    print(`${ok ? 'ok    ' : 'FAILED'} ${entry.name}: ${detail}`);
  }
  return failed === 0 ? 0 : 1;
}

const SOURCES: Readonly<Record<string, string>> = {
  installed: 'is installed already',
  included: 'installed from the package itself',
  kept: 'installed from what was fetched before',
  mirror: 'installed from the mirror',
  network: 'fetched and installed',
};

const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function chooseEntries(
  names: readonly string[],
  byDefault: (entry: ModelEntry | FaceEntry) => boolean,
): Promise<(ModelEntry | FaceEntry)[]> {
  const catalogue = [...(await readCatalogue()), ...(await readFaceCatalogue())];
  if (names.length === 0) return catalogue.filter(byDefault);
  return names.map((name) => {
    const entry = catalogue.find((one) => one.name === name);
    if (entry !== undefined) return entry;
    throw new DarkroomError(
      'not_found',
      `There is no model "${name}"; there are ${catalogue.map((one) => one.name).join(', ')}.`,
    );
  });
}
