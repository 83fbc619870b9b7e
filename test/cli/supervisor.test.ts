// Property: a data directory has one set of processes, started in the order of need and stopped in the reverse one; whoever is
// killed, however hard, the next start finds the place in order. The Temporal server is real, worker and API are stand-ins.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identifyProcess } from '../../src/cli/supervisor/process-identity.ts';
import { readRunFile } from '../../src/cli/supervisor/run-file.ts';
import { SupervisedProcess } from '../../src/cli/supervisor/supervised-process.ts';
import { Supervisor } from '../../src/cli/supervisor/supervisor.ts';
import { loadConfig } from '../../src/load-config.ts';

const standIn = (name: string): string => fileURLToPath(new URL(`stand-ins/${name}.mjs`, import.meta.url));
const built = existsSync(fileURLToPath(new URL('../../dist/cli/supervisor/supervisor.js', import.meta.url)));

let folder: string;
let said: string[];
let opened: Supervisor[];
let processes: ChildProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'darkroom-house-'));
  [said, opened, processes] = [[], [], []];
});
afterEach(async () => {
  for (const one of processes) one.kill('SIGKILL');
  for (const one of opened) one.kill();
  for (const pid of await pidsOf('temporal', 'worker', 'api')) killIfThere(pid);
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});

const environment = (more: Record<string, string> = {}): Record<string, string | undefined> => ({
  ...process.env,
  TEMPORAL_ADDRESS: '',
  TEMPORAL_CONFIG_FILE: '',
  TEMPORAL_PORT: '0',
  TEMPORAL_UI_PORT: '0',
  PORT: '0',
  DATA_DIR: folder,
  EVENTS: join(folder, 'events'),
  SHUTDOWN_GRACE_MS: '2000',
  ...more,
});

function supervisor(more: Record<string, string> = {}): Supervisor {
  const made = new Supervisor({
    loaded: loadConfig(environment(more)),
    scripts: { worker: standIn('worker'), api: standIn('api') },
    provideModels: async () => await Promise.resolve(['a notice']),
    say: (line) => said.push(line),
    onDownload: () => undefined,
    onPhase: () => undefined,
  });
  opened.push(made);
  return made;
}

const open = async (one: Supervisor) => await one.open(new AbortController().signal);
const events = async (): Promise<string[]> =>
  (await readFile(join(folder, 'events'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
async function pidsOf(...names: string[]): Promise<number[]> {
  const texts = await Promise.all(
    names.map((name) => readFile(join(folder, 'run', `${name}.pid`), 'utf8').catch(() => '')),
  );
  return texts.filter((text) => text !== '').map(Number);
}
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended already
  }
}
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let look = 0; look < 300; look += 1) {
    if (await holds()) return;
    await sleep(100);
  }
  throw new Error(`Expected within 30 s: ${what}. Said: ${said.join(' | ')}. Events: ${(await events()).join(' | ')}`);
}

