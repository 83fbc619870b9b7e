/** Property: a report that cannot be read costs what its worker would have said, and nothing else. */
import { hostname } from 'node:os';
import { expect, it } from 'vitest';
import { readAutoscalers } from '../../src/batches/read-workers.ts';
import { autoscalerKey } from '../../src/storage/keys.ts';
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
