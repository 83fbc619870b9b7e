import type { z } from 'zod';
import { DarkroomError } from '../contracts/errors.ts';
import type { Store } from './store.ts';

/** JSON records in a store, checked against their schema as they are read. */

/** A damaged record: `key` says which, for those who look after the store. */
export class UnreadableRecord extends DarkroomError {
  readonly key: string;

  constructor(key: string, cause: unknown) {
    super('storage_unavailable', 'The journal holds a record that cannot be read.', { cause });
    this.key = key;
  }
}

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

/** @throws UnreadableRecord when it is no JSON, or not of this shape. */
export async function readRecord<T>(store: Store, key: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const bytes = await store.read(key);
  if (bytes === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new UnreadableRecord(key, error);
  }
}

/** For listings: `undefined` in place of what depends on a damaged record, which `onUnreadable` hears of. */
export async function leaveOutUnreadable<T>(
  reading: Promise<T>,
  onUnreadable: (record: UnreadableRecord) => void,
): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof UnreadableRecord)) throw error;
    onUnreadable(error);
    return undefined;
  }
}
