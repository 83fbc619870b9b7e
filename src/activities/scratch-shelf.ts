import { mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
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

  constructor(root: string, makeNonce: () => string) {
    this.#root = root;
    this.#makeNonce = makeNonce;
  }

  async claim(photo: string): Promise<Desk> {
    const path = join(this.#root, `${photo}~${this.#makeNonce()}`);
    try {
      if (!(await this.#takeOver(await this.#leftOf(photo), path))) await mkdir(path, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw asDarkroomError(error);
    }
    return { path, discard: () => discard(path) };
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

  /** Removes directories that no attempt has touched since `olderThanMs`: those of batches that were given up. */
  async sweep(olderThanMs: number): Promise<number> {
    const names = await readdir(this.#root).catch(() => []);
    let removed = 0;
    for (const name of names) {
      const found = await stat(join(this.#root, name)).catch(() => undefined);
      if (!found || found.mtimeMs >= olderThanMs) continue;
      await rm(join(this.#root, name), { recursive: true, force: true });
      removed += 1;
    }
    return removed;
  }
}

/** Most desks are empty in the end, because the result was taken over: one call instead of a look around. */
const discard = (path: string): Promise<void> => rmdir(path).catch(() => rm(path, { recursive: true, force: true }));
