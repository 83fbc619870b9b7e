import { constants, createReadStream } from 'node:fs';
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  statfs,
  unlink,
} from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { asDarkroomError, DarkroomError } from '../contracts/errors.ts';
import { copyDurably, syncDirectory } from './durable-files.ts';
import type { Store, WriteOptions, Written } from './store.ts';
import { isOfTheDead, temporaryName } from './temporary-names.ts';

const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
/** Temporary files live inside the root, so that a rename never crosses a file system. */
const INCOMING = '.incoming';
const THIS_PROCESS = { host: hostname(), pid: process.pid };
/** Looking at a directory costs more than using it: a busy one is looked at once a second. */
const VERIFIED_FOR_MS = 1000;
const VERIFIED_AT_MOST = 1000;

/**
 * A store in a directory. An object is written to a temporary name, flushed to the disk, then renamed (or linked, when it
 * must not replace another): after a crash it is there whole or not at all.
 */
export class FileStore implements Store {
  readonly #root: string;
  readonly #makeNonce: () => string;
  /** Directories that were looked at, and until when that counts. */
  readonly #verified = new Map<string, number>();

  private constructor(root: string, makeNonce: () => string) {
    this.#root = root;
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
      options.signal?.throwIfAborted();
      throw asStoreError(error);
    }
  }

  async adopt(key: string, path: string): Promise<void> {
    const temporary = this.#temporaryPath();
    try {
      await copyDurably(path, temporary, { move: true });
      await this.#place(temporary, key, false);
    } catch (error) {
      throw asStoreError(error);
    }
  }

  /** Gives a finished temporary file its name; it is gone afterwards in any case. */
  async #place(temporary: string, key: string, onlyIfAbsent: boolean): Promise<boolean> {
    try {
      const target = await this.#resolve(key, { create: true });
      if (onlyIfAbsent) {
        if (!(await linkIfAbsent(temporary, target))) return false;
      } else {
        await rename(temporary, target);
      }
      await syncDirectory(dirname(target));
      return true;
    } finally {
      await dropFile(temporary);
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
    return createReadStream('', { fd: file, ...range });
  }

  async stat(key: string): Promise<{ bytes: number; modifiedAt: number } | undefined> {
    return this.#ifPresent(async () => {
      const found = await stat(await this.#resolve(key));
      return { bytes: found.size, modifiedAt: found.mtimeMs };
    });
  }

  async list(prefix: string): Promise<string[]> {
    const names = await this.#ifPresent(async () => readdir(await this.#resolve(prefix)));
    return (names ?? []).filter((name) => SEGMENT.test(name)).sort();
  }

  async remove(key: string): Promise<void> {
    await this.#ifPresent(async () => unlink(await this.#resolve(key)));
  }

  async removeAll(prefix: string): Promise<void> {
    this.#verified.clear();
    await this.#ifPresent(async () => rm(await this.#resolve(prefix), { recursive: true, force: true }));
  }

  async localCopy(key: string): Promise<{ path: string; release(): Promise<void> }> {
    const path = await this.#resolve(key);
    if (!(await this.stat(key))) throw new DarkroomError('source_missing');
    return { path, release: () => Promise.resolve() };
  }

  async freeBytes(): Promise<number> {
    const system = await statfs(this.#root);
    return system.bavail * system.bsize;
  }

  /** Removes temporary files that nobody has touched since `olderThanMs`, whoever left them. */
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
    return open(await this.#resolve(key), constants.O_RDONLY | constants.O_NOFOLLOW);
  }

  /** The path of a key. Its directory must truly lie where the key says, whatever links someone planted. */
  async #resolve(key: string, options: { create?: boolean } = {}): Promise<string> {
    if (!key.split('/').every((segment) => SEGMENT.test(segment))) {
      throw new TypeError(`Expected a store key but received ${JSON.stringify(key)}`);
    }
    const path = join(this.#root, key);
    const directory = dirname(path);
    if (performance.now() < (this.#verified.get(directory) ?? 0)) return path;
    try {
      if (options.create) await mkdir(directory, { recursive: true, mode: 0o700 });
      if ((await realpath(directory)) !== directory) {
        const name = basename(directory);
        throw new DarkroomError('storage_unavailable', `The store holds a link where a directory belongs: ${name}.`);
      }
    } catch (error) {
      if (isAbsent(error)) throw error;
      throw asDarkroomError(error);
    }
    this.#remember(directory);
    return path;
  }

  #remember(directory: string): void {
    if (this.#verified.size >= VERIFIED_AT_MOST) this.#verified.clear();
    this.#verified.set(directory, performance.now() + VERIFIED_FOR_MS);
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

const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/** `rm` would look before it removes. */
async function dropFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

/** A key that is not one is the caller's mistake and stays a TypeError; all else is the disk's doing. */
const asStoreError = (error: unknown): Error => (error instanceof TypeError ? error : asDarkroomError(error));

async function writeFlushed(
  path: string,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Written> {
  const hash = createHash('sha256');
  const file = await open(path, 'wx', 0o600);
  let bytes = 0;
  try {
    for await (const chunk of content instanceof Uint8Array ? [content] : content) {
      signal?.throwIfAborted();
      hash.update(chunk);
      await file.writeFile(chunk);
      bytes += chunk.byteLength;
    }
    signal?.throwIfAborted();
    await file.sync();
  } catch (error) {
    await dropFile(path);
    throw error;
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** The kernel decides between two writers: `link` fails where `rename` would replace. */
async function linkIfAbsent(source: string, target: string): Promise<boolean> {
  try {
    await link(source, target);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}
