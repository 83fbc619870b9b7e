import { z } from 'zod';
import { SCOPES } from './api-keys.ts';

/** Sessions of the page: an API key as a cookie that no script can read, because pictures and downloads of a browser carry no headers. */

export const SESSION_COOKIE = 'darkroom_session';

export const sessionRequestSchema = z.strictObject({
  key: z
    .string()
    .regex(/^[!-~]{1,512}$/, 'must be an API key')
    .describe('An API key.'),
});

export const sessionSchema = z.object({
  active: z.boolean().describe('Whether the browser has a session now.'),
});
export type SessionAnswer = z.infer<typeof sessionSchema>;

export const rightsSchema = sessionSchema.extend({
  scopes: z.array(z.enum(SCOPES)).describe('What the key of the request may do; everything where no key is wanted.'),
});
export type RightsAnswer = z.infer<typeof rightsSchema>;
