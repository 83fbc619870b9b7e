/** Ranges of one piece of memory are lent to one at a time, and come together again in whatever order they come back. */
import { describe, expect, it } from 'vitest';
import { SpareSamples } from '../../src/inference/spare-samples.ts';
import type { Samples } from '../../src/inference/tiles.ts';

const PAGE = 4096;

const given = (samples: Samples | undefined): Samples => {
  if (samples === undefined) throw new TypeError('Expected memory');
  return samples;
};

describe('SpareSamples', () => {
  it('gives the same memory again once it was given back, in either depth', () => {
    const spare = new SpareSamples(2 * PAGE);
    const first = given(spare.share(8, PAGE));
    first.fill(7);
    spare.giveBack(first);
    const again = given(spare.share(16, PAGE / 2));
    expect(again).toBeInstanceOf(Uint16Array);
    expect(again).toHaveLength(PAGE / 2);
    expect(again.every((sample) => sample === 7 * 257)).toBe(true);
  });

  it('never lends a byte twice, whatever comes and goes', () => {
    const spare = new SpareSamples(64 * PAGE);
    const lent = new Map<Samples, number>();
    let random = 1;
    const next = (below: number): number => {
      random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
      return (random >> 8) % below;
    };
    let refused = 0;
    for (let step = 1; step <= 3000; step += 1) {
      const samples = next(5) < 3 ? spare.share(8, 1 + next(9 * PAGE)) : undefined;
      if (samples !== undefined) {
        samples.fill(step % 256);
        lent.set(samples, step % 256);
        continue;
      }
      refused += 1;
      const some = [...lent.keys()][next(Math.max(1, lent.size))];
      if (some === undefined) continue;
      expect(some.every((sample) => sample === lent.get(some))).toBe(true);
      lent.delete(some);
      spare.giveBack(some);
    }
    expect(refused).toBeGreaterThan(1000);
    for (const some of lent.keys()) spare.giveBack(some);
    expect(spare.share(8, 64 * PAGE)).toHaveLength(64 * PAGE);
  });

  it('passes a loan on: only who has it then can give it back', () => {
    const spare = new SpareSamples(PAGE);
    const first = given(spare.share(8, PAGE));
    const second = spare.passOn(first.fill(5));
    spare.giveBack(first);
    expect(spare.share(8, PAGE)).toBeUndefined();
    expect(second.every((sample) => sample === 5)).toBe(true);
    spare.giveBack(second);
    expect(spare.share(8, PAGE)).toHaveLength(PAGE);
    const own = new Uint8Array(3);
    expect(spare.passOn(own)).toBe(own);
  });

  it('has nothing to share when all is lent, but still takes', () => {
    const spare = new SpareSamples(PAGE);
    const all = given(spare.share(8, 10));
    expect(spare.share(8, 1)).toBeUndefined();
    const own = spare.take(16, 100);
    expect(own.buffer).toBeInstanceOf(ArrayBuffer);
    spare.giveBack(own);
    expect(spare.share(8, 1)).toBeUndefined();
    spare.giveBack(all);
    expect(spare.share(8, 1)).toHaveLength(1);
  });

  it('takes back nothing twice, and nothing that it did not give', () => {
    const spare = new SpareSamples(PAGE);
    const first = given(spare.share(8, PAGE));
    spare.giveBack(first);
    const second = given(spare.share(8, PAGE));
    spare.giveBack(first);
    spare.giveBack(second.subarray(0, 10));
    spare.giveBack(undefined);
    expect(spare.share(8, 1)).toBeUndefined();
  });
});
