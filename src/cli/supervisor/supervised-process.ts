import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../../contracts/config.ts';
import { childMessageSchema, type ChildMessage } from '../../contracts/child-messages.ts';
import { openLog, shortenLog } from './log-file.ts';

export interface ProcessPlan {
  /** As in "The worker". */
  readonly title: string;
  readonly program: string;
  readonly arguments: readonly string[];
  readonly environment: Environment;
  readonly logFile: string;
  /** Holds the process number while it runs: how the next start finds it when this one was killed. */
  readonly pidFile: string;
  /** For programs that cannot tell by a message that they are ready. */
  readonly untilReady?: (signal: AbortSignal) => Promise<void>;
  readonly readyWithinMs: number;
  /** How often the first start is tried; default once. */
  readonly tries?: number;
  /** Patience between SIGTERM and SIGKILL. */
  readonly stopWithinMs: number;
}

export type Ready = Extract<ChildMessage, { type: 'ready' }>;

const BACK_OFF_MS = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000];
/** A process that lived so long did not fail because of what its predecessor failed of. */
const SETTLED_MS = 60_000;
const LOG_LOOK_EVERY_MS = 60_000;

/**
 * One process of the house: started, waited for, started again with growing pauses when it ends unasked, and ended. It leads
 * a process group of its own, so that Ctrl-C in the terminal reaches the supervisor alone, which knows the right order.
 */
export class SupervisedProcess {
  readonly #plan: ProcessPlan;
  readonly #say: (line: string) => void;
  #child: ChildProcess | undefined;
  #ended: Promise<string> = Promise.resolve('not started');
  #reason = '';
  #failures = 0;
  readonly #stopping = new AbortController();

  constructor(plan: ProcessPlan, say: (line: string) => void) {
    this.#plan = plan;
    this.#say = say;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Starts it for the first time; from then on it is kept running.
   * @throws Error with a sentence when it ends, or stays silent for too long, before it is ready.
   */
  async start(signal: AbortSignal): Promise<Ready> {
    const ready = await this.#launchPersistently(signal);
    void this.#keepRunning();
    return ready;
  }

  async #launchPersistently(signal: AbortSignal): Promise<Ready> {
    for (let left = (this.#plan.tries ?? 1) - 1; ; left--) {
      try {
        return await this.#launch(signal);
      } catch (error) {
        if (left <= 0 || signal.aborted) throw error;
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const child = this.#child;
    if (child === undefined) return;
    child.kill('SIGTERM');
    const inTime = new AbortController();
    const late = sleep(this.#plan.stopWithinMs, true, { signal: inTime.signal }).catch(() => false);
    if (await Promise.race([this.#ended.then(() => false), late])) {
      this.#say(`${this.#plan.title} did not stop in time and is ended.`);
      this.kill();
    }
    await this.#ended;
    inTime.abort();
  }

  /** Ends it and everything it started, at once. */
  kill(): void {
    this.#stopping.abort();
    if (this.#child !== undefined) killGroup(this.#child.pid);
  }

  async #launch(signal: AbortSignal): Promise<Ready> {
    const { plan, ended } = { plan: this.#plan, ended: this.#spawn() };
    const given = AbortSignal.any([signal, AbortSignal.timeout(plan.readyWithinMs)]);
    const child = this.#child;
    try {
      const ready = plan.untilReady
        ? plan.untilReady(given).then((): Ready => ({ type: 'ready' }))
        : readyMessage(child, given);
      const failed = ended.then((how) => {
        throw new Error(`${plan.title} ended before it was ready (${how}). ${this.#whatIsKnown()}`);
      });
      return await Promise.race([ready, failed]);
    } catch (error) {
      if (this.#child !== undefined) {
        killGroup(this.#child.pid);
        await ended;
      }
      signal.throwIfAborted();
      if (!given.aborted) throw error;
      const seconds = plan.readyWithinMs / 1000;
      throw new Error(`${plan.title} was not ready within ${seconds} s. ${this.#whatIsKnown()}`, { cause: error });
    }
  }

  #spawn(): Promise<string> {
    const { program, arguments: args, environment, logFile, pidFile, untilReady } = this.#plan;
    const log = openLog(logFile);
    this.#reason = '';
    const child = spawn(program, args, {
      env: environment,
      detached: true,
      stdio: ['ignore', log, log, ...(untilReady ? [] : ['ipc' as const])],
    });
    closeSync(log);
    this.#child = child;
    child.on('message', (raw) => {
      const message = childMessageSchema.safeParse(raw).data;
      if (message?.type === 'failed') this.#reason = message.message;
    });
    this.#ended = new Promise((resolve) => {
      const watchingLog = setInterval(() => shortenLog(logFile), LOG_LOOK_EVERY_MS);
      const end = (how: string): void => {
        clearInterval(watchingLog);
        killGroup(child.pid); // what it started must not outlive it: an engine would keep its memory
        rmSync(pidFile, { force: true });
        if (this.#child === child) this.#child = undefined;
        resolve(how);
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (code, killedBy) => end(killedBy ?? `exit code ${code}`));
    });
    this.#leaveTrace(child.pid);
    return this.#ended;
  }

  /** At once and synchronously: a supervisor killed right now must leave a trace of what it started. */
  #leaveTrace(pid: number | undefined): void {
    if (pid === undefined) return;
    try {
      writeFileSync(this.#plan.pidFile, String(pid));
    } catch (error) {
      // On a full disk it is better to have the process, and to end it in order, than to have none.
      this.#say(`${this.#plan.title} runs, but its number could not be written down. ${String(error)}`);
    }
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const since = performance.now();
      const how = await this.#ended;
      if (signal.aborted) return;
      if (performance.now() - since > SETTLED_MS) this.#failures = 0;
      const pause = BACK_OFF_MS[Math.min(this.#failures, BACK_OFF_MS.length - 1)];
      this.#failures += 1;
      this.#say(`${this.#plan.title} ended unexpectedly (${how}) and is started again. ${this.#whatIsKnown()}`);
      try {
        await sleep(pause, undefined, { signal });
        await this.#launch(signal);
        this.#say(`${this.#plan.title} is back.`);
      } catch {
        // its end was awaited inside; the loop tells of it and tries again
      }
    }
  }

  #whatIsKnown(): string {
    return this.#reason === '' ? `Its log is ${this.#plan.logFile}.` : this.#reason;
  }
}

async function readyMessage(child: ChildProcess | undefined, signal: AbortSignal): Promise<Ready> {
  return await new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    child?.on('message', (raw) => {
      const message = childMessageSchema.safeParse(raw).data;
      if (message?.type === 'ready') resolve(message);
    });
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: nobody of the group is left
  }
}
