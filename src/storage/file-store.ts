import { constants, createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, realpath, rename, rm, stat, statfs, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { asDarkroomError, DarkroomError, isAbsent } from '../contracts/errors.ts';
import { DirectoryFlusher } from './directory-flusher.ts';
import { dropFile, flushAndChecksum, linkIfAbsent, moveFlushed, writeFlushed } from './durable-files.ts';
import { isSegment, KeyPaths } from './key-paths.ts';
import { linkFiles, type FileToShare } from './link-files.ts';
import type { Store, WriteOptions, Written } from './store.ts';
import { isOfTheDead, temporaryName } from './temporary-names.ts';

/** Temporary files live inside the root, so that a rename never crosses a file system. */
const INCOMING = '.incoming';
const THIS_PROCESS = { host: hostname(), pid: process.pid };
/** Read at once: large enough that gigabytes cost little more than their copying. */
const READ_BYTES = 256 * 1024;

/**
 * A store in a directory. An object is written to a temporary name, flushed to the disk, then renamed (or linked, when it
 * must not replace another): after a crash it is there whole or not at all.
 */
export class FileStore implements Store {
  readonly #root: string;
  readonly #makeNonce: () => string;
  readonly #paths: KeyPaths;
  readonly #names = new DirectoryFlusher();

  private constructor(root: string, makeNonce: () => string) {
    this.#root = root;
    this.#paths = new KeyPaths(root);
    this.#makeNonce = makeNonce;
  }

  /** Opens a store, creating its directory, and removes what processes that were killed had not finished. */
  static async open(root: string, makeNonce: () => string): Promise<FileStore> {
    try {
      await mkdir(join(root, INCOMING), { recursive: true, mode: 0o700 });
      const store = new FileStore(await realpath(root), makeNonce);
      await store.#sweep((name) => isOfTheDead(name, THIS_PROCESS));
      return store;
    } catch (error) {
      throw asDarkroomError(error);
    }
  }

  async write(
    key: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    options: WriteOptions = {},
  ): Promise<Written | undefined> {
    const temporary = this.#temporaryPath();
    try {
      const written = await writeFlushed(temporary, content, options.signal);
      const placed = await this.#place(temporary, key, options.onlyIfAbsent ?? false);
      return placed ? written : undefined;
    } catch (error) {
      const fault = asStoreError(error);
      // Of a full disk the reader gives up too: that must not hide why.
      if (!(fault instanceof DarkroomError && fault.code === 'storage_full')) options.signal?.throwIfAborted();
      throw fault;
    }
  }

  async adopt(key: string, path: string, options: { flushed?: boolean } = {}): Promise<void> {
    try {
      if (!options.flushed) await flushAndChecksum(path);
      const target = await this.#paths.resolve(key, { create: true });
      await moveFlushed(path, target, this.#temporaryPath());
      await this.#names.flush(dirname(target));
    } catch (error) {
      throw asStoreError(error);
    }
  }

  async share(files: readonly FileToShare[]): Promise<void> {
    try {
      await linkFiles(files, {
        resolve: (key) => this.#paths.resolve(key, { create: true }),
        copy: ({ key, path }) => this.write(key, createReadStream(path)),
      });
    } catch (error) {
      throw asStoreError(error);
    }
  }

  /** Gives a finished temporary file its name; it is gone afterwards in any case. */
  async #place(temporary: string, key: string, onlyIfAbsent: boolean): Promise<boolean> {
    let renamed = false;
    try {
      const target = await this.#paths.resolve(key, { create: true });
      if (!onlyIfAbsent) await rename(temporary, target);
      else if (!(await linkIfAbsent(temporary, target))) return false;
      renamed = !onlyIfAbsent;
      await this.#names.flush(dirname(target));
      return true;
    } finally {
      if (!renamed) await dropFile(temporary);
    }
  }

  async read(key: string): Promise<Buffer | undefined> {
    return this.#ifPresent(async () => {
      const file = await this.#openForReading(key);
      try {
        return await file.readFile();
      } finally {
        await file.close();
      }
    });
  }

  async open(key: string, range?: { start: number; end: number }): Promise<Readable> {
    const file = await this.#ifPresent(() => this.#openForReading(key));
    if (!file) throw new DarkroomError('not_found');
    return createReadStream('', { fd: file, highWaterMark: READ_BYTES, ...range });
  }

  async stat(key: string): Promise<{ bytes: number; modifiedAt: number } | undefined> {
    return this.#ifPresent(async () => {
      const found = await stat(await this.#paths.resolve(key));
      return { bytes: found.size, modifiedAt: found.mtimeMs };
    });
  }

  async list(prefix: string): Promise<string[]> {
    const names = await this.#ifPresent(async () => readdir(await this.#paths.resolve(prefix)));
    return (names ?? []).filter(isSegment).sort();
  }

  async remove(key: string): Promise<void> {
    await this.#ifPresent(async () => unlink(await this.#paths.resolve(key)));
  }

  async removeAll(prefix: string): Promise<void> {
    this.#paths.forget();
    await this.#ifPresent(async () => rm(await this.#paths.resolve(prefix), { recursive: true, force: true }));
  }

  async localCopy(key: string): Promise<{ path: string; release(): Promise<void> }> {
    const path = await this.#paths.resolve(key);
    if (!(await this.stat(key))) throw new DarkroomError('source_missing');
    return { path, release: () => Promise.resolve() };
  }

  linkTo(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async freeBytes(): Promise<number> {
    const system = await statfs(this.#root);
    return system.bavail * system.bsize;
  }

  async sweep(olderThanMs: number): Promise<number> {
    return this.#sweep((_name, modifiedMs) => modifiedMs < olderThanMs);
  }

  async #sweep(isLeftOver: (name: string, modifiedMs: number) => boolean): Promise<number> {
    const directory = join(this.#root, INCOMING);
    let removed = 0;
    for (const name of await readdir(directory)) {
      const found = await this.#ifPresent(() => stat(join(directory, name)));
      if (!found || !isLeftOver(name, found.mtimeMs)) continue;
      await rm(join(directory, name), { force: true });
      removed += 1;
    }
    return removed;
  }

  #temporaryPath(): string {
    return join(this.#root, INCOMING, temporaryName(THIS_PROCESS, this.#makeNonce()));
  }

  async #openForReading(key: string): Promise<FileHandle> {
    // A symbolic link planted in the data directory is refused, not followed.
    return open(await this.#paths.resolve(key), constants.O_RDONLY | constants.O_NOFOLLOW);
  }

  async #ifPresent<T>(action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action();
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw asStoreError(error);
    }
  }
}

/** A key that is not one is the caller's mistake and stays a TypeError; all else is the disk's doing. */
const asStoreError = (error: unknown): Error => (error instanceof TypeError ? error : asDarkroomError(error));
