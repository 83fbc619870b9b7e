import { asDarkroomError } from '../contracts/errors.ts';
import type { FaceEntry, ModelEntry } from '../contracts/models.ts';
import { MODELS_DIR } from './catalogue.ts';
import { compareWithReference, requireLikeness, type GraphCheck } from './check-graph.ts';
import { inspectFaceModel, requireFaceContract } from './face-models.ts';
import { inspectModel, type ModelState } from './installed-models.ts';

export interface Verification {
  readonly entry: ModelEntry;
  readonly state: ModelState['state'];
  /** True only for a network that is whole and reproduces its reference picture. */
  readonly ok: boolean;
  /** One sentence for a person. */
  readonly detail: string;
  readonly check?: GraphCheck;
}

/** Checks an installed network from the bytes of its graph to the picture it makes; never throws for what it finds. */
export async function verifyModel(
  entry: ModelEntry,
  cacheDir: string,
  modelsDir: string = MODELS_DIR,
): Promise<Verification> {
  const found = await inspectModel(cacheDir, entry);
  if (found.state !== 'installed') return { entry, state: found.state, ok: false, detail: sentence(found) };
  try {
    const check = await compareWithReference(found.model.graphPath, entry, modelsDir);
    requireLikeness(check, entry);
    const percent = (check.pixelsOff * 100).toFixed(3);
    const detail = `It reproduces its reference picture: ${percent} % of the pixels differ, by at most ${check.maxDifference} of 255 levels.`;
    return { entry, state: found.state, ok: true, detail, check };
  } catch (error) {
    return { entry, state: found.state, ok: false, detail: asDarkroomError(error).message };
  }
}

/** The same for a model for faces: its bytes, and that it takes and gives what its role promises. */
export async function verifyFaceModel(entry: FaceEntry, cacheDir: string): Promise<Omit<Verification, 'entry'>> {
  const found = await inspectFaceModel(cacheDir, entry);
  const { state } = found;
  if (found.state !== 'installed') {
    const damaged = 'It is damaged: it is not what was installed.';
    return { state, ok: false, detail: state === 'damaged' ? damaged : 'It is not installed.' };
  }
  try {
    await requireFaceContract(entry, found.model.graphPath);
    return { state, ok: true, detail: `It has its published checksum and is a ${entry.role}.` };
  } catch (error) {
    return { state, ok: false, detail: asDarkroomError(error).message };
  }
}

function sentence(found: Exclude<ModelState, { state: 'installed' }>): string {
  if (found.state === 'damaged') return `It is damaged: ${found.problem}.`;
  if (found.state === 'missing') return 'It is not installed.';
  return 'It was made by another version of Darkroom and has to be converted again.';
}
