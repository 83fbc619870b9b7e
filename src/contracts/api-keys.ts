import { z } from 'zod';

/** Keys of the API as they are kept: never the key itself, only what it hashes to, whose it is, and what it may do. */

/** `read` what is the tenant's; `submit` photos; `control` what was submitted, undoing included; `admin` all of it, and metrics. */
export const SCOPES = ['read', 'submit', 'control', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

const TENANT = /^[a-z0-9][a-z0-9._-]{0,62}$/;
export const tenantName = z
  .string()
  .regex(TENANT, 'must be 1 to 63 of a-z, 0-9, ".", "_", "-", beginning with a letter or digit');

export const apiKeySchema = z.object({
  /** Names the key for people; says nothing about it. */
  id: z.string(),
  tenant: tenantName,
  scopes: z.array(z.enum(SCOPES)).min(1),
  /** Of the key, in hexadecimal. Keys are 160 random bits: a slow hash would add nothing. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Epoch milliseconds. */
  createdAt: z.number(),
  /** Set when it is no longer good; it stays in the file, so that a file of revoked keys never opens the server to everybody. */
  revokedAt: z.number().optional(),
});
export type ApiKey = z.infer<typeof apiKeySchema>;

export const keysFileSchema = z.object({ keys: z.array(apiKeySchema) });
export type KeysFile = z.infer<typeof keysFileSchema>;
