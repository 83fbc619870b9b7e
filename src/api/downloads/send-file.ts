import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import type { Response } from 'express';
import type { Call } from '../route.ts';
import { RangeError416, whatIsWanted, type ByteRange, type Representation, type Wanted } from './byte-ranges.ts';

export interface FileToSend extends Representation {
  readonly name: string;
  readonly contentType: string;
  /** Whether a range is honoured of a client that does not say which version it has the rest of. */
  readonly bareRanges?: boolean;
  /** Bytes of it, both ends included. */
  open(range: ByteRange): Promise<Readable>;
}

type DownloadCall = Pick<Call<unknown, unknown, unknown>, 'request' | 'response' | 'signal' | 'log'>;

/**
 * Sends a file as a download: whole, the one range that was asked for, or the news that the client has it already. A client
 * that leaves, or takes nothing for `idleMs`, closes it.
 * @returns false when the client has only a part of what it asked for.
 * @throws DarkroomError before anything is sent; what fails later breaks the connection off, so that no client takes half a
 *   file for a whole one.
 */
export async function sendFile(call: DownloadCall, file: FileToSend, idleMs: number): Promise<boolean> {
  const { request, response } = call;
  const wanted = decide(call, file);
  const range = wanted.status === 206 ? wanted : { start: 0, end: file.bytes - 1 };
  const content = wanted.status === 304 || request.method === 'HEAD' ? undefined : await file.open(range);
  // `attachment` guesses a Content-Type from the name; the true one is set after it.
  if (wanted.status !== 304) response.attachment(file.name);
  response.status(wanted.status).set({
    ETag: file.etag,
    ...(file.modifiedAt === undefined ? {} : { 'Last-Modified': new Date(file.modifiedAt).toUTCString() }),
    'Cache-Control': 'private, no-cache',
    'Accept-Ranges': 'bytes',
    ...(wanted.status === 304
      ? {}
      : { 'Content-Type': file.contentType, 'Content-Length': String(range.end - range.start + 1) }),
    ...(wanted.status === 206 ? { 'Content-Range': `bytes ${range.start}-${range.end}/${file.bytes}` } : {}),
  });
  if (content) return stream(call, content, idleMs);
  response.end();
  return true;
}

function decide({ request, response }: DownloadCall, file: FileToSend): Wanted {
  try {
    return whatIsWanted(request, file, file.bareRanges);
  } catch (error) {
    if (error instanceof RangeError416) response.set('Content-Range', `bytes */${error.bytes}`);
    throw error;
  }
}

async function stream({ response, signal, log }: DownloadCall, content: Readable, idleMs: number): Promise<boolean> {
  const stopWatching = watch(response, idleMs);
  try {
    await pipeline(content, response, { signal });
    return true;
  } catch (error) {
    log.debug({ err: error }, 'a download ended early');
    response.destroy();
    return false;
  } finally {
    stopWatching();
    content.destroy();
  }
}

const LOOKS = 4;

/** Ends an answer that stands still. The socket's own time-out belongs to the server, for connections between requests. */
function watch(response: Response, idleMs: number): () => void {
  const { socket } = response;
  const seen: number[] = [];
  const timer = setInterval(() => {
    const now = socket?.bytesWritten ?? 0;
    seen.push(now);
    if (seen.length > LOOKS && seen.shift() === now) response.destroy();
  }, idleMs / LOOKS).unref();
  return () => clearInterval(timer);
}
