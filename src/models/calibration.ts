import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { DarkroomError } from '../contracts/errors.ts';
import type { ModelEntry } from '../contracts/models.ts';

/** What one code of 8 bits is worth in each channel of a value of the network, by the value's name. */
export type CalibrationSteps = (name: string) => readonly number[];

/** Made by `models/calibrate/` from photographs, kept in the package. */
const calibrationSchema = z.object({
  network: z.string(),
  /** SHA-256 of the weights that it was measured with. */
  weights: z.string(),
  steps: z.record(z.string(), z.array(z.number().positive())),
});

/**
 * The steps of an entry that runs in 8 bits; undefined for all others.
 * @throws DarkroomError `model_corrupt` when the package's file is not the one that the catalogue pins.
 */
export async function readCalibration(entry: ModelEntry, modelsDir: string): Promise<CalibrationSteps | undefined> {
  if (entry.int8 === undefined) return undefined;
  const { name, sha256 } = entry.int8.calibration;
  const content = await readFile(join(modelsDir, 'calibration', name)).catch((error: unknown) => {
    throw new DarkroomError('model_corrupt', `The calibration ${name} of ${entry.name} cannot be read.`, {
      cause: error,
    });
  });
  if (createHash('sha256').update(content).digest('hex') !== sha256) {
    throw new DarkroomError('model_corrupt', `The calibration ${name} of ${entry.name} is not what is pinned.`);
  }
  const { weights, steps } = calibrationSchema.parse(JSON.parse(content.toString()));
  if (weights !== entry.files.bin.sha256) {
    throw new DarkroomError('model_corrupt', `The calibration ${name} was measured with other weights.`);
  }
  return (value) => {
    const found = steps[value];
    if (found === undefined) throw new DarkroomError('model_corrupt', `The calibration ${name} lacks ${value}.`);
    return found;
  };
}
