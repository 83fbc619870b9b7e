import { HeadBucketCommand, S3ServiceException, type S3Client } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Config } from '../../contracts/config.ts';
import { keysBelow, type S3Place } from '../../contracts/s3-place.ts';
import type { Buckets, FoundObject, ReadOptions, WriteObject } from '../buckets.ts';
import { asBucketError } from './bucket-errors.ts';
import { createS3Client } from './client.ts';
import { listObjects, removeObject, statObject } from './objects.ts';
import { connectionOf } from './open-s3-store.ts';
import { readObject } from './read-object.ts';
import { isRefusedCondition, statusOf } from './s3-errors.ts';
import { writeObject } from './write-object.ts';

/** Buckets of the configuration's S3 server. */
export class S3Buckets implements Buckets {
  readonly #client: S3Client;
  readonly #silenceMs: number;

  private constructor(client: S3Client, silenceMs: number) {
    this.#client = client;
    this.#silenceMs = silenceMs;
  }

  static open(config: Config): S3Buckets {
    const connection = connectionOf(config);
    return new S3Buckets(createS3Client(connection), connection.timeoutMs);
  }

  async *list(
    folder: S3Place,
    { recursive, signal }: { recursive: boolean; signal: AbortSignal },
  ): AsyncGenerator<readonly FoundObject[]> {
    const listing = { bucket: folder.bucket, prefix: keysBelow(folder.key), byFolder: !recursive, signal };
    try {
      for await (const { objects } of listObjects(this.#client, listing)) yield objects;
    } catch (error) {
      signal.throwIfAborted();
      throw asBucketError(error, { place: folder, verb: 'list', away: 'storage_unavailable' });
    }
  }

  async stat(place: S3Place, signal: AbortSignal): Promise<FoundObject | undefined> {
    try {
      const found = await statObject(this.#client, place, signal);
      return found && { key: place.key, bytes: found.bytes, etag: found.etag, modifiedAt: found.modifiedAt };
    } catch (error) {
      signal.throwIfAborted();
      throw asBucketError(error, { place, verb: 'read', away: 'storage_unavailable' });
    }
  }

  async read(place: S3Place, { etag, range, signal }: ReadOptions): Promise<Readable> {
    const failed = (error: unknown): Error =>
      asBucketError(error, { place, verb: 'read', away: 'address_unreachable' });
    try {
      const reading = { ifMatch: etag, range, signal, silenceMs: this.#silenceMs, asError: failed };
      return await readObject(this.#client, place, reading);
    } catch (error) {
      signal.throwIfAborted();
      throw failed(error);
    }
  }

  async digest(place: S3Place, options: ReadOptions): Promise<string> {
    const hash = createHash('sha256');
    for await (const chunk of await this.read(place, options)) hash.update(chunk as Uint8Array);
    return hash.digest('hex');
  }

  async has(bucket: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: bucket }), { abortSignal: signal });
      return true;
    } catch (error) {
      signal.throwIfAborted();
      // Who may write need not be told anything else of a bucket.
      return !(error instanceof S3ServiceException && statusOf(error) === 404);
    }
  }

  async write(place: S3Place, content: AsyncIterable<Uint8Array>, options: WriteObject): Promise<string | undefined> {
    try {
      return (await writeObject(this.#client, place, content, options))?.etag;
    } catch (error) {
      options.signal.throwIfAborted();
      throw asBucketError(error, { place, verb: 'write', away: 'storage_unavailable' });
    }
  }

  async remove(place: S3Place, etag: string, signal: AbortSignal): Promise<boolean> {
    try {
      await removeObject(this.#client, place, { ifMatch: etag, signal });
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (isRefusedCondition(error)) return false;
      throw asBucketError(error, { place, verb: 'remove', away: 'storage_unavailable' });
    }
  }
}
