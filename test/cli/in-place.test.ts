// Property: photos enhanced in place and rolled back leave the folder as it was, to the byte, the mode and the microsecond; what
// somebody changed in between is left alone and named; nothing is enlarged twice; the history knows it all, whatever runs.
import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { built, launchDarkroom, possible, runDarkroom, type Ran, type RunningCommand } from './support/command.ts';
import { hashTree, makeOdd, makePhoto, sizeOf } from './support/photo-tree.ts';

let folder: string;
let running: RunningCommand[];

beforeEach(async () => {
  running = [];
  folder = await mkdtemp(join(tmpdir(), 'darkroom-in-place-'));
});
afterEach(async () => {
  for (const one of running) await one.end('SIGTERM');
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});

const darkroom = async (...args: string[]): Promise<Ran> => await runDarkroom(folder, args);
const inside = (name: string): string => join(folder, 'in', name);

function launch(...args: string[]): RunningCommand {
  const one = launchDarkroom(folder, args);
  running.push(one);
  return one;
}

async function openHouse(): Promise<RunningCommand> {
  const house = launch('start');
  await house.until('Ctrl-C stops everything');
  return house;
}

interface Listed {
  operation_id: string;
  kind: string;
  state: string;
  completed: number;
  destination: { kind: string; path: string | null };
}
async function listHistory(...args: string[]): Promise<Listed[]> {
  const { code, output, told } = await darkroom('history', '--json', ...args);
  expect(code, told).toBe(0);
  return JSON.parse(output).operations;
}

const IN_PLACE = ['enhance', 'in', '--in-place', '--quality', 'fast', '--scale', '2', '--json'];

describe.skipIf(!possible)('darkroom enhance --in-place', () => {
  it('replaces a tree of photos and brings back every byte', { timeout: 240_000 }, async () => {
    await makePhoto(inside('a.jpg'), 40, 30);
    await makePhoto(inside('trip/b.png'), 33, 21);
    await makePhoto(inside('trip/day 2/c.JPEG'), 24, 24);
    await writeFile(inside('trip/notes.txt'), 'not a photo');
    await makeOdd(inside('a.jpg'), 0o640, 1_600_000_000_123_457);
    await makeOdd(inside('trip/b.png'), 0o444, 1_600_000_001_000_001);
    await makeOdd(inside('trip/day 2/c.JPEG'), 0o604, 1_700_000_002_999_999);
    await chmod(inside('trip'), 0o750);
    const before = await hashTree(inside(''));

    const first = await darkroom(...IN_PLACE);
    expect(first.code, first.told).toBe(0);
    const one = JSON.parse(first.output);
    expect(one).toMatchObject({ out: null, counts: { total: 3, completed: 3, kept: 0, failed: 0 } });
    expect(first.told).toContain('3 photos will be replaced by their results; the originals are kept.');
    expect(first.told.indexOf(`darkroom rollback ${one.operation_id}`)).toBeLessThan(first.told.indexOf('done  '));
    expect(await sizeOf(inside('trip/day 2/c.JPEG'))).toEqual([48, 48]);
    const enhanced = await hashTree(inside(''));
    expect(enhanced).not.toBe(before);

    const back = await darkroom('rollback', one.operation_id, '--json');
    expect(back.code, back.told).toBe(0);
    expect(JSON.parse(back.output)).toMatchObject({ operations: [one.operation_id], photos: [] });
    expect(await hashTree(inside(''))).toBe(before);

    // Nothing runs any more: the journal alone answers, also for what was rolled back already.
    const again = await darkroom('rollback', one.operation_id);
    expect([again.code, again.told]).toEqual([0, 'This was rolled back before.\n3 of 3 photos undone.\n']);
    const undone = await darkroom('rollback', JSON.parse(back.output).operation_id);
    expect([undone.code, undone.told]).toEqual([2, expect.stringContaining('cannot be rolled back')]);
    expect(await listHistory('--kind', 'batch')).toMatchObject([
      { operation_id: one.operation_id, state: 'rolled_back', destination: { kind: 'in_place' } },
    ]);
  });

  it('enlarges nothing twice, and does again what was rolled back or changed since', { timeout: 240_000 }, async () => {
    await openHouse();
    await makePhoto(inside('a.jpg'), 40, 30);
    await makePhoto(inside('b.png'), 30, 20);
    const enhance = async () => {
      const { code, output, told } = await darkroom(...IN_PLACE);
      expect(code, told).toBe(0);
      return JSON.parse(output);
    };
    const sizes = async (...names: string[]) => await Promise.all(names.map((name) => sizeOf(inside(name))));
    const one = await enhance();
    expect(one.counts).toEqual({ total: 2, completed: 2, kept: 0, failed: 0 });

    // A result with another time is the same result; a photo that is new is enhanced.
    await makeOdd(inside('a.jpg'), 0o640, 1_650_000_000_000_007);
    await makePhoto(inside('new.webp'), 20, 20);
    expect((await enhance()).counts).toEqual({ total: 3, completed: 1, kept: 2, failed: 0 });
    expect(await sizes('a.jpg', 'new.webp')).toEqual([
      [80, 60],
      [40, 40],
    ]);

    const part = await darkroom('rollback', one.operation_id, '--photo', `${one.operation_id}.1`);
    expect([part.code, part.told]).toEqual([0, expect.stringContaining('1 of 1 photo undone.')]);
    expect(await sizes('a.jpg', 'b.png')).toEqual([
      [80, 60],
      [30, 20],
    ]);
    await makePhoto(inside('new.webp'), 50, 10);
    expect((await enhance()).counts).toEqual({ total: 3, completed: 2, kept: 1, failed: 0 });
    expect(await sizes('b.png', 'new.webp')).toEqual([
      [60, 40],
      [100, 20],
    ]);
    expect((await enhance()).counts).toEqual({ total: 3, completed: 0, kept: 3, failed: 0 });
  });

  it(
    'leaves and reports what somebody changed, counts what it cannot write as failed',
    { timeout: 240_000 },
    async () => {
      const house = await openHouse();
      await makePhoto(inside('a.jpg'), 40, 30);
      await makePhoto(inside('b.png'), 30, 20);
      await makePhoto(inside('moving.gif'), 20, 20);
      await writeFile(inside('broken.jpg'), (await readFile(inside('a.jpg'))).subarray(0, 200));
      const original = await readFile(inside('b.png'));

      const enhanced = await darkroom(...IN_PLACE);
      expect(enhanced.code, enhanced.told).toBe(1);
      const { counts, operation_id: batch } = JSON.parse(enhanced.output);
      expect(counts).toEqual({ total: 4, completed: 2, kept: 0, failed: 2 });
      expect(enhanced.told).toMatch(/failed {2}moving\.gif: It cannot be replaced in place: GIF/);
      expect(enhanced.told).toContain('3 photos will be replaced');

      await writeFile(inside('a.jpg'), 'mine');
      const back = await darkroom('rollback', batch, '--json');
      expect(back.code, back.told).toBe(1);
      const account = JSON.parse(back.output);
      expect(account.counts).toEqual({ undone: 1, nothing_to_undo: 1, left_changed: 1, failed: 0 });
      expect(account.photos).toMatchObject([
        { task_id: `${batch}.0`, name: 'a.jpg', result: 'left_changed' },
        { name: 'broken.jpg', result: 'nothing_to_undo' },
      ]);
      expect(back.told).toContain('left    a.jpg: The file was changed by someone since');
      expect(await readFile(inside('a.jpg'), 'utf8')).toBe('mine');
      expect(await readFile(inside('b.png'))).toEqual(original);

      const live = await listHistory();
      expect(live).toMatchObject([
        { operation_id: account.operation_id, kind: 'rollback', state: 'partial_completed' },
        { operation_id: batch, state: 'rolled_back', rolled_back_by: account.operation_id, undoable: true },
      ]);
      expect(await house.end('SIGTERM')).toBe(0);
      expect(await listHistory()).toEqual(live);
      const { output } = await darkroom('history');
      expect(output.split('\n')[2]).toMatch(/3 photos in place, fast, 2x .* rolled_back .*rolled back by r-/);
    },
  );
});

