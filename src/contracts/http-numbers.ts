import { z } from 'zod';

/** Numbers as the HTTP contract says them. */

export const epochSeconds = z.number().nonnegative().describe('Seconds since 1970-01-01 UTC, with fractions.');
export const seconds = z.number().nonnegative();
export const share = z.number().min(0).max(1);
export const count = z.int().nonnegative();
