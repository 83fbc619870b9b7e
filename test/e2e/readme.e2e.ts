// Property: both programs of the README run as they stand there, on a whole house with real photos; only addresses are changed.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { transformWithOxc } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { House, packageDir, possible } from './house.ts';

const run = promisify(execFile);

describe.skipIf(!possible)('the programs of the README', () => {
  let house: House;
  let folder: string;
  let temporal: string;
  let programs: string[];
  beforeAll(async () => {
    house = await House.start();
    temporal = JSON.parse(await readFile(join(house.dataDir, 'run/darkroom.json'), 'utf8')).temporalAddress;
    // Inside the package: that is where its own name is found.
    folder = await mkdtemp(join(packageDir, '.readme-'));
    await symlink(join(packageDir, 'samples'), join(folder, 'samples'));
    const page = await readFile(join(packageDir, 'README.md'), 'utf8');
    programs = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, program]) => program ?? '');
  });
  afterAll(async () => {
    await house?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function play(what: string): Promise<string> {
    const [source, ...others] = programs.filter((program) => program.includes(what));
    expect([typeof source, others]).toEqual(['string', []]);
    const placed = (source ?? '').replaceAll('http://127.0.0.1:8000', house.url).replaceAll('127.0.0.1:7233', temporal);
    const { code } = await transformWithOxc(placed, 'program.ts');
    const path = join(folder, `${what.replace(/\W/g, '-')}.mjs`);
    await writeFile(path, code);
    return (await run(process.execPath, [path], { cwd: folder })).stdout;
  }

  it('with the client: ten lines, a folder there and back', async () => {
    const source = programs.find((program) => program.includes('DarkroomClient')) ?? '';
    expect(
      source
        .trim()
        .split('\n')
        .filter((line) => line.trim() !== '').length,
    ).toBeLessThanOrEqual(10);
    const said = await play('DarkroomClient');
    expect(said).toMatch(/completed/);
    expect((await readFile(join(folder, 'better.zip'))).subarray(0, 2).toString()).toBe('PK');
  });

  it('with Temporal’s own client: start, query, update, signal, result', async () => {
    const said = await play('@temporalio/client');
    expect(said).toMatch(/total: 3/);
    expect(said).toMatch(/paused/);
    expect(said).toMatch(/status: 'completed'/);
  });
});
