import { hostname } from 'node:os';
import { REPORT_STALE_MS, workerReportSchema } from '../contracts/worker-report.ts';
import { listDated } from '../storage/list-dated.ts';
import { leaveOutUnreadable, readRecord } from '../storage/json-records.ts';
import { probeKey, processName, WORKERS } from '../storage/keys.ts';
import type { Store } from '../storage/store.ts';

export interface StoreProbe {
  /** For writing, reading, looking at and removing a small object. */
  readonly ms: number;
  /** How far the store's clock is ahead of ours; below zero: behind. */
  readonly aheadMs: number;
}

/**
 * Writes, reads and removes a small object.
 * @throws DarkroomError of the store; Error when what comes back is not what was written.
 */
export async function probeStore(store: Store, now: () => number): Promise<StoreProbe> {
  const startedAt = now();
  const key = probeKey(`${processName(hostname(), process.pid)}-${startedAt}`); // looks that overlap must not meet
  const content = Buffer.from(JSON.stringify({ writtenAt: startedAt }));
  try {
    await store.write(key, content);
    const between = (startedAt + now()) / 2;
    const [back, stat] = await Promise.all([store.read(key), store.stat(key)]);
    if (!back?.equals(content)) throw new Error('The store hands out something else than was written.');
    return { ms: now() - startedAt, aheadMs: (stat?.modifiedAt ?? between) - between };
  } finally {
    await store.remove(key);
  }
}

/** More workers than this are not looked at: one whose clock is wrong shows soon enough. */
const LOOKED_AT = 50;

/** How far the clock of each worker is ahead of the store's, by its report; reports that change meanwhile are a little off. */
export async function probeWorkerClocks(store: Store): Promise<{ workerId: string; aheadMs: number }[]> {
  const all = await listDated(store, WORKERS);
  // Who has not written for longer than the others is gone, by whatever clock.
  const latest = Math.max(...all.map(({ modifiedAt }) => modifiedAt));
  const living = all.filter(({ modifiedAt }) => modifiedAt > latest - REPORT_STALE_MS).slice(0, LOOKED_AT);
  const probed = await Promise.all(
    living.map(async ({ name, modifiedAt }) => {
      const reading = readRecord(store, `${WORKERS}/${name}`, workerReportSchema);
      const report = await leaveOutUnreadable(reading, () => undefined);
      return report ? [{ workerId: report.workerId, aheadMs: report.writtenAt - modifiedAt }] : [];
    }),
  );
  return probed.flat();
}
