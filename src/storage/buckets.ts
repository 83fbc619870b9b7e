import type { Readable } from 'node:stream';
import type { Config } from '../contracts/config.ts';
import type { S3Place } from '../contracts/s3-place.ts';

/**
 * Buckets that orders name: sources of photos, and destinations of results. They lie on the S3 server of the configuration and are used with its
 * credentials, whatever the store is; which of them callers may name is for the API to say.
 *
 * Methods throw DarkroomError: `bucket_refused` with a sentence that names what was refused; `storage_unavailable` when the
 * server does not answer, `address_unreachable` when it does not while a photo is read; the reason of `signal` when that is aborted.
 */
export interface Buckets {
  /** Objects below a folder in the order of their keys, a page of the server at a time. */
  list(folder: S3Place, options: { recursive: boolean; signal: AbortSignal }): AsyncGenerator<readonly FoundObject[]>;
  /** `undefined` when there is none. */
  stat(place: S3Place, signal: AbortSignal): Promise<FoundObject | undefined>;
  /**
   * The content of an object, with `etag` only as long as it is that.
   * @throws DarkroomError `source_missing`, `source_changed`.
   */
  read(place: S3Place, options: ReadOptions): Promise<Readable>;
  /** SHA-256 (hex) of the content of an object, which is read for it. */
  digest(place: S3Place, options: ReadOptions): Promise<string>;
  /** False when there is no such bucket; where the server does not tell us, one is believed to be there. */
  has(bucket: string, signal: AbortSignal): Promise<boolean>;
  /** Writes an object, whole or not at all. @returns how the server names its content; `undefined`: the condition was not met. */
  write(place: S3Place, content: AsyncIterable<Uint8Array>, options: WriteObject): Promise<string | undefined>;
  /** Removes an object while it has this content; removing nothing is fine. @returns false when it has another. */
  remove(place: S3Place, etag: string, signal: AbortSignal): Promise<boolean>;
}

export interface WriteObject {
  readonly onlyIf: 'absent' | { readonly etag: string };
  readonly contentType: string;
  /** Tells this write from any other, should its answer be lost. */
  readonly nonce: string;
  readonly signal: AbortSignal;
}

export interface ReadOptions {
  readonly etag?: string | undefined;
  /** Inclusive, in bytes. */
  readonly range?: { start: number; end: number } | undefined;
  readonly signal: AbortSignal;
}

export interface FoundObject {
  readonly key: string;
  readonly bytes: number;
  /** Names the content. */
  readonly etag: string;
  /** Epoch milliseconds. */
  readonly modifiedAt: number;
}

/** Nothing is connected to, nor the S3 client loaded, before something is asked for. */
export function openBuckets(config: Config): Buckets {
  let opened: Promise<Buckets> | undefined;
  const open = (): Promise<Buckets> => (opened ??= load(config));
  return {
    async *list(folder, options) {
      yield* (await open()).list(folder, options);
    },
    stat: async (place, signal) => (await open()).stat(place, signal),
    read: async (place, options) => (await open()).read(place, options),
    digest: async (place, options) => (await open()).digest(place, options),
    has: async (bucket, signal) => (await open()).has(bucket, signal),
    write: async (place, content, options) => (await open()).write(place, content, options),
    remove: async (place, etag, signal) => (await open()).remove(place, etag, signal),
  };
}

async function load(config: Config): Promise<Buckets> {
  const { S3Buckets } = await import('./s3/s3-buckets.ts');
  return S3Buckets.open(config);
}
