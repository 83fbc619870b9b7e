import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { asDarkroomError } from '../contracts/errors.ts';

/** A working directory of one attempt at one photo. */
export interface Desk {
  readonly path: string;
  /** Removes it with all it holds. */
  discard(): Promise<void>;
}

/**
 * Working directories by photo. The directory of an attempt is `{photo}~{nonce}`; the next attempt takes it over by renaming
 * it, with the tiles that are finished. The renaming also takes it from an attempt that is still at it without knowing that
 * it was given up: its next write finds nothing to write to, so two attempts never mix.
 */
export class ScratchShelf {
  readonly #root: string;
  readonly #makeNonce: () => string;
  readonly #now: () => number;

  constructor(root: string, makeNonce: () => string, now: () => number) {
    this.#root = root;
    this.#makeNonce = makeNonce;
    this.#now = now;
  }

  async claim(photo: string): Promise<Desk> {
    const path = join(this.#root, `${photo}~${this.#makeNonce()}`);
    try {
      if (!(await this.#takeOver(await this.#leftOf(photo), path))) await mkdir(path, { recursive: true, mode: 0o700 });
      const seconds = this.#now() / 1000; // renaming leaves its time as it was
      await utimes(path, seconds, seconds);
    } catch (error) {
      throw asDarkroomError(error);
    }
    return { path, discard: () => rm(path, { recursive: true, force: true }) };
  }

  /** Removes what earlier attempts at a photo left: one that was killed after publishing had no time to tidy up. */
  async clear(photo: string): Promise<void> {
    for (const name of await this.#leftOf(photo)) await rm(join(this.#root, name), { recursive: true, force: true });
  }

  async #leftOf(photo: string): Promise<string[]> {
    return (await readdir(this.#root).catch(() => [])).filter((name) => name.startsWith(`${photo}~`));
  }

  async #takeOver(left: readonly string[], path: string): Promise<boolean> {
    let taken = false;
    for (const name of left) {
      if (taken) await rm(join(this.#root, name), { recursive: true, force: true });
      else
        taken = await rename(join(this.#root, name), path).then(
          () => true,
          () => false,
        );
    }
    return taken;
  }

  /**
   * Removes the directories of photos that need none any more, which a process that was killed or another host's attempt left,
   * and those that no attempt has touched since `olderThanMs`: their batches were given up.
   */
  async sweep(olderThanMs: number, isSettled: (photo: string) => Promise<boolean>): Promise<number> {
    const names = await readdir(this.#root).catch(() => []);
    let removed = 0;
    for (const name of names) {
      const path = join(this.#root, name);
      if ((await lastTouched(path)) >= olderThanMs && !(await isSettled(name.split('~', 1)[0] ?? ''))) continue;
      await rm(path, { recursive: true, force: true });
      removed += 1;
    }
    return removed;
  }
}

/** Tiles are made in directories of their own: that of the desk does not know of them. What cannot be looked at is in use. */
async function lastTouched(path: string): Promise<number> {
  const names = await readdir(path).catch(() => []);
  const paths = [path, ...names.map((name) => join(path, name))];
  const times = await Promise.all(
    paths.map((each) =>
      stat(each).then(
        ({ mtimeMs }) => mtimeMs,
        () => Infinity,
      ),
    ),
  );
  return Math.max(...times);
}
