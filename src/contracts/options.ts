import { z } from 'zod';

/** What a client may ask of the enhancement of a photo; names and ranges of the HTTP contract. */

export const QUALITY_LEVELS = ['fast', 'medium', 'high'] as const;
export type QualityLevel = (typeof QUALITY_LEVELS)[number];

export const TILE_SIZE = { min: 256, max: 512, default: 400 } as const;

/** Accepts what a query string or a form carries ("400") as well as a JSON number. */
const wholeNumber = z
  .union(
    [
      z.number(),
      z
        .string()
        .regex(/^\d{1,9}$/)
        .transform(Number),
    ],
    { error: 'must be a whole number' },
  )
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

/** Accepts a fraction as a query string or a form carries it ("0.5") as well as a JSON number. */
const fraction = z
  .union(
    [
      z.number(),
      z
        .string()
        .regex(/^(0|1|[01]?\.\d{1,6})$/)
        .transform(Number),
    ],
    {
      error: 'must be a number from 0 to 1',
    },
  )
  .pipe(z.number().min(0, 'must be from 0 to 1').max(1, 'must be from 0 to 1'));

export const SCALES = [1, 2, 3, 4, 8] as const;
export type Scale = (typeof SCALES)[number];

export const scaleSchema = wholeNumber
  .pipe(
    z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4), z.literal(8)], {
      error: 'must be 1, 2, 3, 4 or 8',
    }),
  )
  .describe(
    'How many times wider and taller the result is; 4 unless said. 1 restores without enlarging. The networks enlarge 4 times: less is a Lanczos reduction of that, 8 is a second pass.',
  );

export const TARGET_SIDE = { min: 1, max: 65_535 } as const;

const targetSideSchema = wholeNumber.pipe(
  z
    .int()
    .min(TARGET_SIDE.min, `must be from ${TARGET_SIDE.min} to ${TARGET_SIDE.max}`)
    .max(TARGET_SIDE.max, `must be from ${TARGET_SIDE.min} to ${TARGET_SIDE.max}`),
);
export const targetWidthSchema = targetSideSchema.describe(
  'Width of the result in pixels, instead of a scale. With `height` as well, the photo is fitted inside both; proportions are kept.',
);
export const targetHeightSchema = targetSideSchema.describe('Height of the result in pixels, instead of a scale.');

export const OUTPUT_FORMATS = ['same', 'jpeg', 'png', 'webp', 'avif', 'tiff'] as const;
export const outputFormatSchema = z
  .enum(OUTPUT_FORMATS)
  .describe('Format of the result. `same` is that of the photo, or PNG where that cannot be written.');

export const outputQualitySchema = wholeNumber
  .pipe(z.int().min(1, 'must be from 1 to 100').max(100, 'must be from 1 to 100'))
  .describe("Quality of a JPEG, WebP or AVIF result, 1 to 100; the format's own default unless said.");

export const METADATA_POLICIES = ['keep', 'privacy', 'strip'] as const;
export const metadataSchema = z
  .enum(METADATA_POLICIES)
  .describe(
    '`keep` copies EXIF, XMP, IPTC and the colour profile; `privacy` removes places and serial numbers; `strip` removes all but the profile.',
  );

export const denoiseSchema = fraction.describe(
  'How much noise is removed, 0 to 1. Only networks with a denoising twin can choose; others say so.',
);
export const strengthSchema = fraction.describe(
  'Blend with the merely enlarged original: 0 is that, 1 is the network alone.',
);
export const sharpenSchema = fraction.describe('Sharpening after the network, 0 to 1; off unless asked for.');

export const FACE_MODES = ['off', 'auto', 'on'] as const;
export const faceSchema = z
  .enum(FACE_MODES)
  .describe('Restoring faces: `auto` does it where a face restorer is installed, `on` fails without one.');
export const fidelitySchema = fraction.describe('How close a restored face stays to the original: 1 changes least.');

/** The options of one batch, all present. Those that came later have defaults, so that headers of older batches are read. */
export const enhanceOptionsSchema = z.strictObject({
  quality: qualityLevelSchema,
  tileSize: tileSizeSchema,
  scale: scaleSchema,
  /** Pixels of the result; when either is set, `scale` is not used. */
  targetWidth: targetWidthSchema.nullable().default(null),
  targetHeight: targetHeightSchema.nullable().default(null),
  format: outputFormatSchema.default('same'),
  outputQuality: outputQualitySchema.nullable().default(null),
  metadata: metadataSchema.default('keep'),
  /** `null`: the network as it was trained. */
  denoise: denoiseSchema.nullable().default(null),
  strength: strengthSchema.default(1),
  sharpen: sharpenSchema.default(0),
  face: faceSchema.default('auto'),
  fidelity: fidelitySchema.default(0.5),
});
export type EnhanceOptions = z.infer<typeof enhanceOptionsSchema>;