describe.skipIf(!possible)('darkroom rollback, pause and resume', () => {
  it('take back copies from a folder; an open batch waits for the next start', { timeout: 240_000 }, async () => {
    // Enough to do while the command to pause starts.
    for (const name of ['1', '2', '3', '4', '5', '6']) await makePhoto(inside(`${name}.png`), 1200, 840);
    const house = await openHouse();
    const enhancing = launch('enhance', 'in', '--out', 'out', '--quality', 'fast', '--scale', '2');
    await enhancing.until('done  ');
    const batch = (await listHistory())[0]?.operation_id ?? '';
    const paused = await darkroom('pause', batch);
    expect([paused.code, paused.told]).toEqual([0, expect.stringMatching(/^Paused/)]);
    await enhancing.end('SIGKILL');
    await house.end('SIGTERM');

    expect(await listHistory()).toMatchObject([{ state: 'waiting', destination: { kind: 'folder' } }]);
    expect((await darkroom('history')).output).toContain('waiting; start Darkroom to go on');
    const idle = await darkroom('cancel', batch);
    expect([idle.code, idle.told]).toEqual([2, expect.stringContaining('No Darkroom runs on')]);
    const resumed = await darkroom('resume', batch);
    expect(resumed.code, resumed.told).toBe(0);
    expect(resumed.told).toContain('All done: 6 photos.');
    expect(await listHistory()).toMatchObject([{ state: 'completed', completed: 6 }]);

    await openHouse();
    const again = await darkroom('enhance', 'in', '--out', 'out', '--quality', 'fast', '--scale', '2');
    expect(again.code, again.told).toBe(0);
    expect(await readdir(join(folder, 'out'))).toHaveLength(6);
    await appendFile(join(folder, 'out/2.png'), 'mine');
    const back = await darkroom('rollback', batch);
    expect(back.code, back.told).toBe(1);
    expect(back.told).toContain('5 of 6 photos undone, 1 left alone.');
    expect(await readdir(join(folder, 'out'))).toEqual(['2.png']);
  });
});

describe.skipIf(!built)('commands that make no sense', () => {
  const unknown = 'b-20261122-120934-k7m2x9qfab';
  it.each([
    [['enhance', 'in', '--in-place', '--out', 'out'], /cannot be used with option '--out/],
    [['enhance', 'in', '--in-place'], /There is no photo/],
    [['rollback'], /missing required argument/],
    [['rollback', unknown], /There is no operation/],
    [['rollback', 'bogus'], /There is no operation bogus/],
    [['resume', unknown], /There is no operation/],
    [['pause', unknown], /No Darkroom runs/],
    [['cancel', 'bogus'], /There is no batch bogus/],
    [['history', '--limit', '0'], /from 1 to 1000/],
  ])('%j exits 2, says why and starts nothing', async (args, reason) => {
    await mkdir(inside(''), { recursive: true });
    const { code, output, told } = await darkroom(...args);
    expect([code, output]).toEqual([2, '']);
    expect(told).toMatch(reason);
    expect(await readdir(folder)).toEqual(['in']);
  });

  it('asks for the history of a place without any', async () => {
    expect(await darkroom('history')).toEqual({ code: 0, output: '', told: 'Nothing was enhanced here yet.\n' });
  });
});
