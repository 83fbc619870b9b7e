/**
 * Property: an event ID never says more than its reader was told, fits into a header whatever the batch, and what it leaves
 * out is exactly what a reader gets when it comes back; looking costs the same for a large batch as for a small one.
 */
import { expect, it } from 'vitest';
import { knownRanks, readPosition, writePosition } from '../../src/api/events/position.ts';
import { SettledLedger } from '../../src/api/events/settled-ledger.ts';
import { EVENT_ID_LENGTH } from '../../src/contracts/http-events.ts';
import { PHOTOS_PER_PAGE } from '../../src/contracts/ids.ts';

/** The same numbers every time. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const write = (ranks: Uint8Array): string => writePosition({ ended: false, state: 'processing', ranks });

function known(id: string, total: number): Uint8Array {
  const position = readPosition(id);
  if (!position) throw new Error(`${id} cannot be read`);
  return knownRanks(position, 0, total);
}

it('is exact while it is short: a batch that runs has few gaps', () => {
  const ranks = new Uint8Array(100_000).fill(1, 0, 43_210);
  for (const index of [43_213, 43_215, 43_300]) ranks[index] = 1;
  ranks[7] = 255;
  ranks[99] = 2;
  expect(known(write(ranks), ranks.length)).toEqual(ranks);
  expect(write(ranks).length).toBeLessThan(100);
  expect(write(new Uint8Array(0))).toBe('at.processing.');
});

it('never says more than is known, and always fits', () => {
  const next = numbers(17);
  for (const total of [1, 2, 499, 500, 501, 3000, 100_000]) {
    for (const share of [0, 0.05, 0.5, 0.95, 1]) {
      const ranks = Uint8Array.from({ length: total }, () => (next() < share ? 1 + Math.floor(next() * 3) : 0));
      const id = write(ranks);
      expect(id.length).toBeLessThanOrEqual(EVENT_ID_LENGTH);
      expect(id).toMatch(/^[\x21-\x7e]+$/);
      const read = known(id, total);
      expect(read.every((rank, index) => rank <= (ranks[index] ?? 0))).toBe(true);
    }
  }
});

it('still knows most of a batch whose failed photos were done again here and there', () => {
  const next = numbers(3);
  const ranks = Uint8Array.from({ length: 100_000 }, () => (next() < 0.02 ? 2 : 1));
  const read = known(write(ranks), ranks.length);
  expect(read.filter((rank) => rank >= 1).length).toBe(ranks.length);
});

it('reads any part of a position as it reads the whole', () => {
  const next = numbers(5);
  const ranks = Uint8Array.from({ length: 400 }, () => Math.floor(next() * 3));
  const position = readPosition(write(ranks));
  if (!position) throw new Error('unreadable');
  const whole = knownRanks(position, 0, ranks.length);
  for (let turn = 0; turn < 200; turn++) {
    const from = Math.floor(next() * 400);
    const to = from + Math.floor(next() * (400 - from));
    expect(knownRanks(position, from, to)).toEqual(whole.subarray(from, to));
  }
});

it('takes nothing else for a position', () => {
  for (const text of [
    '',
    'at',
    'at.x',
    'at.X.',
    'off.queued.',
    'at.queued.1',
    'at.queued.1-',
    'at.queued.1-1',
    '1',
    'at.a.\n',
  ]) {
    expect(readPosition(text), text).toBeUndefined();
  }
  expect(readPosition(`at.queued.${'1-1_'.repeat(1000)}`)).toBeUndefined();
});

it('looks at few pages at a time, finds everything, and each thing once', async () => {
  const total = 60 * PHOTOS_PER_PAGE;
  const settled = new Map<number, number>();
  let reads = 0;
  const read = (page: number): Promise<Map<number, number>> => {
    reads += 1;
    return Promise.resolve(new Map([...settled].filter(([index]) => Math.floor(index / PHOTOS_PER_PAGE) === page)));
  };
  const ledger = new SettledLedger();
  await ledger.look(total, read, { all: true });
  expect(reads).toBe(60);
  const next = numbers(11);
  const found: number[] = [];
  for (let turn = 0; turn < 30; turn++) {
    if (turn < 20) for (let count = 0; count < 10; count++) settled.set(Math.floor(next() * total), 1);
    reads = 0;
    found.push(...(await ledger.look(total, read, { all: false })));
    expect(reads).toBeLessThanOrEqual(17);
  }
  expect(found.sort((left, right) => left - right)).toEqual([...settled.keys()].sort((left, right) => left - right));
  expect(ledger.hasMore({ ended: true, state: 'completed', runs: '' })).toBe(true);
  const id = readPosition(write(ledger.ranks));
  if (!id) throw new Error('unreadable');
  const missing = Array.from({ length: 60 }, (_, page) => ledger.missing(page, -1, id)).flat();
  const exact = known(write(ledger.ranks), total);
  expect(missing).toEqual(
    [...settled.keys()].filter((index) => exact[index] === 0).sort((left, right) => left - right),
  );
});

it('keeps what a look found before it failed', async () => {
  const ledger = new SettledLedger();
  await ledger.look(1000, () => Promise.resolve(new Map()), { all: true });
  const broken = (page: number): Promise<Map<number, number>> =>
    page === 0 ? Promise.resolve(new Map([[3, 1]])) : Promise.reject(new Error('EIO'));
  await expect(ledger.look(1000, broken, { all: true })).rejects.toThrow('EIO');
  expect(ledger.missing(0, 0, undefined)).toEqual([3]);
  expect(ledger.clock).toBe(1);
});
