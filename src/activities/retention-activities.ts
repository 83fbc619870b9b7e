import { Context } from '@temporalio/activity';
import { momentOf, pageOf } from '../contracts/ids.ts';
import type { RetentionActivities } from '../contracts/retention.ts';
import type { Journal } from '../storage/journal.ts';
import { batchesOfDay, dayAt, daysUpTo, endOfDay } from '../storage/days.ts';
import { leaveOutUnreadable, type UnreadableRecord } from '../storage/json-records.ts';
import { expiredDayKey, resultsPrefix, uploadsPrefix } from '../storage/keys.ts';
import { firstSeenClosed, forgetSeenClosed, noteSeenClosed } from '../storage/seen-closed.ts';
import type { Store } from '../storage/store.ts';
import { withTypedFailures } from './failures.ts';

/** What Temporal knows of the latest workflow of a batch; times are epoch milliseconds. */
export interface Execution {
  readonly open: boolean;
  readonly closedAt: number | undefined;
}

export interface RetentionDependencies {
  readonly store: Store;
  readonly journal: Journal;
  readonly now: () => number;
  readonly retentionMs: number;
  /** `undefined` when Temporal has never heard of it, or has forgotten it. */
  readonly readExecution: (batchId: string) => Promise<Execution | undefined>;
}

/** Activities of the retention clock: task queue `io`. */
export function createRetentionActivities(deps: RetentionDependencies): RetentionActivities {
  const { store, journal } = deps;
  return {
    findExpired: ({ limit }) =>
      withTypedFailures(async () => {
        const batchIds: string[] = [];
        const at = momentAgreedOn(deps);
        const deadline = at - deps.retentionMs;
        for await (const day of daysUpTo(store, deadline)) {
          const found = await expiredOfDay(deps, day, { at, deadline });
          batchIds.push(...found.batchIds.slice(0, limit - batchIds.length));
          if (batchIds.length >= limit) break;
          if (found.finished) await store.write(expiredDayKey(day), new Uint8Array());
        }
        return { batchIds };
      }),

    expireBatch: ({ batchId }) =>
      withTypedFailures(async () => {
        // Taken up again since it was found: it is found again when it is over.
        if ((await deps.readExecution(batchId))?.open) return { removed: 0 };
        let removed = 0;
        for (const prefix of [resultsPrefix(batchId), uploadsPrefix(batchId)]) {
          for (const page of await store.list(prefix)) {
            removed += (await store.list(`${prefix}/${page}`)).length;
            await store.removeAll(`${prefix}/${page}`);
          }
        }
        // The mark comes last: a crash before it only means that the rest is removed next time.
        await journal.markExpired(batchId, { at: momentAgreedOn(deps) });
        return { removed };
      }),
  };
}

/** One clock alone removes nothing: it may be far ahead. The earlier counts, of this host's and of Temporal's. */
const momentAgreedOn = ({ now }: RetentionDependencies): number =>
  Math.min(now(), Context.current().info.currentAttemptScheduledTimestampMs);

interface Look {
  /** The moment that counts as now. */
  readonly at: number;
  /** What was over before it is not kept any longer. */
  readonly deadline: number;
}

/** Batches of a day whose time is over. `finished` when none of that day will ever expire again. */
async function expiredOfDay(
  deps: RetentionDependencies,
  day: string,
  look: Look,
): Promise<{ batchIds: string[]; finished: boolean }> {
  const batchIds: string[] = [];
  const mark = await deps.store.stat(expiredDayKey(day));
  // One made before the day was over says nothing of the batches that came after it.
  if (mark && mark.modifiedAt > endOfDay(day)) return { batchIds, finished: false };
  let finished = day < dayAt(look.deadline);
  for (const batchId of await batchesOfDay(deps.store, day)) {
    const state = await leaveOutUnreadable(stateOf(deps, batchId, look), warnOfUnreadable);
    if (state !== 'expired') finished = false;
    if (state === 'over') batchIds.push(batchId);
  }
  return { batchIds, finished };
}

/** A damaged record keeps its own batch for good, and no other. */
const warnOfUnreadable = ({ key, cause }: UnreadableRecord): void =>
  Context.current().log.warn('a batch is not removed, because a record of it cannot be read', { key, error: cause });

/**
 * Counts from the end of the batch, and never from before its newest photo. Whoever closes a batch leaves a summary; of one
 * that was ended from outside Temporal knows when. Where neither tells (Temporal's database was lost, or this is another
 * one), the batch counts as closed from the moment at which it was first seen so.
 */
async function stateOf(
  deps: RetentionDependencies,
  batchId: string,
  { at, deadline }: Look,
): Promise<'kept' | 'over' | 'expired'> {
  const { store, journal } = deps;
  if (await journal.expired(batchId)) return 'expired';
  const closedAt = (await journal.summary(batchId))?.closedAt;
  const seenAt = await firstSeenClosed(store, batchId);
  if (Math.max(momentOf(batchId), closedAt ?? 0, seenAt ?? 0) > deadline) return 'kept';
  const execution = await deps.readExecution(batchId);
  if (execution?.open) {
    if (seenAt !== undefined) await forgetSeenClosed(store, batchId);
    return 'kept';
  }
  if (execution?.closedAt !== undefined) return execution.closedAt > deadline ? 'kept' : 'over';
  const newest = await newestOutcome(journal, batchId);
  // An upload that broke off left a batch without a header: nobody ever worked on it, and its ID tells when.
  if (newest === undefined) return 'over';
  if (newest > deadline) return 'kept';
  if (Math.max(closedAt ?? -1, seenAt ?? -1) >= newest) return 'over';
  await noteSeenClosed(store, batchId, at);
  return 'kept';
}

/** When the last photo of a batch was done, epoch milliseconds; 0 when none was, `undefined` without a batch. */
async function newestOutcome(journal: Journal, batchId: string): Promise<number | undefined> {
  const header = await journal.header(batchId);
  if (!header) return undefined;
  let newest = 0;
  for (let page = 0; page <= pageOf(Math.max(header.total - 1, 0)); page++) {
    for (const { status, finishedAt } of (await journal.outcomesOfPage(batchId, page)).values()) {
      // Deleting or undoing a photo is no reason to keep the others longer.
      if (status !== 'removed') newest = Math.max(newest, finishedAt);
    }
  }
  return newest;
}
