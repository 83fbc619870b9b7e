import { z } from 'zod';

/** What a client may ask of the enhancement of a photo; names and ranges of the HTTP contract. */

export const QUALITY_LEVELS = ['fast', 'medium', 'high'] as const;
export type QualityLevel = (typeof QUALITY_LEVELS)[number];

export const TILE_SIZE = { min: 256, max: 512, default: 400 } as const;

/** Accepts what a query string or a form carries ("400") as well as a JSON number. */
const wholeNumber = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^\d{1,9}$/, 'must be a whole number')
      .transform(Number),
  ])
  .pipe(z.int());

export const tileSizeSchema = wholeNumber
  .pipe(
    z
      .int()
      .min(TILE_SIZE.min, `must be from ${TILE_SIZE.min} to ${TILE_SIZE.max}`)
      .max(TILE_SIZE.max, `must be from ${TILE_SIZE.min} to ${TILE_SIZE.max}`),
  )
  .describe('Largest side of a tile, in pixels of the photo. A ceiling: tiles are cut equal and may be smaller.');

export const qualityLevelSchema = z.enum(QUALITY_LEVELS).describe('`high` looks best, `fast` is quickest.');

export const scaleSchema = wholeNumber
  .pipe(z.union([z.literal(2), z.literal(4)], { error: 'must be 2 or 4' }))
  .describe('How many times wider and taller the result is. 2 is the 4x network followed by a Lanczos reduction.');

/** The options of one batch, all present. */
export const enhanceOptionsSchema = z.strictObject({
  quality: qualityLevelSchema,
  tileSize: tileSizeSchema,
  scale: scaleSchema,
});
export type EnhanceOptions = z.infer<typeof enhanceOptionsSchema>;
