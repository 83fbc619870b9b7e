import type { z } from 'zod';
import { DarkroomError } from '../contracts/errors.ts';
import type { Store } from './store.ts';

/** JSON records in a store, checked against their schema as they are read. */

const encode = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);

/** Writes a record; with `onlyIfAbsent` it answers false, and changes nothing, when there is one already. */
export async function writeRecord(
  store: Store,
  key: string,
  value: unknown,
  options: { onlyIfAbsent?: boolean } = {},
): Promise<boolean> {
  return (await store.write(key, encode(value), options)) !== undefined;
}

export async function readRecord<T>(store: Store, key: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const bytes = await store.read(key);
  if (bytes === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new DarkroomError('storage_unavailable', 'The journal holds a record that cannot be read.', { cause: error });
  }
}
