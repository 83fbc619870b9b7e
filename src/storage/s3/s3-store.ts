import { GetObjectCommand, HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { DarkroomError } from '../../contracts/errors.ts';
import { isSegment } from '../key-paths.ts';
import type { FileToShare } from '../link-files.ts';
import { sideBySide } from '../side-by-side.ts';
import type { LinkTerms, Store, WriteOptions, Written } from '../store.ts';
import { abortUploads } from './abort-uploads.ts';
import { listObjects, removeBelow, removeObject, statObject, type Place } from './objects.ts';
import { readObject } from './read-object.ts';
import { asS3Error, isRefusal } from './s3-errors.ts';
import type { LentFile, Spool } from './spool.ts';
import { writeObject } from './write-object.ts';

/** Objects written side by side: enough to hide the way there, few enough for memory. */
const AT_ONCE = 8;

export interface S3StoreParts {
  readonly client: S3Client;
  /** Signs addresses for clients, who may know the server by another name. */
  readonly publicClient: S3Client;
  readonly bucket: string;
  /** Before every key: empty, or ending with `/`. */
  readonly prefix: string;
  readonly spool: Spool;
  readonly makeNonce: () => string;
  readonly silenceMs: number;
  /** How long an address for clients is good; 0: there are none. */
  readonly linkSeconds: number;
}

/**
 * A store in a bucket. The server makes an object visible whole or not at all; conditional writes (`If-None-Match: *`) have
 * the server's word for their one winner. What is under way when a process dies is parts without an object, and swept.
 */
export class S3Store implements Store {
  readonly #parts: S3StoreParts;
  readonly #client: S3Client;

  private constructor(parts: S3StoreParts) {
    this.#parts = parts;
    this.#client = parts.client;
  }

  /**
   * Opens a store. A server that does not answer is waited for by whoever needs it.
   * @throws DarkroomError `storage_unavailable` when there is no such bucket, or we may not use it.
   */
  static async open(parts: S3StoreParts): Promise<S3Store> {
    try {
      await parts.client.send(new HeadBucketCommand({ Bucket: parts.bucket }));
    } catch (error) {
      if (isRefusal(error)) {
        const message = `The bucket ${parts.bucket} does not exist, or these credentials may not use it.`;
        throw new DarkroomError('storage_unavailable', message, { cause: error });
      }
    }
    await parts.spool.removeOfTheDead();
    return new S3Store(parts);
  }

  async write(
    key: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    options: WriteOptions = {},
  ): Promise<Written | undefined> {
    const place = this.#place(key);
    const { onlyIfAbsent, signal } = options;
    return this.#answer(async () => {
      const written = await writeObject(this.#client, place, content, {
        nonce: this.#parts.makeNonce(),
        signal,
        onlyIf: onlyIfAbsent ? 'absent' : undefined,
      });
      return written && { bytes: written.bytes, sha256: written.sha256 };
    }, signal);
  }

  async adopt(key: string, path: string): Promise<void> {
    await this.write(key, createReadStream(path, { highWaterMark: READ_BYTES }));
    await this.#answer(() => rm(path, { force: true }));
  }

  async share(files: readonly FileToShare[]): Promise<void> {
    await sideBySide(files, AT_ONCE, async ({ key, path }) => {
      await this.write(key, createReadStream(path, { highWaterMark: READ_BYTES }));
    });
  }

  async read(key: string): Promise<Buffer | undefined> {
    const place = this.#place(key);
    return this.#ifPresent(async () => buffer(await this.#readObject(place)));
  }

  async open(key: string, range?: { start: number; end: number }): Promise<Readable> {
    const place = this.#place(key);
    return this.#answer(() => this.#readObject(place, range));
  }

  async stat(key: string): Promise<{ bytes: number; modifiedAt: number } | undefined> {
    const found = await this.#answer(() => statObject(this.#client, this.#place(key)));
    return found && { bytes: found.bytes, modifiedAt: found.modifiedAt };
  }

  async list(prefix: string): Promise<string[]> {
    const { bucket, key } = this.#place(prefix);
    const below = `${key}/`;
    return this.#answer(async () => {
      const names = new Set<string>();
      for await (const { objects, folders } of listObjects(this.#client, { bucket, prefix: below, byFolder: true })) {
        for (const object of objects) names.add(object.key.slice(below.length));
        for (const folder of folders) names.add(folder.slice(below.length, -1));
      }
      return [...names].filter(isSegment).sort();
    });
  }

  async remove(key: string): Promise<void> {
    await this.#answer(() => removeObject(this.#client, this.#place(key)));
  }

  async removeAll(prefix: string): Promise<void> {
    const { bucket, key } = this.#place(prefix);
    await this.#answer(() => removeBelow(this.#client, bucket, `${key}/`));
  }

  async localCopy(key: string): Promise<LentFile> {
    const place = this.#place(key);
    const copy = await this.#ifPresent(async () => this.#parts.spool.lend(await this.#readObject(place)));
    if (!copy) throw new DarkroomError('source_missing');
    return copy;
  }

  async linkTo(key: string, { fileName, contentType }: LinkTerms): Promise<string | undefined> {
    const { publicClient, linkSeconds } = this.#parts;
    if (linkSeconds === 0) return undefined;
    const { bucket, key: Key } = this.#place(key);
    const command = new GetObjectCommand({
      Bucket: bucket,
      Key,
      ResponseContentType: contentType,
      ResponseContentDisposition: `attachment; filename*=UTF-8''${encodeURIComponent(fileName)}`,
    });
    return this.#answer(() => getSignedUrl(publicClient, command, { expiresIn: linkSeconds }));
  }

  freeBytes(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async sweep(olderThanMs: number): Promise<number> {
    const { bucket, prefix, spool } = this.#parts;
    const copies = await spool.sweep(olderThanMs);
    return copies + (await this.#answer(() => abortUploads(this.#client, { bucket, prefix, olderThanMs })));
  }

  #place(key: string): Place {
    if (!key.split('/').every(isSegment)) {
      throw new TypeError(`Expected a store key but received ${JSON.stringify(key)}`);
    }
    return { bucket: this.#parts.bucket, key: `${this.#parts.prefix}${key}` };
  }

  #readObject(place: Place, range?: { start: number; end: number }): Promise<Readable> {
    return readObject(this.#client, place, { range, silenceMs: this.#parts.silenceMs });
  }

  async #ifPresent<T>(action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#answer(action);
    } catch (error) {
      if (error instanceof DarkroomError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  async #answer<T>(action: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await action();
    } catch (error) {
      signal?.throwIfAborted();
      throw asS3Error(error);
    }
  }
}

const READ_BYTES = 256 * 1024;
