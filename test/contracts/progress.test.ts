/** Progress is weighted by pixels; the ETA falls as work is done, never grows while a photo is at work, and says nothing it cannot know. */
import { describe, expect, it } from 'vitest';
import { type BatchProgress, estimateEta, shareDone } from '../../src/contracts/progress.ts';

const batch = (change: Partial<BatchProgress> = {}): BatchProgress => ({
  state: 'running',
  total: 4,
  completed: 1,
  failed: 0,
  progress: 0.25,
  eta: null,
  inFlight: 1,
  open: false,
  maxWorkers: 4,
  priority: 3,
  kilopixels: { total: 1000, settled: 100 },
  activeMs: 1000,
  settledActiveMs: 1000,
  round: 0,
  startedAt: 0,
  updatedAt: 1000,
  ...change,
});

describe('progress of a batch', () => {
  it('counts pixels, not photos, and tiles of photos under way', () => {
    expect(shareDone(batch(), [])).toBe(0.1);
    expect(shareDone(batch(), [{ kilopixels: 900, done: 0.5 }])).toBeCloseTo(0.55);
    expect(shareDone(batch({ kilopixels: { total: 0, settled: 0 } }), [])).toBe(0.25);
  });

  it('estimates the time left by pixels', () => {
    expect(estimateEta(batch(), [], 1000)).toBe(9);
    expect(estimateEta(batch(), [{ kilopixels: 900, done: 0.5 }], 1000)).toBe(4.5);
  });

  it('never grows while nothing settles', () => {
    let before = Number.POSITIVE_INFINITY;
    for (let now = 1000; now < 60_000; now += 500) {
      const eta = estimateEta(batch(), [], now);
      expect(eta).not.toBeNull();
      expect(eta).toBeLessThanOrEqual(before);
      expect(eta).toBeGreaterThan(0);
      before = eta ?? 0;
    }
  });

  it('says nothing before the first tile and while paused, and zero at the end', () => {
    const nothing = { completed: 0, kilopixels: { total: 1000, settled: 0 }, settledActiveMs: 0 };
    expect(estimateEta(batch(nothing), [], 5000)).toBeNull();
    expect(estimateEta(batch(nothing), [{ kilopixels: 100, done: 0.5 }], 1000)).toBe(19);
    expect(estimateEta(batch({ state: 'paused' }), [], 5000)).toBeNull();
    expect(estimateEta(batch({ completed: 4, state: 'completed' }), [], 5000)).toBe(0);
  });
});
