import { z } from 'zod';
import { parseS3Folder } from '../s3-place.ts';

/** What a setting is, and the kinds of value that settings have. */

export interface Setting<T extends z.ZodType = z.ZodType> {
  readonly schema: T;
  /** What is used when the variable is not set, written as it would be in the environment. */
  readonly default: string;
  readonly doc: string;
  readonly group: string;
  readonly secret?: boolean;
}

/** @returns what writes down one setting of the group: parser, default and one line of documentation. */
export const settingOf =
  (group: string) =>
  <T extends z.ZodType>(schema: T, fallback: string, doc: string, secret = false): Setting<T> => ({
    schema,
    default: fallback,
    doc,
    group,
    ...(secret ? { secret } : {}),
  });

export const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max));
export const flag = z.enum(['true', 'false'], { error: 'must be true or false' }).transform((text) => text === 'true');
export const text = z.string();
export const list = z.string().transform((joined) =>
  joined
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);
/** Empty: none. */
export const httpAddress = z.union([
  z.literal(''),
  z.url({ protocol: /^https?$/, error: 'must be an http(s) address' }),
]);

export const s3Folders = list.pipe(
  z.array(
    z.string().refine((address) => parseS3Folder(address) !== undefined, {
      error: 'must be places in buckets such as s3://bucket/prefix',
    }),
  ),
);

export const MiB = 1024 * 1024;
