/**
 * Files outside the store: whatever attempts race or are killed, an original that was preserved stays the original, what
 * was undone stays undone, and nothing is left in people's folders but their photos.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { deliverResult, type DeliveryDependencies } from '../../src/activities/deliver-result.ts';
import { undoPhoto } from '../../src/activities/undo-photo.ts';
import type { BatchHeader, Destination, PhotoRecord } from '../../src/contracts/batch.ts';
import { parseConfig } from '../../src/contracts/config.ts';
import { photoId } from '../../src/contracts/ids.ts';
import { openBuckets } from '../../src/storage/buckets.ts';
import { preservedKey } from '../../src/storage/keys.ts';
import type { Store } from '../../src/storage/store.ts';
import { putFile } from '../../src/storage/user-files.ts';
import { makeHeader, makeRecord, newBatchId, openHouse } from '../support/journal-fixtures.ts';

const { signal } = new AbortController();
const sha256Of = (content: string): string => createHash('sha256').update(content).digest('hex');

let house: Awaited<ReturnType<typeof openHouse>>;
let batchId: string;
let folder: string;
let photo: string;
let deps: DeliveryDependencies & { now: () => number };

beforeEach(async () => {
  house = await openHouse();
  batchId = newBatchId();
  folder = join(house.root, 'photos');
  photo = join(folder, 'photo.jpg');
  await mkdir(folder);
  await writeFile(photo, 'original');
  await writeFile(join(house.root, 'result.jpg'), 'result');
  deps = { ...house, buckets: openBuckets(parseConfig({})), makeNonce: randomUUID, now: Date.now };
});
afterEach(() => house.close());

async function delivery(destination: Destination, change: Partial<PhotoRecord> = {}) {
  const { size, mtimeMs } = await stat(photo);
  const header: BatchHeader = makeHeader(batchId, 1, { destination });
  const original = { kind: 'path', path: photo, bytes: size, modifiedMs: mtimeMs } as const;
  const record = makeRecord(0, { name: 'photo.jpg', original, ...change });
  const path = join(house.root, 'result.jpg');
  return {
    header,
    record,
    signal,
    result: { path, sha256: sha256Of('result'), extension: '.jpg', contentType: 'image/jpeg' },
  };
}

/** By way of a copy whose name ends with "killed". */
const putOther = (photoName: string): Promise<void> =>
  putFile(join(folder, photoName), join(house.root, 'result.jpg'), { photo: photoId(batchId, 0), nonce: 'killed' });

it('never takes the result of another attempt for the original, however long it slept before reading it', async () => {
  const given = await delivery({ kind: 'in_place' });
  let asleep = (): void => undefined;
  let wake = (): void => undefined;
  const reached = new Promise<void>((resolve) => (asleep = resolve));
  const woken = new Promise<void>((resolve) => (wake = resolve));
  const write: Store['write'] = async (key, content, options) => {
    if (key.includes('/preserved/')) {
      asleep();
      await woken;
    }
    return house.store.write(key, content, options);
  };
  const store = new Proxy(house.store, {
    get: (target, name: keyof Store) => (name === 'write' ? write : target[name].bind(target)),
  });
  const late = deliverResult({ ...deps, store }, given);
  late.catch(() => undefined);
  await reached;
  await deliverResult(deps, given);
  expect(await readFile(photo, 'utf8')).toBe('result');
  wake();
  await late.catch(() => undefined);
  const kept = await house.store.read(preservedKey(batchId, 0, sha256Of('original')));
  expect(kept?.toString()).toBe('original');
  expect(await undoPhoto(deps, { batchId, index: 0 }, signal)).toMatchObject({ result: 'undone' });
  expect(await readFile(photo, 'utf8')).toBe('original');
});

it('preserves nothing of a file that changes between looking and reading', async () => {
  const given = await delivery({ kind: 'in_place' });
  const store = new Proxy(house.store, {
    get: (target, name: keyof Store) =>
      name === 'write'
        ? async (...[key, content, options]: Parameters<Store['write']>) => {
            if (key.includes('/preserved/')) await writeFile(photo, 'edited');
            return house.store.write(key, content, options);
          }
        : target[name].bind(target),
  });
  await expect(deliverResult({ ...deps, store }, given)).rejects.toMatchObject({ code: 'destination_changed' });
  expect(await house.store.stat(preservedKey(batchId, 0, sha256Of('original')))).toBeUndefined();
  expect(await house.journal.deliveries.compensation(batchId, 0)).toBeUndefined();
  expect(await readFile(photo, 'utf8')).toBe('edited');
});

it.each(['in_place', 'folder'] as const)(
  'takes back what it writes %s after the photo was rolled back',
  async (kind) => {
    const out = join(house.root, 'out');
    const given = await delivery(kind === 'folder' ? { kind, path: out } : { kind });
    const noteDelivery = house.journal.deliveries.note.bind(house.journal.deliveries);
    house.journal.deliveries.note = async (...noted) => {
      await noteDelivery(...noted);
      await undoPhoto(deps, { batchId, index: 0 }, signal);
    };
    await deliverResult(deps, given);
    expect(await readFile(photo, 'utf8')).toBe('original');
    expect(await readdir(out).catch(() => [])).toEqual([]);
    expect(await readdir(folder)).toEqual(['photo.jpg']);
  },
);

it.each([
  ['a', 251],
  ['ф', 125],
  ['写', 83],
])('writes names that are as long as names can be: %s, %i times', async (letter, times) => {
  const name = `${letter.repeat(times)}.jpg`;
  expect(Buffer.byteLength(name)).toBeGreaterThan(252);
  await deliverResult(deps, await delivery({ kind: 'folder', path: folder }, { name }));
  expect(await readFile(join(folder, name), 'utf8')).toBe('result');
  expect((await readdir(folder)).sort()).toEqual(['photo.jpg', name].sort());
});

it('removes what an attempt was killed over, in the next attempt or when it is undone', async () => {
  const left = `.darkroom-${sha256Of(photoId(batchId, 0)).slice(0, 16)}-killed.tmp`;
  const given = await delivery({ kind: 'in_place' });
  // That is the name of copies while they are made: this one takes its place and is renamed.
  await writeFile(join(folder, left), 'half');
  await putOther('other.jpg');
  expect(await readdir(folder)).toEqual(['other.jpg', 'photo.jpg']);

  await house.journal.deliveries.note(batchId, 0, sha256Of('result of a killed attempt'));
  await writeFile(join(folder, left), 'half');
  await deliverResult(deps, given);
  expect(await readdir(folder)).toEqual(['other.jpg', 'photo.jpg']);

  await writeFile(photo, 'original');
  await writeFile(join(folder, left), 'half');
  expect(await undoPhoto(deps, { batchId, index: 0 }, signal)).toMatchObject({ result: 'undone' });
  expect(await readdir(folder)).toEqual(['other.jpg', 'photo.jpg']);
});
