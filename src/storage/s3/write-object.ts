import { PutObjectCommand, type PutObjectCommandInput, type S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { asDarkroomError } from '../../contracts/errors.ts';
import type { Written } from '../store.ts';
import { statObject, type Place } from './objects.ts';
import { isConflict, isOver, isRefusedCondition } from './s3-errors.ts';

export interface Writing {
  /** `absent`: only where there is no object; else only over the content of this ETag. */
  readonly onlyIf?: 'absent' | { readonly etag: string } | undefined;
  /** Names this write. A server that wrote and could not say so is asked whether it was this one. */
  readonly nonce: string;
  readonly signal?: AbortSignal | undefined;
  readonly contentType?: string | undefined;
}

/** The smallest part a server must take; memory holds about two of them for each object that is written. */
const PART_BYTES = 5 * 1024 * 1024;
const NONCE = 'darkroom-write';
/** Writers that meet find out within moments who was first. */
const CONFLICTS = 6;
const FIRST_PAUSE_MS = 50;

/**
 * Writes an object, in parts when it is large: it is visible whole or not at all. `undefined` when the condition was not met.
 */
export async function writeObject(
  client: S3Client,
  place: Place,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  writing: Writing,
): Promise<(Written & { readonly etag: string }) | undefined> {
  const meter = new Meter(content);
  try {
    const etag = await send(client, place, meter, writing);
    return { ...meter.read(), etag };
  } catch (error) {
    writing.signal?.throwIfAborted();
    if (meter.fault !== undefined) throw asDarkroomError(meter.fault);
    const refused = isRefusedCondition(error);
    if (!refused && !isOver(error)) throw error;
    // The call may have been carried out before, and its answer lost: then the object that is in the way is our own.
    const there = await statObject(client, place);
    if (there?.metadata[NONCE] === writing.nonce) return { ...meter.read(), etag: there.etag };
    if (refused) return undefined;
    throw error;
  }
}

async function send(client: S3Client, place: Place, meter: Meter, writing: Writing): Promise<string> {
  const asked = request(place, writing);
  if (meter.whole) return putWhole(client, { ...asked, Body: meter.whole }, writing.signal);
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  writing.signal?.addEventListener('abort', abort, { once: true });
  try {
    writing.signal?.throwIfAborted();
    const upload = new Upload({
      client,
      params: { ...asked, Body: Readable.from(meter.flow(), { objectMode: false }) },
      partSize: PART_BYTES,
      queueSize: 1,
      abortController: stop,
    });
    return (await upload.done()).ETag ?? '';
  } finally {
    writing.signal?.removeEventListener('abort', abort);
  }
}

async function putWhole(
  client: S3Client,
  input: PutObjectCommandInput,
  signal: AbortSignal | undefined,
): Promise<string> {
  for (let conflicts = 0; ; conflicts += 1) {
    try {
      const answer = await client.send(new PutObjectCommand(input), signal ? { abortSignal: signal } : {});
      return answer.ETag ?? '';
    } catch (error) {
      if (!isConflict(error) || conflicts >= CONFLICTS) throw error;
      await sleep(FIRST_PAUSE_MS * 2 ** conflicts);
    }
  }
}

const request = ({ bucket, key }: Place, { onlyIf, nonce, contentType }: Writing) => ({
  Bucket: bucket,
  Key: key,
  Metadata: { [NONCE]: nonce },
  ...(contentType === undefined ? {} : { ContentType: contentType }),
  ...(onlyIf === 'absent' ? { IfNoneMatch: '*' } : {}),
  ...(typeof onlyIf === 'object' ? { IfMatch: onlyIf.etag } : {}),
});

/** Counts and digests content on its way. */
class Meter {
  readonly whole: Uint8Array | undefined;
  /** What the source of the content threw; the store is not to blame for that. */
  fault: unknown;
  readonly #content: AsyncIterable<Uint8Array> | undefined;
  readonly #hash = createHash('sha256');
  #sha256: string | undefined;
  #bytes = 0;

  constructor(content: Uint8Array | AsyncIterable<Uint8Array>) {
    if (content instanceof Uint8Array) {
      this.whole = content;
      this.#note(content);
    } else this.#content = content;
  }

  async *flow(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of this.#content ?? []) {
        this.#note(chunk);
        yield chunk;
      }
    } catch (error) {
      this.fault = error;
      throw error;
    }
  }

  read(): Written {
    this.#sha256 ??= this.#hash.digest('hex');
    return { bytes: this.#bytes, sha256: this.#sha256 };
  }

  #note(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.byteLength;
  }
}
