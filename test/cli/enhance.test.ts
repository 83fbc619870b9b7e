// Property: `darkroom enhance` puts every good photo into the folder exactly once, whatever happens on the way, tells about every
// bad one, and exits with what happened. Everything is real: the build, Temporal, a worker, a network.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { built, possible, runDarkroom, type Ran } from './support/command.ts';
import { makePhoto } from './support/photo-tree.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'darkroom-enhance-'));
  await mkdir(join(folder, 'in/trip'), { recursive: true });
});
afterEach(async () => await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));

const photo = async (name: string, width: number, height: number): Promise<void> =>
  await makePhoto(join(folder, 'in', name), width, height);

const enhance = async (args: readonly string[], whenTold?: string): Promise<Ran> =>
  await runDarkroom(folder, ['enhance', ...args], whenTold);

describe.skipIf(!possible)('darkroom enhance', () => {
  it('enhances what it can, names what it cannot, and does nothing twice', { timeout: 120_000 }, async () => {
    await photo('a.jpg', 40, 30);
    await photo('trip/a.png', 33, 21);
    await writeFile(join(folder, 'in/broken.jpg'), (await readFile(join(folder, 'in/a.jpg'))).subarray(0, 200));
    const args = ['in', '--out', 'out', '--quality', 'fast', '--scale', '2', '--json'];

    // Somebody else's file of that name must survive.
    await mkdir(join(folder, 'out'));
    await writeFile(join(folder, 'out/a.jpg'), 'mine');

    const first = await enhance(args);
    expect(first.code, first.told).toBe(1);
    const answer = JSON.parse(first.output);
    expect(answer).toMatchObject({ counts: { total: 3, completed: 2, kept: 0, failed: 1 } });
    expect(answer.operation_id).toMatch(/^b-/);
    expect(first.told).toMatch(/failed {2}broken\.jpg: /);
    const { width, height } = await sharp(join(folder, 'out/trip/a.png')).metadata();
    expect([width, height]).toEqual([66, 42]);
    const written = (await stat(join(folder, 'out/a-2.jpg'))).mtimeMs;

    await rm(join(folder, 'in/broken.jpg'));
    const second = await enhance(args);
    expect(second.code, second.told).toBe(0);
    expect(JSON.parse(second.output)).toMatchObject({ counts: { total: 2, completed: 0, kept: 2, failed: 0 } });
    expect((await stat(join(folder, 'out/a-2.jpg'))).mtimeMs).toBe(written);
    expect(await readFile(join(folder, 'out/a.jpg'), 'utf8')).toBe('mine');
    expect((await readdir(join(folder, 'out'), { recursive: true })).sort()).toEqual([
      'a-2.jpg',
      'a.jpg',
      'trip',
      'trip/a.png',
    ]);
  });

  it('killed with -9 in the middle, goes on when run again', { timeout: 240_000 }, async () => {
    for (let number = 1; number <= 6; number += 1) await photo(`${number}.png`, 450, 300);
    const args = ['in', '--out', 'out', '--quality', 'fast', '--json'];
    const killed = await enhance(args, 'done  ');
    expect(killed.code).toBeNull();
    const early = await readdir(join(folder, 'out'));
    expect(early.length).toBeLessThan(6);

    const stored = await readdir(join(folder, 'data/store'), { recursive: true });
    const [batchId] = stored.flatMap((path) => /b-\d{8}-\d{6}-[0-9a-z]{10}/.exec(path) ?? []);
    const left = join(folder, 'out', `.darkroom-999999999-${batchId}.5.tmp`); // as a kill over a copy leaves it
    await writeFile(left, 'half');
    const again = await enhance(args);
    expect(again.code, again.told).toBe(0);
    expect(again.told).toContain('Going on with what was begun before.');
    const { counts, operation_ids } = JSON.parse(again.output);
    expect([counts.completed + counts.kept, counts.failed, operation_ids.length]).toEqual([6, 0, 1]);
    expect((await readdir(join(folder, 'out'))).sort()).toEqual([1, 2, 3, 4, 5, 6].map((number) => `${number}.png`));
  });
});

describe.skipIf(!built)('a command that makes no sense', () => {
  it.each([
    [['in']],
    [['--out', 'out']],
    [['in', '--out', 'out']],
    [['gone.jpg', '--out', 'out']],
    [['in', '--out', 'out', '--quality', 'bogus']],
    [['in', '--out', 'out', '--scale', '3']],
  ])('%j exits 2 and starts nothing', async (args) => {
    const { code, output } = await enhance(args);
    expect([code, output]).toEqual([2, '']);
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });
});
