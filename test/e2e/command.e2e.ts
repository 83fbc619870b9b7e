// Property: `darkroom enhance` is the whole product in one command: every photo at exactly the size asked for, nothing done twice
// however often it is run or stopped, and an exit code that tells what happened.
import { spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command, packageDir, possible } from './house.ts';
import { crops, sample, truncated } from './photos.ts';
import { listProcesses, waitFor } from './processes.ts';
import { storedFiles } from './store-facts.ts';

interface Ran {
  readonly code: number | null;
  readonly output: string;
  readonly told: string;
}

describe.skipIf(!possible)('darkroom enhance', () => {
  let folder: string;
  let dataDir: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'darkroom-command-'));
    dataDir = join(folder, 'data');
  });
  afterAll(async () => await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }));

  /** Runs the command in the package's folder; `stopWhenTold` sends Ctrl-C's signal as soon as it has said that. */
  async function darkroom(args: readonly string[], stopWhenTold?: string): Promise<Ran> {
    const settings = { DATA_DIR: dataDir, TEMPORAL_ADDRESS: '', TEMPORAL_PORT: '0', TEMPORAL_UI_PORT: '0' };
    const env = { ...process.env, ...settings, SHUTDOWN_GRACE_MS: '1000' };
    const child = spawn(process.execPath, [command, ...args], { cwd: packageDir, env });
    let [output, told, stopped] = ['', '', false];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      told += text;
      if (stopWhenTold === undefined || stopped || !told.includes(stopWhenTold)) return;
      stopped = true;
      child.kill('SIGINT');
    });
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, output, told }));
    });
  }

  const sizeOf = async (path: string): Promise<[number, number]> => {
    const { width, height } = await sharp(path).metadata();
    return [width, height];
  };

  const batches = async (): Promise<number> =>
    (await storedFiles(dataDir)).filter((name) => name.endsWith('/header.json')).length;

  it('stopped by Ctrl-C, goes on when it is run again; run once more, has nothing to do', async () => {
    const [many, out] = [join(folder, 'many'), join(folder, 'out')];
    await mkdir(many);
    const photos = await crops(6, 600, 450);
    for (const { name, bytes } of photos) await writeFile(join(many, name), bytes);
    const args = ['enhance', many, '--out', out, '--quality', 'fast', '--json'];
    const stopped = await darkroom(args, 'done  ');
    expect(stopped.code, stopped.told).toBe(130);
    expect(stopped.told).toContain('run the same command again to go on');
    const early = await readdir(out);
    expect(early.length).toBeGreaterThan(0);
    expect(early.length).toBeLessThan(photos.length);
    const [first = ''] = early;
    const { mtimeMs } = await stat(join(out, first));

    const second = await darkroom(args);
    expect(second.code, second.told).toBe(0);
    expect(JSON.parse(second.output)).toMatchObject({ counts: { total: photos.length, failed: 0 } });
    expect((await readdir(out)).toSorted()).toEqual(photos.map(({ name }) => name));
    for (const { name } of photos) expect(await sizeOf(join(out, name)), name).toEqual([2400, 1800]);
    expect((await stat(join(out, first))).mtimeMs).toBe(mtimeMs);

    const before = await storedFiles(dataDir);
    const third = await darkroom(args);
    expect(third.code, third.told).toBe(0);
    const answer = JSON.parse(third.output);
    expect(answer.counts).toEqual({ total: photos.length, completed: 0, kept: photos.length, failed: 0 });
    expect(answer.operation_id).toBe(JSON.parse(second.output).operation_id);
    expect(await storedFiles(dataDir)).toEqual(before);
    expect(await batches()).toBe(1);
  });

  it('exits 1 when a photo is bad and does the others, at 2x when asked', async () => {
    const [inside, out] = [join(folder, 'in'), join(folder, 'out-2')];
    await mkdir(inside);
    await copyFile(sample('coffee.jpg'), join(inside, 'coffee.jpg'));
    for (const photo of (await crops(1)).map(truncated)) await writeFile(join(inside, 'broken.jpg'), photo.bytes);
    const ran = await darkroom(['enhance', inside, '--out', out, '--quality', 'fast', '--scale', '2', '--json']);
    expect(ran.code, ran.told).toBe(1);
    const { counts, files } = JSON.parse(ran.output);
    expect(counts).toEqual({ total: 2, completed: 1, kept: 0, failed: 1 });
    expect(files.find(({ status }: { status: string }) => status === 'failed')).toMatchObject({
      file: null,
      error: { code: 'image_unreadable' },
    });
    const [width, height] = await sizeOf(sample('coffee.jpg'));
    expect(await sizeOf(join(out, 'coffee.jpg'))).toEqual([width * 2, height * 2]);
    expect(await readdir(out)).toEqual(['coffee.jpg']);
  });

  it.each([
    [['enhance', 'samples']],
    [['enhance', 'samples', '--out', 'out', '--scale', '5']],
    [['enhance', 'samples', '--out', 'out', '--quality', 'bogus']],
    [['enhance', 'no-such-folder', '--out', 'out']],
  ])('%j exits 2 with a sentence', async (args) => {
    const { code, output, told } = await darkroom(args);
    expect([code, output]).toEqual([2, '']);
    expect(told).toMatch(/\w{3}/);
  });

  it('leaves no process behind', async () => {
    const mine = async () => (await listProcesses()).filter((one) => one.command.includes(dataDir));
    await waitFor('an empty data directory', 5000, async () => ((await mine()).length === 0 ? true : undefined));
  });
});
