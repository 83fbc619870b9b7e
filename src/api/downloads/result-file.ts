import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import type { PhotoResult } from '../../contracts/batch.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import type { Store } from '../../storage/store.ts';
import type { Call } from '../route.ts';

/** Answers of Express's `range`. */
const UNSATISFIABLE = -1;
const MALFORMED = -2;

interface ByteRange {
  /** Both inclusive. */
  readonly start: number;
  readonly end: number;
}

/**
 * Streams an object as a download, whole or the one range that was asked for. A client that leaves closes the object.
 * @throws DarkroomError `range_not_satisfiable`, or what the store throws; nothing is sent then.
 */
export async function sendResult(
  { request, response, signal, log }: Call<unknown, unknown, unknown>,
  store: Store,
  result: PhotoResult,
  name: string,
): Promise<void> {
  const etag = `"${result.sha256}"`;
  // `attachment` guesses a Content-Type from the name; the true one is set after it.
  response.attachment(name);
  response.set({
    'Content-Type': result.contentType,
    'Cache-Control': 'private, no-cache',
    'Accept-Ranges': 'bytes',
    ETag: etag,
  });
  if (isKnown(request, etag)) {
    response.status(304).end();
    return;
  }
  const range = rangeOf(request, response, result.bytes, etag);
  if (range) response.status(206).set('Content-Range', `bytes ${range.start}-${range.end}/${result.bytes}`);
  response.set('Content-Length', String(range ? range.end - range.start + 1 : result.bytes));
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const content = await store.open(result.key, range);
  try {
    await pipeline(content, response, { signal });
  } catch (error) {
    log.debug({ err: error }, 'a download ended early');
    response.destroy();
  }
}

/** Several ranges at once are answered with the whole file, as RFC 9110 allows. */
function rangeOf(request: Request, response: Response, bytes: number, etag: string): ByteRange | undefined {
  if ((request.get('if-range') ?? etag) !== etag) return undefined;
  const asked = request.range(bytes);
  if (asked === UNSATISFIABLE) {
    response.set('Content-Range', `bytes */${bytes}`);
    throw new DarkroomError('range_not_satisfiable');
  }
  if (asked === undefined || asked === MALFORMED || asked.type !== 'bytes' || asked.length !== 1) return undefined;
  return asked[0];
}

/**
 * Whether the client has this content already. Express's own `fresh` does not answer it for clients that also say
 * `Cache-Control: no-cache`, as fetch does.
 */
export const isKnown = (request: Request, etag: string): boolean =>
  (request.get('if-none-match') ?? '').split(',').some((tag) => [etag, `W/${etag}`, '*'].includes(tag.trim()));
