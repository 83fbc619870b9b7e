// Property: a load that rises brings real worker processes, one that falls sends them away drained, and no photo notices.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { performanceSchema, type PerformanceAnswer } from '../../src/contracts/http-service.ts';
import { House, possible } from './house.ts';
import { crops } from './photos.ts';
import { waitFor } from './processes.ts';
import { Visitor } from './visitor.ts';

let house: House | undefined;
afterAll(async () => await house?.close());

async function scaling(visitor: Visitor): Promise<PerformanceAnswer['autoscalers'][number] | undefined> {
  const answer = await visitor.get('/api/v1/performance');
  return performanceSchema.parse(await answer.json()).autoscalers[0];
}

describe.skipIf(!possible)('an autoscaled house', () => {
  it('rises to two workers with the load, falls to one without, and loses nothing', async () => {
    house = await House.start({
      AUTOSCALE: 'true',
      AUTOSCALE_MAX_WORKERS: '2',
      AUTOSCALE_INTERVAL_MS: '500',
      AUTOSCALE_COOLDOWN_MS: '2000',
    });
    const visitor = new Visitor(house.url);
    const photos = await crops(12, 320, 240);
    const query = 'quality_level=fast&scale=2&max_workers=8';
    const batches = [await visitor.enhanceBatch(photos, query), await visitor.enhanceBatch(photos, query)];
    const risen = await waitFor('a second worker', 90_000, async () => {
      const seen = await scaling(visitor);
      return seen?.workers === 2 ? seen : undefined;
    });
    expect(risen.events.at(-1)).toMatchObject({ from: 1, to: 2, reason: expect.stringMatching(/wait/) });
    expect((await readdir(join(house.dataDir, 'run'))).sort()).toContain('worker-2.pid');

    const ended = await Promise.all(batches.map((id) => visitor.ended(id)));
    expect(ended.map(({ status, completed_files }) => [status, completed_files])).toEqual(
      batches.map(() => ['completed', photos.length]),
    );
    const fallen = await waitFor('one worker again', 60_000, async () => {
      const seen = await scaling(visitor);
      return seen?.workers === 1 && seen.dismissed === 1 ? seen : undefined;
    });
    expect(fallen.events.map(({ from, to }) => [from, to])).toEqual([
      [1, 2],
      [2, 1],
    ]);
    expect(await readdir(join(house.dataDir, 'run'))).not.toContain('worker-2.pid');
    console.log(fallen.events.map(({ from, to, reason }) => `${from} → ${to}: ${reason}`).join('\n'));
    expect(house.said).toMatch(/Workers: 1 → 2, because .*\n/);
    expect(await house.end('SIGTERM')).toBe(0);
    expect(await readdir(join(house.dataDir, 'run'))).toEqual([]);
  });
});
