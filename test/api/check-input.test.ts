/** Property: an answer about a faulty request is of a size that its reader can use, however much is wrong with it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { checkInput, quote } from '../../src/api/check-input.ts';
import { DarkroomError } from '../../src/contracts/errors.ts';
import { refused, startApi, type RunningApi } from './support/running-api.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi({ API_KEYS: 'secret' });
});
afterAll(() => api.close());

const send = (path: string, body: string): Promise<Response> =>
  fetch(`${api.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer secret' },
    body,
  });

async function sizeOfRefusal(path: string, body: string): Promise<number> {
  const problem = await refused(await send(path, body), 'invalid_request');
  expect(problem.errors).toHaveLength(100);
  expect(problem.detail).toMatch(/There are more faults than these\.$/);
  return JSON.stringify(problem).length;
}

it('lists a hundred faults and says that there are more', async () => {
  const keys = Array.from({ length: 80_000 }, (_, index) => `"${index.toString(36)}":1`);
  expect(await sizeOfRefusal('/api/v1/session', `{${keys.join()}}`)).toBeLessThan(30_000);
  const sizes = Array.from({ length: 50_000 }, () => '{}').join();
  expect(await sizeOfRefusal('/api/v1/plan', `{"source":{"kind":"sizes","photos":[${sizes}]}}`)).toBeLessThan(50_000);
});

it('lists exactly a hundred faults without a word of more', () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, 1]));
  const check = (): unknown => checkInput(z.strictObject({}), many, 'body');
  expect(check).toThrow(DarkroomError);
  expect(check).not.toThrow(/more faults/);
});

it('refuses what is nested without end, as what it is', async () => {
  const deep = '['.repeat(9000) + ']'.repeat(9000);
  const problem = await refused(await send('/api/v1/session', `{"key":${deep}}`), 'invalid_request');
  expect(problem.detail).toBe('key is […] but must be of type string.');
  await refused(await send('/api/v1/batches', `{"source":${deep}}`), 'invalid_request');
});

it('quotes values shortly, and of containers only that they are', () => {
  expect([quote('a\nb'), quote(7), quote(null), quote(undefined)]).toEqual(['"a\\nb"', '7', 'null', 'nothing']);
  expect([quote([1]), quote({ a: 1 })]).toEqual(['[…]', '{…}']);
  expect(quote('x'.repeat(2_000_000))).toBe(`"${'x'.repeat(59)}…`);
});
