import { DarkroomError } from '../contracts/errors.ts';
import type { FaceEntry, ModelEntry } from '../contracts/models.ts';
import { readCatalogue } from '../models/catalogue.ts';
import { installFaceModel } from '../models/face-models.ts';
import { installModel, type InstallStep } from '../models/install-model.ts';
import type { Invocation } from './invocation.ts';
import { downloadBar } from './terminal.ts';

/**
 * Installs the networks of a plain start. One that cannot be had is told of and done without, as long as there is another
 * for photos.
 * @returns notices for the person who started.
 * @throws DarkroomError of the first failure when no network for photos is there; `storage_full` at once.
 */
export async function fetchDefaultModels(invocation: Invocation, signal: AbortSignal): Promise<string[]> {
  const wanted = (await readCatalogue()).filter((entry) => entry.default);
  const notices: string[] = [];
  let firstFault: DarkroomError | undefined;
  let usable = false;
  for (const entry of wanted) {
    try {
      await fetchModel(invocation, entry, signal);
      usable ||= entry.role === 'photo';
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof DarkroomError) || error.code === 'storage_full') throw error;
      firstFault ??= error;
      notices.push(`The model "${entry.title}" is missing. ${error.message} ${error.definition.hint}`);
    }
  }
  if (usable || firstFault === undefined) return notices;
  for (const notice of notices) invocation.terminal.line(notice);
  throw new DarkroomError('model_missing', 'No model for photos could be installed.', { cause: firstFault });
}

/** Installs one network with a line or a bar for each step. @returns where it came from. */
export async function fetchModel(
  { loaded, terminal }: Invocation,
  entry: ModelEntry | FaceEntry,
  signal: AbortSignal,
): Promise<string> {
  const showDownload = downloadBar(terminal);
  const onStep = (step: InstallStep): void => {
    if (step.kind === 'fetching') showDownload(`the model ${step.what}`, step);
    else if (step.kind === 'converting') terminal.line(`Preparing the model ${step.what}.`);
  };
  const installation = {
    cacheDir: loaded.config.CACHE_DIR,
    mirrorDir: loaded.config.MODEL_MIRROR,
    environment: loaded.environment,
    signal,
    onStep,
  };
  const { from } = isForFaces(entry)
    ? await installFaceModel(entry, installation)
    : await installModel(entry, installation);
  return from;
}

export const isForFaces = (entry: ModelEntry | FaceEntry): entry is FaceEntry => 'onnx' in entry.files;
