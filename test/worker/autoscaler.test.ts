// Property: an autoscaler that cannot see the load or report it stays, changes nothing meanwhile, says so once, and goes on.
import { describe, expect, it } from 'vitest';
import { runAutoscaler, type AutoscalerState } from '../../src/worker/autoscale/autoscaler.ts';
import type { LoadLook } from '../../src/worker/autoscale/decide-scaling.ts';

const policy = {
  minWorkers: 1,
  maxWorkers: 2,
  queuePerWorker: 2,
  busyHigh: 0.8,
  busyLow: 0.3,
  slowSeconds: 10,
  cooldownMs: 0,
  agreement: 2,
};
const crowded: Omit<LoadLook, 'at' | 'workers'> = {
  ready: 1,
  queue: 20,
  active: 2,
  slots: 2,
  devices: 1,
  busy: 1,
  photoSeconds: 1,
  workerBytes: null,
  freeBytes: null,
};

describe('an autoscaler', () => {
  it('lives through a store that is away', async () => {
    const stop = new AbortController();
    const said: string[] = [];
    const reports: AutoscalerState[] = [];
    const workforce = {
      size: 1,
      hire: async () => await Promise.resolve((workforce.size += 1)),
      dismiss: async () => await Promise.resolve((workforce.size -= 1)),
    };
    let looks = 0;
    let sizeWhileBlind = 0;
    await runAutoscaler(
      {
        policy,
        workforce,
        lookEveryMs: 1,
        now: Date.now,
        say: (line) => said.push(line),
        async look() {
          looks += 1;
          // One look that wants another worker, then none for a while: those before and after do not agree with each other.
          if (looks > 1 && looks < 10) throw new Error('EIO');
          if (looks === 10) sizeWhileBlind = workforce.size;
          return await Promise.resolve(crowded);
        },
        async report(state) {
          reports.push(state);
          if (reports.length === 20) stop.abort();
          if (reports.length > 5) throw new Error('ENOSPC');
          await Promise.resolve();
        },
      },
      stop.signal,
    );
    expect(sizeWhileBlind).toBe(1);
    expect(workforce.size).toBe(2);
    expect(said.map((line) => line.replaceAll(/because .*/g, 'because …'))).toEqual([
      'The autoscaler cannot see the load, and changes nothing until it can. Error: EIO',
      'Workers: 1 → 2, because …',
      'The autoscaler could not report: Error: ENOSPC',
    ]);
  });
});
