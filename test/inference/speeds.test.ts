/** Property: what a plan is reckoned with is how fast a network is on tiles of photos, not on the small ones that try it out. */
import { expect, test } from 'vitest';
import { Speeds } from '../../src/inference/speeds.ts';

test('a network is as fast as it was when it was opened, then as its latest tile', () => {
  const speeds = new Speeds();
  expect(speeds.figures).toEqual({});
  speeds.opened('fast', 0.002, 25_600);
  expect(speeds.figures).toEqual({ fast: 0.002 });
  speeds.ran('fast', 300, 100_000);
  expect(speeds.figures).toEqual({ fast: 0.003 });
  speeds.opened('fast', 0.009, 25_600);
  expect(speeds.figures, 'opened again, after another took its place').toEqual({ fast: 0.003 });
});

test('a tile smaller than what it was timed on says nothing', () => {
  const speeds = new Speeds();
  speeds.opened('fast', 0.002, 25_600);
  speeds.opened('high', 0.08, 3072);
  speeds.ran('fast', 40, 64 * 64);
  speeds.ran('high', 400, 64 * 64);
  expect(speeds.figures).toEqual({ fast: 0.002, high: 400 / 4096 });
});

test('one that runs before it was timed is as fast as its tile', () => {
  const speeds = new Speeds();
  speeds.ran('fast', 5, 1000);
  expect(speeds.figures).toEqual({ fast: 0.005 });
});
