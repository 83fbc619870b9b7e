import type { Readable } from 'node:stream';
import { DarkroomError } from '../contracts/errors.ts';
import { isS3Address, parseS3Address, type S3Place } from '../contracts/s3-place.ts';
import { notAllowed, type OutgoingGuard } from './guard.ts';
import { sendRequest } from './request.ts';

/** Who is asked for photos that lie elsewhere. */
export interface SourceDoors {
  readonly guard: OutgoingGuard;
  readonly buckets: {
    read(
      place: S3Place,
      options: { etag?: string | undefined; range?: ByteRange | undefined; signal: AbortSignal },
    ): Promise<Readable>;
  };
}

interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface SourceRequest {
  /** `http:`, `https:` or `s3:`. */
  readonly from: string;
  /** The content that is meant, where that is known. */
  readonly etag?: string | undefined;
  /** Only the first bytes are wanted; servers may send more. */
  readonly first?: number;
  /** Bound of everything, milliseconds. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

export interface OpenedSource {
  /** Must be read or closed. */
  readonly bytes: AsyncIterable<Uint8Array>;
  close(): void;
}

const REDIRECTS = 5;
/** What an address may answer now and not later; every other refusal stays one. */
const PASSING = new Set([408, 425, 429]);

/**
 * Opens a photo that lies elsewhere: the one place where that is done, whoever wants it and wherever it is.
 * @throws DarkroomError `source_missing`, `source_changed`, `url_not_allowed`, `bucket_refused`, `address_unreachable`,
 *   `file_too_large`, some of them only while it is read; the reason of `signal` when that is aborted.
 */
export function openSource(doors: SourceDoors, asked: SourceRequest): Promise<OpenedSource> {
  return isS3Address(asked.from) ? openObject(doors, asked) : openUrl(doors, asked);
}

async function openUrl({ guard }: SourceDoors, asked: SourceRequest): Promise<OpenedSource> {
  const answer = await sendRequest(guard, {
    url: asked.from,
    redirects: REDIRECTS,
    timeoutMs: asked.timeoutMs,
    signal: asked.signal,
    ...(asked.first === undefined ? {} : { headers: { Range: `bytes=0-${asked.first - 1}` } }),
  });
  const { status } = answer;
  if (status === 200 || (status === 206 && asked.first !== undefined)) {
    return { bytes: answer.body(asked.maxBytes), close: () => answer.close() };
  }
  answer.close();
  const passes = status >= 500 || PASSING.has(status);
  throw new DarkroomError(
    passes ? 'address_unreachable' : 'source_missing',
    `The address answered ${status} instead of a photo.`,
  );
}

async function openObject({ buckets }: SourceDoors, asked: SourceRequest): Promise<OpenedSource> {
  const place = parseS3Address(asked.from);
  if (!place) throw notAllowed('It is no address of an object.');
  const late = AbortSignal.timeout(asked.timeoutMs);
  const signal = AbortSignal.any([asked.signal, late]);
  const range = asked.first === undefined ? undefined : { start: 0, end: asked.first - 1 };
  const inTime = (error: unknown): unknown => {
    if (!late.aborted || asked.signal.aborted) return error;
    return new DarkroomError('address_unreachable', 'The S3 server did not answer in time.', { cause: error });
  };
  try {
    const body = await buckets.read(place, { etag: asked.etag, range, signal });
    return { bytes: bounded(body, asked.maxBytes, inTime), close: () => void body.destroy() };
  } catch (error) {
    throw inTime(error);
  }
}

async function* bounded(
  body: Readable,
  maxBytes: number,
  inTime: (error: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw new DarkroomError('file_too_large', `The object has more than ${maxBytes} bytes.`);
      yield chunk;
    }
  } catch (error) {
    throw inTime(error);
  } finally {
    body.destroy();
  }
}
