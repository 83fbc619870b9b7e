import { z } from 'zod';

/** Small pictures for looking through many photos. */

export const THUMBNAIL_SIDES = [320, 1600, 4096] as const;

export const thumbnailQuerySchema = z.object({
  of: z
    .enum(['result', 'original'], { error: 'must be result or original' })
    .describe('What is shown; the result unless said.')
    .optional(),
  side: z
    .enum(['320', '1600', '4096'], { error: `must be ${THUMBNAIL_SIDES.join(' or ')}` })
    .transform(Number)
    .meta({
      openapi: { type: 'integer', enum: [...THUMBNAIL_SIDES], description: 'Longer side at most; 320 unless said.' },
    })
    .optional(),
});
export type ThumbnailQuery = z.infer<typeof thumbnailQuerySchema>;
