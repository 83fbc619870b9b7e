import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const END_WITHIN_MS = 40_000;

/** One process of the cluster, on an address of its own; it can be killed and started again as often as one likes. */
export class Member {
  kills = 0;
  /** How often it was replaced in order. */
  deploys = 0;
  #child;
  #exited = Promise.resolve();

  /** @param plan name, program, args, env, cwd, uid and gid of the process, folder for its log, `ready` that resolves once it serves */
  constructor(plan) {
    this.plan = plan;
  }

  get name() {
    return this.plan.name;
  }

  get isRunning() {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async start() {
    const { name, program, args, env = {}, cwd, uid, gid, logs, ready } = this.plan;
    const log = createWriteStream(join(logs, `${name}.log`), { flags: 'a' });
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(uid === undefined ? {} : { uid, gid }),
    });
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once('exit', resolve);
      child.once('error', resolve);
    });
    await until(`${name} to be ready`, 120_000, async () => {
      if (!this.isRunning) throw new Error(`${name} ended as it was started; its log is ${join(logs, `${name}.log`)}`);
      return (await ready()) && this.isRunning;
    });
  }

  async kill() {
    this.kills += 1;
    await this.end('SIGKILL');
  }

  async end(signal = 'SIGTERM') {
    if (this.isRunning) this.#child.kill(signal);
    const late = sleep(END_WITHIN_MS, 'late', { ref: false });
    if ((await Promise.race([this.#exited, late])) === 'late') {
      this.#child.kill('SIGKILL');
      await this.#exited;
    }
  }
}

/** Asks again and again until the answer is true; an error of the question means not yet, unless the process is gone. */
export async function until(what, withinMs, ask) {
  const since = performance.now();
  for (let last; ; await sleep(100)) {
    try {
      if (await ask()) return;
    } catch (error) {
      last = error;
      if (/ended as it was started/.test(error.message)) throw error;
    }
    if (performance.now() - since > withinMs) throw new Error(`Waited in vain for ${what}`, { cause: last });
  }
}

export const answers = (url) => async () => (await fetch(url, { signal: AbortSignal.timeout(2000) })).status < 500;
