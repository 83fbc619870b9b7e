import { isBatchId } from '../contracts/ids.ts';
import { BATCHES } from './keys.ts';
import type { Store } from './store.ts';

const DAY_MS = 86_400_000;

/** The day (`2026-11-22`, UTC) of a moment in epoch milliseconds. */
export const dayAt = (moment: number): string => new Date(moment).toISOString().slice(0, 10);

/** The first moment after a day, epoch milliseconds. */
export const endOfDay = (day: string): number => Date.parse(`${day}T00:00:00Z`) + DAY_MS;

/** Days (`2026-11-22`) on which batches were made, oldest first, up to the day of `until` (epoch milliseconds). */
export async function* daysUpTo(store: Store, until: number): AsyncGenerator<string> {
  const last = dayAt(until);
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
