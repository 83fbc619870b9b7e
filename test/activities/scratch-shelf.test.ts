/** Desks are swept when nobody will come back to them, and never sooner: what a photo has of finished tiles is hours of work. */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ScratchShelf } from '../../src/activities/scratch-shelf.ts';

const HOUR_MS = 3_600_000;
let root: string;
let shelf: ScratchShelf;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'darkroom-desks-'));
  shelf = new ScratchShelf(root, randomUUID, Date.now);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const hoursAgo = (hours: number): number => Date.now() - hours * HOUR_MS;

/** A desk with one tile; both as old as is said. */
async function leaveDesk(photo: string, { desk, tile }: { desk: number; tile: number }): Promise<void> {
  const path = join(root, `${photo}~left`);
  await mkdir(join(path, 'tiles-1-a'), { recursive: true });
  await writeFile(join(path, 'tiles-1-a', '0.rgb'), 'tile');
  await utimes(join(path, 'tiles-1-a'), hoursAgo(tile) / 1000, hoursAgo(tile) / 1000);
  await utimes(path, hoursAgo(desk) / 1000, hoursAgo(desk) / 1000);
}

const sweep = (settled: readonly string[] = []): Promise<number> =>
  shelf.sweep(hoursAgo(24), (photo) => Promise.resolve(settled.includes(photo)));

const left = async (): Promise<string[]> => (await readdir(root)).map((name) => name.split('~', 1)[0] ?? '').sort();

it('goes by the newest tile, not by when the desk was made', async () => {
  await leaveDesk('given-up', { desk: 30, tile: 29 });
  await leaveDesk('at-work', { desk: 30, tile: 0 });
  expect(await sweep()).toBe(1);
  expect(await left()).toEqual(['at-work']);
});

it('leaves a desk alone that was taken over, however old its tiles are', async () => {
  await leaveDesk('again', { desk: 30, tile: 29 });
  const { path } = await shelf.claim('again');
  expect(await sweep()).toBe(0);
  expect(await readdir(join(path, 'tiles-1-a'))).toEqual(['0.rgb']);
});

it('removes the desk of a photo that was finished elsewhere at once', async () => {
  await leaveDesk('done', { desk: 1, tile: 1 });
  await leaveDesk('open', { desk: 1, tile: 1 });
  expect(await sweep(['done'])).toBe(1);
  expect(await left()).toEqual(['open']);
});
