import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { anyFreePort } from '../../src/cli/supervisor/ports.ts';
import { healthSchema } from '../../src/contracts/http-service.ts';
import { loadConfig } from '../../src/load-config.ts';
import { readInstalledModels } from '../../src/models/installed-models.ts';
import { listProcesses, signal, waitFor } from './processes.ts';

export const packageDir = fileURLToPath(new URL('../..', import.meta.url));
/** The command as it was built. */
export const command = join(packageDir, 'dist/cli/main.js');

const installed = await readInstalledModels(loadConfig(process.env).config.CACHE_DIR).catch(() => []);
/** Whether a house can be started at all; tests that need one say that they are skipped. */
export const possible = existsSync(command) && installed.some(({ entry }) => entry.role === 'photo');
if (!possible) console.warn('There is no build or no model for photos: tests of the whole house are skipped.');

const PARTS = ['temporal', 'worker', 'api'] as const;
export type Part = (typeof PARTS)[number];

/** Of every house. */
export const SHUTDOWN_GRACE_MS = 3000;
const READY_WITHIN_MS = 120_000;
const HEALTHY_WITHIN_MS = 90_000;
const ENDED_WITHIN_MS = 40_000;

const open = new Set<House>();
// A run of the tests that is broken off must leave nothing behind either.
process.on('exit', () => open.forEach((house) => house.killAtOnce()));

/**
 * Darkroom as a user starts it: `darkroom start` in a process of its own, on a data directory and ports of its own, with the
 * models and the Temporal server of the user's cache. It may be killed in any part and started again; {@link close} ends
 * everything that was ever started, by process ID.
 */
export class House {
  readonly dataDir: string;
  readonly url: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #removes: boolean;
  #supervisor: ChildProcess | undefined;
  #said = '';
  /** Everything that was seen running for this house. */
  readonly #seen = new Set<number>();

