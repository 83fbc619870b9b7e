// Property: whatever nonsense is sent, the answer is the contract's status with a sentence a person understands; nothing of it
// stays on the disk or in memory, and the next good photo is enhanced.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { House, possible } from './house.ts';
import { bomb, crops, type Photo } from './photos.ts';
import { residentMiB, waitFor } from './processes.ts';
import { leftOvers, storedFiles } from './store-facts.ts';
import { problem, Visitor } from './visitor.ts';

const MiB = 1024 * 1024;
const FAST = 'quality_level=fast';

interface BadCall {
  readonly what: string;
  readonly path: string;
  readonly photos?: () => readonly Photo[];
  readonly status: number;
  readonly code: string;
}

describe.skipIf(!possible)('bad input', () => {
  let house: House;
  let visitor: Visitor;
  let good: Photo;
  let before: string[];
  let memoryBefore: Memory;

  interface Memory {
    readonly api: number;
    readonly worker: number;
  }

  beforeAll(async () => {
    house = await House.start();
    visitor = new Visitor(house.url);
    const [first] = await crops(1, 80, 60);
    if (!first) throw new Error('no photo');
    good = first;
    // Its books are closed when the batch has ended, a moment after its photo has.
    await visitor.ended(await visitor.enhanceBatch([good], FAST));
    await waitFor('the summary', 5000, async () =>
      (await storedFiles(house.dataDir)).some((name) => name.endsWith('/summary.json')) ? true : undefined,
    );
    before = await storedFiles(house.dataDir);
    memoryBefore = await memory();
  });
  afterAll(async () => await house?.close());

  async function memory(): Promise<Memory> {
    const of = async (part: 'api' | 'worker') => (await residentMiB((await house.pid(part)) ?? 0)) ?? 0;
    return { api: await of('api'), worker: await of('worker') };
  }

  const text: Photo = { name: 'photo.jpg', bytes: Buffer.from('This is not a photo. '.repeat(500)) };
  const empty: Photo = { name: 'empty.jpg', bytes: Buffer.alloc(0) };
  const svg: Photo = {
    name: 'drawing.jpg',
    bytes: Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
    ),
  };
  const huge = (): Photo => ({ name: 'huge.jpg', bytes: Buffer.concat([good.bytes, Buffer.alloc(51 * MiB)]) });
  const many = (count: number): Photo[] =>
    Array.from({ length: count }, (_, index) => ({ ...good, name: `${index}.jpg` }));

  const one = '/api/v1/enhance';
  const batch = '/api/v1/enhance/batch';
  const calls: readonly BadCall[] = [
    { what: 'a text', path: one, photos: () => [text], status: 400, code: 'unsupported_format' },
    { what: 'a drawing', path: one, photos: () => [svg], status: 400, code: 'unsupported_format' },
    { what: 'an empty file', path: one, photos: () => [empty], status: 400, code: 'empty_file' },
    { what: 'a file of 51 MB', path: one, photos: () => [huge()], status: 413, code: 'file_too_large' },
    { what: 'one of 51 MB in a batch', path: batch, photos: () => [good, huge()], status: 413, code: 'file_too_large' },
    { what: '21 files', path: batch, photos: () => many(21), status: 400, code: 'too_many_files' },
    { what: 'no file', path: batch, photos: () => [], status: 400, code: 'no_files' },
    { what: 'nothing but bad files', path: batch, photos: () => [text, empty], status: 400, code: 'invalid_request' },
    {
      what: 'tile_size=9999',
      path: `${one}?tile_size=9999`,
      photos: () => [good],
      status: 400,
      code: 'invalid_request',
    },
    {
      what: 'quality_level=bogus',
      path: `${one}?quality_level=bogus`,
      photos: () => [good],
      status: 400,
      code: 'invalid_request',
    },
    {
      what: 'a bomb of 30000x30000',
      path: one,
      photos: () => [bomb(30_000, 30_000)],
      status: 422,
      code: 'too_many_pixels',
    },
    {
      what: 'status of nothing',
      path: '/api/v1/status/b-20200101-000000-aaaaaaaaaa.0',
      status: 404,
      code: 'not_found',
    },
    { what: 'status of nonsense', path: '/api/v1/status/..%2f..%2fetc%2fpasswd', status: 404, code: 'not_found' },
    {
      what: 'download of nothing',
      path: '/api/v1/download/b-20200101-000000-aaaaaaaaaa.0',
      status: 404,
      code: 'not_found',
    },
    {
      what: 'a batch of nothing',
      path: '/api/v1/batch/status/b-20200101-000000-aaaaaaaaaa',
      status: 404,
      code: 'not_found',
    },
  ];

  it.each(calls)('$what is answered with $status $code', async ({ path, photos, status, code }) => {
    const answer = photos
      ? await visitor.post(path, path.startsWith(batch) ? 'files' : 'file', photos())
      : await visitor.get(path);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    const found = await problem(answer);
    expect(found).toMatchObject({ status, code });
    expect(found.detail).toMatch(/^\S.*[a-z].*\.$/s);
    expect(`${found.detail} ${found.hint}`).not.toMatch(
      /undefined|\bat \w+ \(|node_modules|\/(?:tmp|home|root|work)\//,
    );
    expect(await storedFiles(house.dataDir)).toEqual(before);
    expect(await leftOvers(house.dataDir)).toEqual([]);
  });

  it('[26] a batch with a bomb in it does the others', async () => {
    const batchId = await visitor.enhanceBatch([good, bomb(30_000, 30_000), text], FAST);
    const final = await visitor.ended(batchId);
    expect(final).toMatchObject({ status: 'partial_completed', completed_files: 1, failed_files: 2 });
    const codes = final.sub_tasks.map(({ error_code }) => error_code);
    expect(codes).toEqual([null, 'too_many_pixels', 'unsupported_format']);
  });

  it('costs no memory', async () => {
    for (let round = 0; round < 5; round += 1) {
      for (const photo of [text, empty, huge(), bomb(30_000, 30_000)]) {
        expect((await visitor.post(one, 'file', [photo])).ok).toBe(false);
      }
    }
    const after = await memory();
    console.log(
      `memory before and after: API ${memoryBefore.api.toFixed(0)} → ${after.api.toFixed(0)} MiB, ` +
        `worker ${memoryBefore.worker.toFixed(0)} → ${after.worker.toFixed(0)} MiB`,
    );
    expect(after.api - memoryBefore.api).toBeLessThan(120);
    expect(after.worker - memoryBefore.worker).toBeLessThan(60);
    expect(await visitor.settled(await visitor.enhance(good, FAST))).toMatchObject({ status: 'completed' });
  });
});
