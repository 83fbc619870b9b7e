import type { Readable } from 'node:stream';
import type { FileToShare } from './link-files.ts';

/**
 * Bytes under keys. Every implementation passes the same suite (`test/storage/store-suite.ts`): an object is visible
 * whole or not at all, keys never leave the store's root, and a conditional write has exactly one winner.
 *
 * Keys are `/`-separated segments of `[A-Za-z0-9._-]`; the house makes them, users never do.
 * Methods throw DarkroomError: `storage_full`, `storage_unavailable`, `not_found`.
 */
export interface Store {
  /**
   * Writes an object, replacing what was there.
   * @returns size in bytes and SHA-256 (hex); with `onlyIfAbsent`, `undefined` when there was one already.
   */
  write(
    key: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    options?: WriteOptions,
  ): Promise<Written | undefined>;
  /**
   * Takes over a finished local file as an object; the file is gone from where it was. `flushed` says that it is on the
   * disk already (`flushAndChecksum`).
   */
  adopt(key: string, path: string, options?: { flushed?: boolean }): Promise<void>;
  /**
   * Makes objects of finished local files, which stay where they are; nothing is copied where the file system can link.
   * All of them are durable when it resolves; when it rejects some may be there.
   */
  share(files: readonly FileToShare[]): Promise<void>;
  /** A small object, whole; `undefined` when there is none. */
  read(key: string): Promise<Buffer | undefined>;
  /** A large object as a stream. `range` is inclusive, in bytes. */
  open(key: string, range?: { start: number; end: number }): Promise<Readable>;
  stat(key: string): Promise<{ bytes: number; modifiedAt: number } | undefined>;
  /** Names directly below a prefix (a "directory"), sorted; empty when there are none. */
  list(prefix: string): Promise<string[]>;
  /** Removes an object; removing nothing is fine. */
  remove(key: string): Promise<void>;
  /** Removes everything below a prefix. */
  removeAll(prefix: string): Promise<void>;
  /** A path from which a program of this host can read the object, until `release` is called. */
  localCopy(key: string): Promise<{ path: string; release(): Promise<void> }>;
  /** An address from which a client fetches the object by itself, for a short while; `undefined`: it must come to us. */
  linkTo(key: string, terms: LinkTerms): Promise<string | undefined>;
  /** Bytes that can still be written; `undefined` when there is no such limit. */
  freeBytes(): Promise<number | undefined>;
  /** Removes what was begun before `olderThanMs` (epoch milliseconds), never finished, and belongs to nobody any more. */
  sweep(olderThanMs: number): Promise<number>;
}

/** What a client is told of an object that it fetches by itself. */
export interface LinkTerms {
  readonly fileName: string;
  readonly contentType: string;
}

export interface WriteOptions {
  readonly onlyIfAbsent?: boolean;
  readonly signal?: AbortSignal;
}

export interface Written {
  readonly bytes: number;
  readonly sha256: string;
}