  private constructor(dataDir: string, port: number, settings: NodeJS.ProcessEnv, removes: boolean) {
    this.dataDir = dataDir;
    this.url = `http://127.0.0.1:${port}`;
    this.#removes = removes;
    this.#environment = {
      ...process.env,
      TEMPORAL_ADDRESS: '',
      TEMPORAL_PORT: '0',
      TEMPORAL_UI_PORT: '0',
      SHUTDOWN_GRACE_MS: String(SHUTDOWN_GRACE_MS),
      SCRATCH_DIR: '',
      // Photos are small here, and their tiles are to be found again all the same.
      CHECKPOINT_MIN_MS: '0',
      ...settings,
      DATA_DIR: dataDir,
      PORT: String(port),
    };
  }

  /** Starts one and waits until it is healthy. Without `dataDir` it lives in a temporary directory that goes with it. */
  static async start(settings: NodeJS.ProcessEnv = {}, dataDir?: string): Promise<House> {
    const directory = dataDir ?? (await mkdtemp(join(tmpdir(), 'darkroom-house-')));
    const house = new House(directory, await anyFreePort('127.0.0.1'), settings, dataDir === undefined);
    open.add(house);
    try {
      await house.begin();
    } catch (error) {
      await house.close();
      throw error;
    }
    return house;
  }

  get environment(): NodeJS.ProcessEnv {
    return { ...this.#environment };
  }

  /** Everything it told the person who started it. */
  get said(): string {
    return this.#said;
  }

  get isRunning(): boolean {
    return this.#supervisor?.exitCode === null && this.#supervisor.signalCode === null;
  }

  /** `darkroom start`, again if need be; `changes` are for this start alone. */
  async begin(changes: { command?: string; environment?: NodeJS.ProcessEnv } = {}): Promise<void> {
    const child = spawn(process.execPath, [changes.command ?? command, 'start'], {
      env: { ...this.#environment, ...changes.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#supervisor = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    }
    await waitFor('a healthy house', READY_WITHIN_MS, async () => {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`the house ended before it was healthy:\n${await this.story()}`);
      }
      return (await this.health()) === 'healthy' ? true : undefined;
    });
    await this.engines();
  }

  /** Waits until it is healthy again. @throws when it was stopped meanwhile. */
  async becomesHealthy(): Promise<void> {
    await waitFor('health', HEALTHY_WITHIN_MS, async () => {
      if (!this.isRunning) throw new Error('the house was stopped by somebody else than this test');
      return (await this.health()) === 'healthy' ? true : undefined;
    });
  }

  /** `undefined` while nobody answers. */
  async health(): Promise<string | undefined> {
    try {
      const answer = await fetch(`${this.url}/health`, { signal: AbortSignal.timeout(5000) });
      return healthSchema.parse(await answer.json()).status;
    } catch {
      return undefined;
    }
  }

  /** Process ID of a part; `undefined` while it does not run. */
  async pid(part: Part): Promise<number | undefined> {
    const text = await readFile(join(this.dataDir, 'run', `${part}.pid`), 'utf8').catch(() => '');
    const pid = Number(text);
    if (!Number.isInteger(pid) || pid < 2) return undefined;
    this.#seen.add(pid);
    return pid;
  }

  get supervisor(): number {
    const pid = this.#supervisor?.pid;
    if (pid === undefined) throw new Error('Expected a house that was started');
    return pid;
  }

  /** Process IDs of the engines: children of the worker. */
  async engines(): Promise<number[]> {
    const worker = await this.pid('worker');
    const pids = (await listProcesses())
      .filter(({ parent, command }) => parent === worker && command.includes('engine-process'))
      .map(({ pid }) => pid);
    for (const pid of pids) this.#seen.add(pid);
    return pids;
  }

  async worker(): Promise<number> {
    return await this.#need('worker');
  }

  /** Sends a signal to a part that runs, waiting for it if it is just being started. @returns its process ID. */
  async signal(part: Part | 'engine', name: NodeJS.Signals): Promise<number> {
    const pid =
      part === 'engine'
        ? await waitFor('an engine', 30_000, async () => (await this.engines())[0])
        : await this.#need(part);
    signal(pid, name);
    return pid;
  }

  /** Sends a signal to whoever was started by the person and waits until that process is gone. @returns its exit code. */
  async end(name: NodeJS.Signals): Promise<number | null> {
    const child = this.#supervisor;
    await this.engines();
    for (const part of PARTS) await this.pid(part);
    child?.kill(name);
    await waitFor('the end of the supervisor', ENDED_WITHIN_MS, async () =>
      child === undefined || child.exitCode !== null || child.signalCode !== null ? true : undefined,
    );
    return child?.exitCode ?? null;
  }

  /** Ends it in order and begins it again; `environment` is for this start alone. */
  async restart(environment: NodeJS.ProcessEnv = {}): Promise<void> {
    await this.end('SIGTERM');
    await this.begin({ environment });
  }

  /** SIGKILL to everybody at once, as when the power goes. */
  async killEverything(): Promise<void> {
    const pids = [this.supervisor, ...(await this.engines())];
    for (const part of PARTS) pids.push((await this.pid(part)) ?? 0);
    for (const pid of pids.filter((pid) => pid > 1)) signal(pid, 'SIGKILL');
    await this.end('SIGKILL');
  }

  /** Processes of this house that are still there, however they came to be without a parent. */
  async remaining(): Promise<string[]> {
    const mine = (await listProcesses()).filter(
      ({ pid, command }) => command.includes(this.dataDir) || (this.#seen.has(pid) && command.includes(packageDir)),
    );
    for (const { pid } of mine) this.#seen.add(pid);
    return mine.map(({ pid, command }) => `${pid} ${command.slice(0, 100)}`);
  }

  /** The last lines of all that was said and logged, for a test that fails. */
  async story(): Promise<string> {
    const logs = await readdir(join(this.dataDir, 'logs')).catch(() => []);
    const tails = logs.map(async (name) => {
      const text = await readFile(join(this.dataDir, 'logs', name), 'utf8').catch(() => '');
      return `--- ${name}\n${text.slice(-3000)}`;
    });
    return [`--- told\n${this.#said.slice(-3000)}`, ...(await Promise.all(tails))].join('\n');
  }

  /** In order, then whatever is left by force. */
  async close(): Promise<void> {
    try {
      await this.end('SIGTERM').catch(() => undefined);
      this.#supervisor?.kill('SIGKILL');
      await this.remaining();
    } finally {
      this.killAtOnce();
      open.delete(this);
      if (this.#removes) await rm(this.dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    }
  }

  /** Without waiting for anything: all that can be done while this process ends. */
  killAtOnce(): void {
    this.#supervisor?.kill('SIGKILL');
    for (const part of PARTS) {
      try {
        this.#seen.add(Number(readFileSync(join(this.dataDir, 'run', `${part}.pid`), 'utf8')));
      } catch {
        // does not run
      }
    }
    for (const pid of this.#seen) if (pid > 1 && isMine(pid, this.dataDir)) signal(pid, 'SIGKILL');
  }

  async #need(part: Part): Promise<number> {
    return await waitFor(`process of ${part}`, 30_000, () => this.pid(part));
  }
}

/** Process IDs are given out again: only a command line of this house or package is ever killed. */
function isMine(pid: number, dataDir: string): boolean {
  if (process.platform !== 'linux') return true;
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return command.includes(dataDir) || command.includes(packageDir);
  } catch {
    return false;
  }
}
