/** Property: what killed workers and autoscalers left behind goes when it has been silent for long, and nothing else does. */
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { autoscalerKey, probeKey, workerKey } from '../../src/storage/keys.ts';
import { sweepReports } from '../../src/worker/sweep-reports.ts';
import { openHouse } from '../support/journal-fixtures.ts';

const DAY_MS = 86_400_000;

it('takes away reports that nobody renews', async () => {
  const house = await openHouse();
  try {
    const silent = [workerKey('killed-1'), autoscalerKey('killed-2')];
    const kept = [workerKey('alive-1'), autoscalerKey('alive-2'), probeKey('other')];
    for (const key of [...silent, ...kept]) await house.store.write(key, Buffer.from('{}'));
    const long = new Date(Date.now() - 2 * DAY_MS);
    for (const key of [...silent, probeKey('other')]) await utimes(join(house.root, 'store', key), long, long);
    await sweepReports(house.store, Date.now() - DAY_MS);
    for (const key of silent) expect(await house.store.read(key)).toBeUndefined();
    for (const key of kept) expect(await house.store.read(key)).toBeDefined();
  } finally {
    await house.close();
  }
});
