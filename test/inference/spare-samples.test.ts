/** Memory is used again by the next who asks for as much, and never by two at a time. */
import { describe, expect, it } from 'vitest';
import { SpareSamples } from '../../src/inference/spare-samples.ts';

const MEGABYTE = 2 ** 20;

describe('SpareSamples', () => {
  it('gives the same memory again once it was given back, in either depth', () => {
    const spare = new SpareSamples();
    const first = spare.take(8, 1000);
    expect(first).toHaveLength(1000);
    expect(spare.take(8, 1000).buffer).not.toBe(first.buffer);
    spare.giveBack(first);
    const again = spare.take(16, 500);
    expect(again).toBeInstanceOf(Uint16Array);
    expect(again).toHaveLength(500);
    expect(again.buffer).toBe(first.buffer);
  });

  it('hands a larger piece to somebody who needs most of it, not to one who needs little', () => {
    const spare = new SpareSamples();
    const first = spare.take(8, 1000);
    spare.giveBack(first);
    expect(spare.take(8, 400).buffer).not.toBe(first.buffer);
    const most = spare.take(8, 600);
    expect(most.buffer).toBe(first.buffer);
    expect(most).toHaveLength(600);
  });

  it('takes back nothing twice, and nothing that it did not give', () => {
    const spare = new SpareSamples();
    const first = spare.take(8, 1000);
    spare.giveBack(first);
    spare.giveBack(first);
    spare.giveBack(new Uint8Array(1000));
    spare.giveBack(new Uint8Array(new SharedArrayBuffer(1000)));
    expect(spare.take(8, 1000).buffer).toBe(first.buffer);
    expect(spare.take(8, 1000).buffer).not.toBe(first.buffer);
  });

  it('keeps no more than a few photos need', () => {
    const spare = new SpareSamples();
    const lent = Array.from({ length: 20 }, () => spare.take(8, 8 * MEGABYTE));
    for (const one of lent) spare.giveBack(one);
    const known = new Set(lent.map(({ buffer }) => buffer));
    const kept = Array.from({ length: 20 }, () => spare.take(8, 8 * MEGABYTE)).filter(({ buffer }) =>
      known.has(buffer),
    );
    expect(kept).toHaveLength(8);
  });
});
