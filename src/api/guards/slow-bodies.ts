import type { Request, RequestHandler, Response } from 'express';
import { DarkroomError } from '../../contracts/errors.ts';
import { sendProblem } from '../problem.ts';
import { contextOf } from '../request-context.ts';

export interface BodyLimits {
  /** A body must bring {@link PROGRESS_BYTES} in this time, in milliseconds. */
  readonly idleMs: number;
  /** Largest body of any request, in bytes; anything longer is not even drained. */
  readonly maxBytes: number;
}

/** One byte now and then would keep a connection for ever: this much counts as progress. */
const PROGRESS_BYTES = 1024;
const LOOKS_PER_WINDOW = 4;
/** Nor may a body creep for ever: after the first windows it must have come at this rate on the whole. */
const LEAST_BYTES_PER_SECOND = 2048;
const GRACE_WINDOWS = 2;

/**
 * Watches every request body as it comes in, also after the answer was sent: a client that stands still or creeps gets 408, one that
 * sends without end 413, and at the next look both are cut off. Whoever was receiving the body is told to drop it.
 */
export const limitBodies =
  ({ idleMs, maxBytes }: BodyLimits): RequestHandler =>
  (request, response, next) => {
    if (!hasBody(request)) return next();
    const { socket } = request;
    const start = socket.bytesRead;
    const seen: number[] = [start];
    let looks = 0;
    const timer = setInterval(() => {
      if (request.complete || request.destroyed) return clearInterval(timer);
      const before = seen.length > LOOKS_PER_WINDOW ? seen.shift() : undefined;
      seen.push(socket.bytesRead);
      const came = socket.bytesRead - start;
      looks += 1;
      const due = ((looks / LOOKS_PER_WINDOW - GRACE_WINDOWS) * idleMs * LEAST_BYTES_PER_SECOND) / 1000;
      if (came > maxBytes) cut(request, response, tooLong(request));
      else if (came < due || (before !== undefined && socket.bytesRead - before < PROGRESS_BYTES)) {
        cut(request, response, new DarkroomError('request_timeout'));
      }
    }, idleMs / LOOKS_PER_WINDOW);
    timer.unref();
    if (Number(request.get('content-length') ?? 0) > maxBytes) throw tooLong(request);
    next();
  };

export const hasBody = (request: Request): boolean =>
  request.headers['transfer-encoding'] !== undefined || Number(request.get('content-length') ?? 0) > 0;

const tooLong = (request: Request): DarkroomError =>
  new DarkroomError(request.is('multipart') ? 'file_too_large' : 'body_too_large');

/**
 * The answer first, the cut at the next look: closing at once would make the kernel throw away an answer that the client
 * has not read yet.
 */
export function cut(request: Request, response: Response, error: DarkroomError): void {
  if (response.headersSent) {
    request.destroy();
    return;
  }
  sendProblem(request, response, error);
  contextOf(request).abandon(error);
}