describe('a supervisor', () => {
  it('starts everything, says where it is, and stops API, worker and Temporal in this order', async () => {
    const house = supervisor();
    const { apiUrl, temporalAddress, device, notices } = await open(house);
    expect([apiUrl, device, notices]).toEqual(['http://127.0.0.1:1', 'cpu', ['a notice']]);
    expect(await readRunFile(folder)).toMatchObject({ pid: process.pid, apiUrl, temporalAddress });
    await expect(open(supervisor())).rejects.toMatchObject({ code: 'already_running' });
    await house.close();
    expect((await events()).slice(2)).toEqual([
      'api stopped while Temporal was there',
      'worker stopped while Temporal was there',
    ]);
    expect(await readdir(join(folder, 'run'))).toEqual([]);
    expect(said).toEqual([]);
  });

  it('starts a killed worker and a killed Temporal again', async () => {
    const house = supervisor();
    const { temporalAddress } = await open(house);
    const [temporal = 0, worker = 0] = await pidsOf('temporal', 'worker');
    killIfThere(worker);
    killIfThere(temporal);
    await until(
      'both are back',
      async () => await Promise.resolve(said.filter((line) => line.includes('is back')).length === 2),
    );
    expect(await pidsOf('temporal', 'worker')).not.toContain(worker);
    expect(said[0]).toMatch(/ended unexpectedly \(SIGKILL\) and is started again/);
    expect((await readRunFile(folder))?.temporalAddress).toBe(temporalAddress);
    await house.close();
    expect(await readdir(join(folder, 'run'))).toEqual([]);
  });

  it('starts a killed API again on the port that the system chose for it', async () => {
    const house = supervisor({ PORT: '0' });
    const { apiUrl = '' } = await open(house);
    const [api = 0] = await pidsOf('api');
    killIfThere(api);
    await until('the API is back', async () => await Promise.resolve(said.includes('The API is back.')));
    const starts = (await events()).filter((line) => line.startsWith('api started'));
    expect(starts.map((line) => line.replace(/.* /, ''))).toEqual(['PORT=0', `PORT=${new URL(apiUrl).port}`]);
    await house.close();
  });

  it('passes on the sentence of a process that cannot start, and leaves nothing running', async () => {
    await expect(open(supervisor({ BROKEN: 'worker' }))).rejects.toThrow('The worker has no bread.');
    expect(await readdir(join(folder, 'run'))).toEqual([]);
  });

  it('tries a program again that ends by bad luck before it is ready, so often and no more', async () => {
    const script = `const { existsSync, writeFileSync } = require('node:fs');
      for (const mark of ['first', 'second']) {
        const file = process.env.FOLDER + '/' + mark;
        if (!existsSync(file)) { writeFileSync(file, ''); process.exit(2); }
      }
      process.send({ type: 'ready' });
      setInterval(() => undefined, 1000);`;
    const plan = {
      title: 'The unlucky one',
      program: process.execPath,
      arguments: ['-e', script],
      environment: { ...process.env, FOLDER: folder },
      logFile: join(folder, 'log'),
      pidFile: join(folder, 'pid'),
      readyWithinMs: 20_000,
      stopWithinMs: 5000,
    };
    const signal = AbortSignal.timeout(30_000);
    await expect(new SupervisedProcess({ ...plan, tries: 1 }, () => undefined).start(signal)).rejects.toThrow(
      'exit code 2',
    );
    const lucky = new SupervisedProcess({ ...plan, tries: 2 }, () => undefined);
    expect(await lucky.start(signal)).toMatchObject({ type: 'ready' });
    await lucky.stop();
  });

  it('ends a process that does not listen', async () => {
    const stubborn = new SupervisedProcess(
      {
        title: 'The worker',
        program: process.execPath,
        arguments: [standIn('worker')],
        environment: environment({ STUBBORN: 'yes' }),
        logFile: join(folder, 'log'),
        pidFile: join(folder, 'pid'),
        readyWithinMs: 20_000,
        stopWithinMs: 200,
      },
      (line) => said.push(line),
    );
    await stubborn.start(new AbortController().signal);
    await stubborn.stop();
    expect(said).toEqual(['The worker did not stop in time and is ended.']);
    expect(existsSync(join(folder, 'pid'))).toBe(false);
  });

  it('keeps hold of a process whose number cannot be written down', async () => {
    const worker = new SupervisedProcess(
      {
        title: 'The worker',
        program: process.execPath,
        arguments: [standIn('worker')],
        environment: environment(),
        logFile: join(folder, 'log'),
        pidFile: join(folder, 'no-such-folder', 'pid'), // stands in for a full disk
        readyWithinMs: 20_000,
        stopWithinMs: 5000,
      },
      (line) => said.push(line),
    );
    await worker.start(new AbortController().signal);
    const { pid } = worker;
    expect(said).toEqual([expect.stringMatching(/^The worker runs, but its number could not be written down\. /)]);
    await worker.stop();
    expect(pid).toBeDefined();
    expect(() => process.kill(pid ?? 0, 0)).toThrow('ESRCH');
  });

  it('names a taken port before it starts anything', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = String(address !== null && typeof address === 'object' ? address.port : 0);
    try {
      await expect(open(supervisor({ PORT: port }))).rejects.toThrow(
        `Port ${port} (PORT) is in use by process ${process.pid}`,
      );
      expect(await readdir(join(folder, 'run'))).toEqual([]);
    } finally {
      server.close();
    }
  });
});

async function openAlone(): Promise<ChildProcess> {
  said = [];
  const one = spawn(process.execPath, [standIn('supervise')], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  processes.push(one);
  one.stdout.on('data', (chunk: Buffer) => said.push(...chunk.toString().trim().split('\n')));
  await until('it is open', async () => await Promise.resolve(said.at(-1) === 'open'));
  return one;
}

describe.skipIf(!built)('a supervisor of the build', () => {
  it('killed with -9 leaves children that end themselves, and a Temporal that the next start ends', async () => {
    const first = await openAlone();
    const [temporal = 0] = await pidsOf('temporal');
    first.kill('SIGKILL');
    await until(
      'both children noticed',
      async () => (await events()).filter((line) => line.includes('alone')).length === 2,
    );
    expect(await identifyProcess(temporal), 'Temporal lives on alone').toBeDefined();
    expect(await readRunFile(folder)).toBeUndefined();

    const second = await openAlone();
    expect(said).toContain('The last run was not ended in order; its work goes on now.');
    expect(said).toContain('The Temporal server of the last run was still there and was ended.');
    expect(await identifyProcess(temporal)).toBeUndefined();
    expect((await readRunFile(folder))?.pid).toBe(second.pid);
    second.kill('SIGTERM');
    await until('it has closed', async () => await Promise.resolve(said.at(-1) === 'closed'));
    expect(await readdir(join(folder, 'run'))).toEqual([]);
  });

  it('keeps Ctrl-C in the terminal away from its children', async () => {
    const one = await openAlone();
    const [temporal = 0, worker = 0, api = 0] = await pidsOf('temporal', 'worker', 'api');
    const groups = await Promise.all([temporal, worker, api, one.pid ?? 0].map(groupOf));
    expect(groups).toEqual([temporal, worker, api, groups[3]]);
    expect([temporal, worker, api]).not.toContain(groups[3]);
  });
});

/** Process group, out of `ps`. */
async function groupOf(pid: number): Promise<number> {
  const ps = spawn('ps', ['-o', 'pgid=', '-p', String(pid)]);
  let text = '';
  for await (const chunk of ps.stdout) text += String(chunk);
  return Number(text);
}
