import { z } from 'zod';
import { DarkroomError } from './errors.ts';
import { facesMadeSchema } from './faces.ts';
import { QUALITY_LEVELS, type QualityLevel } from './options.ts';

const sizeSchema = z.object({ width: z.int(), height: z.int() });

/** The steps that led from the photo's pixels to the result's, in order. */
const recipeStepSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('network'), from: sizeSchema, to: sizeSchema, tiles: z.int() }),
  z.object({ kind: z.literal('resample'), from: sizeSchema, to: sizeSchema, kernel: z.literal('lanczos3') }),
  /** The result so far counts for `strength`, the photo itself resampled to the same size for the rest. */
  z.object({ kind: z.literal('blend'), strength: z.number(), kernel: z.literal('lanczos3') }),
]);
export type RecipeStep = z.infer<typeof recipeStepSchema>;

/** What was measured on the result. */
export const measuresSchema = z.object({
  /**
   * How much the picture bends across the lines where tiles meet, relative to lines beside them: 1 is no difference.
   * Null where there are no seams, or where all is flat.
   */
  seam: z.number().nullable(),
});
export type Measures = z.infer<typeof measuresSchema>;

/** What the engine says of how it made a photo. Absent in the outcomes of older versions. */
export const makingSchema = z.object({
  steps: z.array(recipeStepSchema),
  /** The steps in a sentence. */
  summary: z.string(),
  /** Bits a channel in the network, and on all the way from the photo. */
  depth: z.union([z.literal(8), z.literal(16)]),
  /** Said where the network was computed in 16-bit floats, as on graphics processors. */
  precision: z.literal('half').optional(),
  /** Share of the network as trained, the rest is that of its twin that keeps grain; null without one. */
  denoise: z.number().nullable(),
  measures: measuresSchema,
  /** Absent where restoring faces was off. */
  faces: facesMadeSchema.optional(),
});
export type Making = z.infer<typeof makingSchema>;

/** How one photo was really made: the model that served the level, and the options that shaped the pixels. */
export const recipeSchema = z.object({
  quality: z.enum(QUALITY_LEVELS),
  model: z.string(),
  /** SHA-256 of the weights, so that a result can be traced to them. */
  weights: z.string(),
  tileSize: z.int(),
  overlap: z.int(),
  /** How many times wider the result is. */
  scale: z.number(),
  /** Execution provider the network ran on. */
  device: z.string(),
  ...makingSchema.partial().shape,
});
export type Recipe = z.infer<typeof recipeSchema>;

/** Which network a quality level wants first, second, …; only networks for photos are listed. */
const LEVEL_MODELS: Record<QualityLevel, readonly string[]> = {
  high: ['realesrgan-x4plus', 'realesrgan-x4plus-int8', 'realesr-general-x4v3', 'darkroom-fast-x4'],
  medium: ['realesrgan-x4plus-int8', 'realesrgan-x4plus', 'realesr-general-x4v3', 'darkroom-fast-x4'],
  fast: [
    'darkroom-fast-x4-int8',
    'darkroom-fast-x4',
    'realesr-general-x4v3',
    'realesrgan-x4plus-int8',
    'realesrgan-x4plus',
  ],
};

/** The network whose strength of denoising can be chosen: it takes the fast level's photos that ask for one. */
const DENOISER = 'realesr-general-x4v3';

export interface LevelChoice {
  readonly quality: QualityLevel;
  readonly model: string;
  /** Set when the answer must say that the level does not do what its name promises. */
  readonly notice?: string;
}

export interface Levels {
  readonly choices: Readonly<Record<QualityLevel, LevelChoice>>;
  /** Sentences for the log, `/health` and the start page; empty when every level is served as named. */
  readonly notices: readonly string[];
}

/** The model a level wants when everything is installed. */
export const preferredModel = (quality: QualityLevel): string => {
  const [first] = LEVEL_MODELS[quality];
  if (first === undefined) throw new RangeError(`Expected a model for ${quality}`);
  return first;
};

/**
 * Which network serves a level, given what is installed. A missing network is replaced by the nearest for photos, and
 * levels that do the same say so.
 * @throws DarkroomError `model_missing` when nothing installed can serve photos.
 */
export function chooseModel(quality: QualityLevel, installed: ReadonlySet<string>, denoise = false): LevelChoice {
  if (denoise && quality === 'fast' && installed.has(DENOISER)) return { quality, model: DENOISER };
  const wanted = LEVEL_MODELS[quality];
  const model = wanted.find((name) => installed.has(name));
  if (model === undefined) {
    throw new DarkroomError('model_missing', `No model for quality_level "${quality}" is installed on this worker.`);
  }
  if (model !== wanted[0]) {
    return {
      quality,
      model,
      notice: `quality_level "${quality}" is served by ${model}, because ${wanted[0]} is not installed.`,
    };
  }
  const twins = QUALITY_LEVELS.filter((other) => preferredModel(other) === model);
  if (twins.length === 1) return { quality, model };
  return { quality, model, notice: `quality_level "${twins.join('" and "')}" do the same for now: both use ${model}.` };
}

/** {@link chooseModel} for every level; `undefined` when no network for photos is installed. */
export function chooseLevels(installed: ReadonlySet<string>): Levels | undefined {
  if (![...new Set(Object.values(LEVEL_MODELS).flat())].some((name) => installed.has(name))) return undefined;
  const choices = {
    fast: chooseModel('fast', installed),
    medium: chooseModel('medium', installed),
    high: chooseModel('high', installed),
  };
  return { choices, notices: [...new Set(QUALITY_LEVELS.flatMap((level) => choices[level].notice ?? []))] };
}
