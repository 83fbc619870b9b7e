import { hostname } from 'node:os';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isOfTheDead, temporaryName } from '../temporary-names.ts';

const THIS_PROCESS = { host: hostname(), pid: process.pid };

/** A file of this host that is there until it is given back. */
export interface LentFile {
  readonly path: string;
  release(): Promise<void>;
}

/** Copies of objects for programs that read files of this host. */
export class Spool {
  readonly #root: string;
  readonly #makeNonce: () => string;

  constructor(root: string, makeNonce: () => string) {
    this.#root = root;
    this.#makeNonce = makeNonce;
  }

  /** A copy of what a stream brings; nothing is left of one that breaks off. */
  async lend(content: Readable): Promise<LentFile> {
    const path = join(this.#root, temporaryName(THIS_PROCESS, this.#makeNonce()));
    try {
      await mkdir(this.#root, { recursive: true, mode: 0o700 });
      await pipeline(content, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
    } catch (error) {
      content.destroy();
      await rm(path, { force: true });
      throw error;
    }
    return { path, release: () => rm(path, { force: true }) };
  }

  /** Removes what killed processes of this host were lent. */
  removeOfTheDead(): Promise<number> {
    return this.#sweep((name) => isOfTheDead(name, THIS_PROCESS));
  }

  /** Removes copies that were made before `olderThanMs`, whoever was lent them. */
  sweep(olderThanMs: number): Promise<number> {
    return this.#sweep((_name, modifiedMs) => modifiedMs < olderThanMs);
  }

  async #sweep(isLeftOver: (name: string, modifiedMs: number) => boolean): Promise<number> {
    let removed = 0;
    for (const name of await readdir(this.#root).catch(() => [])) {
      const found = await stat(join(this.#root, name)).catch(() => undefined);
      if (!found || !isLeftOver(name, found.mtimeMs)) continue;
      await rm(join(this.#root, name), { force: true });
      removed += 1;
    }
    return removed;
  }
}
