/** Property: a report that cannot be read costs what its worker would have said, and nothing else. */
import { utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readAutoscalers, readWorkers } from '../../src/batches/read-workers.ts';
import { autoscalerKey, workerKey } from '../../src/storage/keys.ts';
import { openHouse } from '../support/journal-fixtures.ts';

it('leaves out reports that are cut off or of another shape', async () => {
  const house = await openHouse();
  try {
    const now = Date.now();
    const report = (pid: number): object => ({ host: hostname(), pid, writtenAt: now });
    await house.store.write(autoscalerKey('cut-off'), Buffer.from('{"host":"h","pi'));
    await house.store.write(autoscalerKey('other-shape'), Buffer.from(JSON.stringify(report(process.pid))));
    expect(await readAutoscalers(house.store, () => now)).toEqual([]);
  } finally {
    await house.close();
  }
});

it('does not read the reports of those who are gone: a backup may have copied one while it was written', async () => {
  const house = await openHouse();
  try {
    const key = workerKey('gone-1');
    await house.store.write(key, Buffer.from('{}'));
    const long = new Date(Date.now() - 3_600_000);
    await utimes(join(house.root, 'store', key), long, long);
    house.store.read = () => Promise.reject(new Error('Checksum mismatch'));
    expect(await readWorkers(house.store, Date.now)).toEqual([]);
  } finally {
    await house.close();
  }
});
