import { seenClosedSchema } from '../contracts/retention.ts';
import { readRecord, writeRecord } from './json-records.ts';
import { seenClosedKey } from './keys.ts';
import type { Store } from './store.ts';

/** The mark of a batch that was found closed though nothing tells when that was. Times are epoch milliseconds. */

export async function firstSeenClosed(store: Store, batchId: string): Promise<number | undefined> {
  return (await readRecord(store, seenClosedKey(batchId), seenClosedSchema))?.at;
}

export async function noteSeenClosed(store: Store, batchId: string, at: number): Promise<void> {
  await writeRecord(store, seenClosedKey(batchId), { at });
}

/** Somebody works on the batch again: its time begins anew when that is over. */
export async function forgetSeenClosed(store: Store, batchId: string): Promise<void> {
  await store.remove(seenClosedKey(batchId));
}
