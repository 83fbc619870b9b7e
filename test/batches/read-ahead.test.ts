/** Property: what is read ahead comes in order, is read side by side, and little of it is read for nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { readAhead } from '../../src/batches/read-ahead.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);

async function* inTurn(count: number) {
  for (const at of numbers(count)) yield await Promise.resolve(at);
}

it('gives every answer in its turn, at most so many on their way', async () => {
  let [underWay, most] = [0, 0];
  const answers: number[] = [];
  const read = async (at: number) => {
    most = Math.max(most, ++underWay);
    await sleep(at % 3 === 0 ? 10 : 1);
    underWay -= 1;
    return at * 2;
  };
  for await (const answer of readAhead(inTurn(30), read)) answers.push(answer);
  expect(answers).toEqual(numbers(30).map((at) => at * 2));
  expect(most).toBe(8);
});

it('has begun no more for nothing than it has given', async () => {
  const begun: number[] = [];
  const read = async (at: number) => Promise.resolve(begun.push(at));
  for (const enough of [1, 2, 3, 4, 10]) {
    begun.length = 0;
    let given = 0;
    for await (const _ of readAhead(numbers(100), read)) if (++given === enough) break;
    expect(begun.length - enough, `after ${enough}`).toBeLessThanOrEqual(Math.min(enough, 7));
  }
});

it('throws a failure where its turn comes, and nowhere when nobody waits for it', async () => {
  const answers: number[] = [];
  const read = async (at: number) => (at === 3 ? Promise.reject(new Error('damaged')) : Promise.resolve(at));
  const all = async () => {
    for await (const answer of readAhead(numbers(9), read)) answers.push(answer);
  };
  await expect(all()).rejects.toThrow('damaged');
  expect(answers).toEqual([0, 1, 2]);
  for await (const answer of readAhead(numbers(9), read)) if (answer === 1) break;
  await sleep(5); // an unhandled rejection would fail the run
});
