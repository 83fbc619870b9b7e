import { momentOf } from '../contracts/ids.ts';
import type { RetentionActivities } from '../contracts/retention.ts';
import type { Journal } from '../storage/journal.ts';
import { batchesOfDay, daysUpTo } from '../storage/days.ts';
import { expiredDayKey, resultsPrefix, uploadsPrefix } from '../storage/keys.ts';
import type { Store } from '../storage/store.ts';
import { withTypedFailures } from './failures.ts';

export interface RetentionDependencies {
  readonly store: Store;
  readonly journal: Journal;
  readonly now: () => number;
  readonly retentionMs: number;
  /** True while a workflow works on the batch: one that is paused for weeks is not expired under its hands. */
  readonly isOpen: (batchId: string) => Promise<boolean>;
}

/** Activities of the retention clock: task queue `io`. */
export function createRetentionActivities(deps: RetentionDependencies): RetentionActivities {
  const { store, journal, now } = deps;
  return {
    findExpired: ({ limit }) =>
      withTypedFailures(async () => {
        const batchIds: string[] = [];
        const deadline = now() - deps.retentionMs;
        for await (const day of daysUpTo(store, deadline)) {
          const found = await expiredOfDay(deps, day, deadline);
          batchIds.push(...found.batchIds.slice(0, limit - batchIds.length));
          if (batchIds.length >= limit) break;
          if (found.finished) await store.write(expiredDayKey(day), new Uint8Array());
        }
        return { batchIds };
      }),

    expireBatch: ({ batchId }) =>
      withTypedFailures(async () => {
        let removed = 0;
        for (const prefix of [resultsPrefix(batchId), uploadsPrefix(batchId)]) {
          for (const page of await store.list(prefix)) {
            removed += (await store.list(`${prefix}/${page}`)).length;
            await store.removeAll(`${prefix}/${page}`);
          }
        }
        // The mark comes last: a crash before it only means that the rest is removed next time.
        await journal.markExpired(batchId, { at: now() });
        return { removed };
      }),
  };
}

/** Batches of a day whose time is over. `finished` when none of that day will ever expire again. */
async function expiredOfDay(
  { store, journal, isOpen }: RetentionDependencies,
  day: string,
  deadline: number,
): Promise<{ batchIds: string[]; finished: boolean }> {
  const batchIds: string[] = [];
  let finished = true;
  if (await store.stat(expiredDayKey(day))) return { batchIds, finished };
  for (const batchId of await batchesOfDay(store, day)) {
    if (await journal.expired(batchId)) continue;
    finished = false;
    // An upload that broke off left a batch without header or summary: its ID tells when.
    const since = (await journal.summary(batchId))?.closedAt ?? momentOf(batchId);
    if (since > deadline || (await isOpen(batchId))) continue;
    batchIds.push(batchId);
  }
  return { batchIds, finished };
}
