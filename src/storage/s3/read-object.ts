import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import type { Place } from './objects.ts';
import { asS3Error } from './s3-errors.ts';

export interface Reading {
  /** Inclusive, in bytes. */
  readonly range?: { start: number; end: number } | undefined;
  /** Only while the object has this content. */
  readonly ifMatch?: string | undefined;
  /** A connection that brings nothing for this long is given up. */
  readonly silenceMs: number;
  /** Ends the reading; its reason is what the stream fails with. */
  readonly signal?: AbortSignal | undefined;
  /** Says in other terms than the store's what the stream fails with. */
  readonly asError?: (error: unknown) => Error;
}

/** A body that breaks off is taken up again so often without having brought anything. */
const VAIN_TRIES = 4;
const FIRST_PAUSE_MS = 100;

/**
 * The content of an object as a stream. Where a connection breaks off or falls silent another one goes on, at the very byte
 * and with the very content: an object that was replaced meanwhile is never mixed with its successor.
 */
export async function readObject(client: S3Client, place: Place, reading: Reading): Promise<Readable> {
  const { signal, asError = asS3Error } = reading;
  const first = await request(client, place, reading);
  let current = first.body;
  const stream = Readable.from(goOn());
  const abort = (): void => void stream.destroy(reasonOf(signal));
  signal?.addEventListener('abort', abort, { once: true });
  stream.once('close', () => {
    signal?.removeEventListener('abort', abort);
    current.destroy();
  });
  if (signal?.aborted) abort();
  return stream;

  async function* goOn(): AsyncGenerator<Uint8Array> {
    let at = reading.range?.start ?? 0;
    const end = at + first.bytes - 1;
    for (let vain = 0; ; vain += 1) {
      try {
        for await (const chunk of untilSilent(current, reading.silenceMs)) {
          at += chunk.byteLength;
          vain = 0;
          yield chunk;
        }
        if (at > end) return;
        throw new Error('The body ended before its end.');
      } catch (error) {
        current.destroy();
        if (vain >= VAIN_TRIES || stream.destroyed) throw asError(error);
        await pause(FIRST_PAUSE_MS * 2 ** vain);
      }
      try {
        current = (await request(client, place, { range: { start: at, end }, ifMatch: first.etag, signal })).body;
        if (stream.destroyed) current.destroy(); // nobody reads any more
      } catch (error) {
        throw asError(error);
      }
    }
  }
}

interface Answered {
  readonly body: Readable;
  readonly bytes: number;
  readonly etag: string | undefined;
}

async function request(
  client: S3Client,
  { bucket, key }: Place,
  { range, ifMatch, signal }: Pick<Reading, 'range' | 'ifMatch' | 'signal'>,
): Promise<Answered> {
  const answer = await client.send(
    new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      ...(range ? { Range: `bytes=${range.start}-${range.end}` } : {}),
      ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
    }),
    signal ? { abortSignal: signal } : {},
  );
  if (!(answer.Body instanceof Readable)) throw new Error('The store answered without a body.');
  answer.Body.on('error', () => undefined); // one that nobody reads yet must not end the process
  return { body: answer.Body, bytes: answer.ContentLength ?? 0, etag: answer.ETag };
}

/** Chunks of a body. The clock runs only while one is waited for: a reader may take its time. */
async function* untilSilent(body: Readable, silenceMs: number): AsyncGenerator<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]();
  for (;;) {
    const timer = setTimeout(() => body.destroy(new Error('The store fell silent.')), silenceMs);
    try {
      const next = await chunks.next();
      if (next.done === true) return;
      yield next.value;
    } finally {
      clearTimeout(timer);
    }
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error(String(reason));
}
