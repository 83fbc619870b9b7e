import { mkdir, readdir, stat, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isAlive } from './temporary-names.ts';

const BEAT_MS = 10_000;
/** A process that has said nothing for this long is gone; its clock is that of the file system. */
const SILENT_MS = 4 * BEAT_MS;
const NAME = /^(\d+)@(.+)$/;

/**
 * Which other processes use a folder: each keeps a file there, `{pid}@{host}`, and touches it now and then. One that has died on
 * this host is known at once, one of another host when it has been silent for a while.
 */
export class Neighbours {
  readonly #folder: string;
  readonly #host = hostname();
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @returns whether this process is alone. From now on others see it. */
  async join(onFault: (error: unknown) => void): Promise<boolean> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await this.#beat();
    this.#timer = setInterval(() => void this.#beat().catch(onFault), BEAT_MS).unref();
    const { mtimeMs: now } = await stat(this.#own());
    const others = (await readdir(this.#folder)).filter((name) => join(this.#folder, name) !== this.#own());
    const alive = await Promise.all(others.map((name) => this.#isAlive(name, now)));
    return !alive.includes(true);
  }

  async leave(): Promise<void> {
    clearInterval(this.#timer);
    await unlink(this.#own()).catch(() => undefined);
  }

  async #isAlive(name: string, now: number): Promise<boolean> {
    const [, pid, host] = NAME.exec(name) ?? [];
    const path = join(this.#folder, name);
    const seen = await stat(path).catch(() => undefined);
    const isSilent = !seen || seen.mtimeMs < now - SILENT_MS;
    if (!isSilent && (host !== this.#host || isAlive(Number(pid)))) return true;
    await unlink(path).catch(() => undefined);
    return false;
  }

  #own(): string {
    return join(this.#folder, `${process.pid}@${this.#host}`);
  }

  /** Written, not only touched: so the time is that of the file system, for all hosts. */
  async #beat(): Promise<void> {
    await writeFile(this.#own(), '.', { mode: 0o600 });
  }
}
