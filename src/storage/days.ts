import { isBatchId } from '../contracts/ids.ts';
import { BATCHES } from './keys.ts';
import type { Store } from './store.ts';

/** Days (`2026-11-22`) on which batches were made, oldest first, up to the day of `until` (epoch milliseconds). */
export async function* daysUpTo(store: Store, until: number): AsyncGenerator<string> {
  const last = new Date(until).toISOString().slice(0, 10);
  for (const year of await store.list(BATCHES)) {
    for (const month of await store.list(`${BATCHES}/${year}`)) {
      for (const date of await store.list(`${BATCHES}/${year}/${month}`)) {
        const day = `${year}-${month}-${date}`;
        if (day > last) return;
        yield day;
      }
    }
  }
}

export async function batchesOfDay(store: Store, day: string): Promise<string[]> {
  return (await store.list(`${BATCHES}/${day.replaceAll('-', '/')}`)).filter(isBatchId);
}
