// Property: workers are made more only when photos wait and it can help, fewer only when it cannot hurt, one at a time, after looks
// that agree and a pause; and every decision says why.
import { describe, expect, it } from 'vitest';
import {
  decideScaling,
  OPEN_MIND,
  type LoadLook,
  type ScalingMind,
  type ScalingPolicy,
} from '../../src/worker/autoscale/decide-scaling.ts';

const POLICY: ScalingPolicy = {
  minWorkers: 1,
  maxWorkers: 8,
  queuePerWorker: 2,
  busyHigh: 0.8,
  busyLow: 0.3,
  slowSeconds: 10,
  cooldownMs: 60_000,
  agreement: 3,
};

const CALM: LoadLook = {
  at: 0,
  workers: 2,
  ready: 2,
  queue: 0,
  active: 2,
  slots: 4,
  devices: 2,
  busy: 0.5,
  photoSeconds: 4,
  workerBytes: 1e9,
  freeBytes: 8e9,
};

/** Looks five seconds apart. @returns the changes in their order, and the last reason. */
function watch(looks: readonly Partial<LoadLook>[], policy = POLICY): { changes: number[]; reason: string } {
  let mind: ScalingMind = OPEN_MIND;
  let reason = '';
  const changes = looks.map((look, index) => {
    const decision = decideScaling(policy, mind, { ...CALM, ...look, at: index * 5000 });
    ({ mind, reason } = decision);
    return decision.change;
  });
  return { changes, reason };
}

const times = <T>(count: number, look: T): T[] => Array.from({ length: count }, () => look);

describe('more workers', () => {
  it.each([
    ['more than two photos wait for each', { queue: 5 }, '5 photos wait for 2 workers'],
    ['a photo waits and devices are busy', { queue: 1, active: 2, busy: 0.9 }, 'photos wait and devices are 90 % busy'],
    ['a photo waits and one takes long', { queue: 1, active: 4, photoSeconds: 12 }, 'photos wait and one takes 12.0 s'],
  ])('when %s, at the third look that says so', (_, look, reason) => {
    expect(watch(times(3, look))).toEqual({ changes: [0, 0, 1], reason });
  });

  it.each([
    [
      'a device is free: the photo that waits is about to be taken',
      { queue: 1, active: 1, busy: 0.9, photoSeconds: 12 },
    ],
    ['devices are busy but nothing waits', { busy: 1, active: 4, photoSeconds: 12 }],
    ['Temporal does not answer', { queue: undefined, active: 4, busy: 1 }],
    ['there are as many as there may be', { queue: 100, workers: 8, ready: 8 }],
    ['one is still loading its models', { queue: 100, ready: 1 }],
    ['memory would not hold another', { queue: 100, freeBytes: 0.9e9 }],
  ])('not when %s', (_, look) => {
    expect(watch(times(20, look)).changes).toEqual(times(20, 0));
  });

  it('not when the looks do not agree', () => {
    const flicker = [{ queue: 9 }, { queue: 9 }, { queue: 0 }];
    expect(watch([...flicker, ...flicker, ...flicker]).changes).toEqual(times(9, 0));
  });

  it('one at a time, with a pause in which the first can show', () => {
    const { changes } = watch(times(30, { queue: 50 }));
    expect([...changes.entries()].filter(([, change]) => change > 0).map(([index]) => index)).toEqual([2, 14, 26]);
  });

  it('at once below the minimum', () => {
    expect(watch([{ workers: 1, ready: 1 }], { ...POLICY, minWorkers: 2 })).toEqual({
      changes: [1],
      reason: 'fewer than 2 workers',
    });
  });
});

describe('fewer workers', () => {
  it('when nothing waits, devices rest, and the others can hold what is under way', () => {
    expect(watch(times(3, { busy: 0.1, active: 1 }))).toEqual({
      changes: [0, 0, -1],
      reason: 'nothing waits and devices are 10 % busy',
    });
  });

  it.each([
    ['it is the last', { busy: 0, active: 0, workers: 1, ready: 1, slots: 2 }],
    ['photos wait', { busy: 0, active: 0, queue: 1 }],
    ['what is under way needs them all', { busy: 0.1, active: 3 }],
    ['devices are neither busy nor idle', { busy: 0.31, active: 0 }],
  ])('not when %s', (_, look) => {
    expect(watch(times(20, look)).changes).toEqual(times(20, 0));
  });

  it('one that comes and goes costs the pause each time: no flapping', () => {
    const { changes } = watch([
      ...times(3, { queue: 50 }),
      ...times(11, { busy: 0, active: 0 }),
      ...times(2, { busy: 0, active: 0 }),
    ]);
    expect(changes.filter((change) => change !== 0)).toEqual([1, -1]);
    expect(changes.indexOf(-1) - changes.indexOf(1)).toBeGreaterThanOrEqual(12);
  });
});
