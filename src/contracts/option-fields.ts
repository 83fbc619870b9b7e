import { z } from 'zod';
import {
  denoiseSchema,
  FACE_MODES,
  faceSchema,
  fidelitySchema,
  METADATA_POLICIES,
  metadataSchema,
  OUTPUT_FORMATS,
  outputFormatSchema,
  outputQualitySchema,
  QUALITY_LEVELS,
  qualityLevelSchema,
  SCALES,
  scaleSchema,
  sharpenSchema,
  strengthSchema,
  TARGET_SIDE,
  targetHeightSchema,
  targetWidthSchema,
  TILE_SIZE,
  tileSizeSchema,
  type EnhanceOptions,
} from './options.ts';

/** The options of a batch under the names that HTTP, the command line and answers use; the one place that knows both. */

/** How a schema that also takes texts looks from outside, in the OpenAPI document. */
const shown = <T extends z.ZodType>(schema: T, openapi: Record<string, unknown>) =>
  schema.meta({ openapi: { ...openapi, description: schema.description } });

const choice = (values: readonly string[]) => ({ type: 'string', enum: [...values] });
const integer = ({ min, max }: { min: number; max: number }) => ({ type: 'integer', minimum: min, maximum: max });
const FRACTION = { type: 'number', minimum: 0, maximum: 1 };

export const optionFields = {
  quality_level: shown(qualityLevelSchema, choice(QUALITY_LEVELS)).optional(),
  tile_size: shown(tileSizeSchema, integer(TILE_SIZE)).optional(),
  scale: shown(scaleSchema, { type: 'integer', enum: [...SCALES] }).optional(),
  width: shown(targetWidthSchema, integer(TARGET_SIDE)).optional(),
  height: shown(targetHeightSchema, integer(TARGET_SIDE)).optional(),
  output_format: shown(outputFormatSchema, choice(OUTPUT_FORMATS)).optional(),
  output_quality: shown(outputQualitySchema, integer({ min: 1, max: 100 })).optional(),
  metadata: shown(metadataSchema, choice(METADATA_POLICIES)).optional(),
  denoise: shown(denoiseSchema, FRACTION).optional(),
  strength: shown(strengthSchema, FRACTION).optional(),
  sharpen: shown(sharpenSchema, FRACTION).optional(),
  face: shown(faceSchema, choice(FACE_MODES)).optional(),
  fidelity: shown(fidelitySchema, FRACTION).optional(),
} as const;

/** JSON has numbers: a text is none there. */
const typed = <T extends z.ZodType<unknown, string | number>>(schema: T, openapi: Record<string, unknown>) =>
  z
    .union([z.string(), z.number()], { error: 'must be a number' })
    .refine((value): boolean => typeof value === 'number', 'must be a number')
    .pipe(schema)
    .meta({ openapi: { ...openapi, description: schema.description } })
    .optional();

/** The same in a body of JSON. */
export const jsonOptionFields = {
  ...optionFields,
  tile_size: typed(tileSizeSchema, integer(TILE_SIZE)),
  scale: typed(scaleSchema, { type: 'integer', enum: [...SCALES] }),
  width: typed(targetWidthSchema, integer(TARGET_SIDE)),
  height: typed(targetHeightSchema, integer(TARGET_SIDE)),
  output_quality: typed(outputQualitySchema, integer({ min: 1, max: 100 })),
  denoise: typed(denoiseSchema, FRACTION),
  strength: typed(strengthSchema, FRACTION),
  sharpen: typed(sharpenSchema, FRACTION),
  fidelity: typed(fidelitySchema, FRACTION),
} as const;

/** What was asked for; anything may be left out. */
export const askedOptionsSchema = z.object(optionFields);
export type AskedOptions = z.infer<typeof askedOptionsSchema>;

/** Completes what was asked for. */
export function optionsFrom(
  fields: AskedOptions,
  defaults: { readonly quality: EnhanceOptions['quality']; readonly tileSize: number },
): EnhanceOptions {
  return {
    quality: fields.quality_level ?? defaults.quality,
    tileSize: fields.tile_size ?? defaults.tileSize,
    scale: fields.scale ?? 4,
    targetWidth: fields.width ?? null,
    targetHeight: fields.height ?? null,
    format: fields.output_format ?? 'same',
    outputQuality: fields.output_quality ?? null,
    metadata: fields.metadata ?? 'keep',
    denoise: fields.denoise ?? null,
    strength: fields.strength ?? 1,
    sharpen: fields.sharpen ?? 0,
    face: fields.face ?? 'auto',
    fidelity: fields.fidelity ?? 0.5,
  };
}

/** The options of a batch as answers show them. */
export const shownOptionsSchema = z.object({
  quality_level: z.enum(QUALITY_LEVELS),
  tile_size: z.int(),
  scale: z.int().nullable().describe('Null when a width or height was asked for instead.'),
  width: z.int().nullable(),
  height: z.int().nullable(),
  output_format: z.enum(OUTPUT_FORMATS),
  output_quality: z.int().nullable(),
  metadata: z.enum(METADATA_POLICIES),
  denoise: z.number().nullable(),
  strength: z.number(),
  sharpen: z.number(),
  face: z.enum(FACE_MODES),
  fidelity: z.number(),
});

export function showOptions(options: EnhanceOptions): z.infer<typeof shownOptionsSchema> {
  const { targetWidth, targetHeight } = options;
  return {
    quality_level: options.quality,
    tile_size: options.tileSize,
    scale: targetWidth === null && targetHeight === null ? options.scale : null,
    width: targetWidth,
    height: targetHeight,
    output_format: options.format,
    output_quality: options.outputQuality,
    metadata: options.metadata,
    denoise: options.denoise,
    strength: options.strength,
    sharpen: options.sharpen,
    face: options.face,
    fidelity: options.fidelity,
  };
}
