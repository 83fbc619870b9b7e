// Property: what a command line means is found once each, in a stable order, under names that cannot clash; links cannot make it
// run in circles, and results of an earlier run are not taken for photos.
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { collectPhotos } from '../../src/cli/enhance/collect-photos.ts';
import type { Buckets } from '../../src/storage/buckets.ts';

let folder: string;
/** What lies in buckets: pages of keys. */
let keys: string[][] = [];

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'darkroom-collect-')));
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

async function files(...names: string[]): Promise<void> {
  for (const name of names) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), name);
  }
}

const found = (key: string) => ({ key, bytes: 7, etag: `"${key}"`, modifiedAt: 1 });
const buckets: Pick<Buckets, 'list' | 'stat'> = {
  async *list({ key }) {
    const below = key === '' ? '' : `${key}/`;
    for (const page of keys) yield await Promise.resolve(page.filter((one) => one.startsWith(below)).map(found));
  },
  stat: ({ key }) => Promise.resolve(keys.flat().includes(key) ? found(key) : undefined),
};
const isOurs = ({ key }: { key: string }) => key === 'store' || key.startsWith('store/');
const places = () => ({ directory: folder, buckets, isOurs });

const names = async (paths: string[], out = 'out'): Promise<string[]> =>
  (await collectPhotos(paths, places(), join(folder, out))).photos.map(({ name }) => name);

it('searches folders for known extensions and keeps the folders below', async () => {
  await files('in/b.JPG', 'in/a.png', 'in/notes.txt', 'in/.hidden.jpg', 'in/.git/c.jpg', 'in/trip/c.webp');
  expect(await names(['in'])).toEqual(['a.png', 'b.JPG', 'trip/c.webp']);
});

it('takes a named file whatever it is called, and each file once', async () => {
  await files('in/a.jpg', 'scan');
  expect(await names(['scan', 'in', 'in/a.jpg', 'in/../scan'])).toEqual(['scan', 'a.jpg']);
});

it('gives equal names numbers, also when only capitals differ', async () => {
  await files('x/a.jpg', 'y/A.jpg', 'z/a.jpg', 'z/a-2.jpg');
  expect(await names(['x', 'y', 'z'])).toEqual(['a.jpg', 'A-2.jpg', 'a-2-2.jpg', 'a-3.jpg']);
});

it('survives links in circles and links to nowhere', async () => {
  await files('in/a.jpg', 'in/deep/b.jpg');
  await symlink(join(folder, 'in'), join(folder, 'in/deep/round'));
  await symlink(join(folder, 'nowhere.jpg'), join(folder, 'in/dead.jpg'));
  expect(await names(['in'])).toEqual(['a.jpg', 'deep/b.jpg']);
});

it('passes over the folder of the results inside of a searched one', async () => {
  await files('in/a.jpg', 'in/out/a.jpg');
  expect(await names(['in'], 'in/out')).toEqual(['a.jpg']);
});

it('tells of what is not there', async () => {
  const { photos, faults } = await collectPhotos(['gone.jpg'], places(), join(folder, 'out'));
  expect([photos, faults]).toEqual([[], ['gone.jpg does not exist or cannot be read.']]);
});

it('finds photos of buckets the same way, under names that lead nowhere else', async () => {
  await files('in/a.jpg');
  keys = [
    ['p/a.jpg', 'p/notes.txt', 'p/.hidden/b.jpg', 'p/../../../e.jpg', 'p/'],
    ['p/sub//c.PNG', 'p/A.jpg', 'px/d.jpg', 'scan', 'store/results/x.jpg'],
  ];
  expect(await names(['in', 's3://bucket/p/', 's3://bucket/scan', 's3://bucket/p/a.jpg'])).toEqual([
    'a.jpg',
    'a-2.jpg',
    'sub/c.PNG',
    'A-3.jpg',
    'scan',
  ]);
  const { photos } = await collectPhotos(['s3://bucket/scan'], places(), undefined);
  expect(photos).toEqual([{ path: 's3://bucket/scan', bytes: 7, modifiedMs: 1, etag: '"scan"', name: 'scan' }]);
  // All of the bucket, but for what the store keeps in it.
  expect(await names(['s3://bucket'])).toEqual(['p/a.jpg', 'p/sub/c.PNG', 'p/A-2.jpg', 'px/d.jpg']);
  for (const wrong of [
    's3://bucket/store',
    's3://bucket/store/results/x.jpg',
    's3://',
    's3://B_/x',
    's3://bucket/a//b/',
    's3://bucket/../x/',
  ]) {
    expect((await collectPhotos([wrong], places(), undefined)).faults).toHaveLength(1);
  }
});
