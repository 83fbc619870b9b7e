import { randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { DarkroomError, type ErrorCode } from '../contracts/errors.ts';
import { problemOf } from './problem.ts';

/** What is no HTTP never becomes a request: it is answered like everything else all the same, and cut off. */

const CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'body_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

export function refuseMalformed(fault: Error & { code?: string }, socket: Duplex): void {
  // Also when the client has gone, or an answer has begun already.
  if (!socket.writable || fault.code === 'ECONNRESET' || hasBegun(socket)) {
    socket.destroy();
    return;
  }
  const code = CODES[fault.code ?? ''];
  const error = new DarkroomError(code ?? 'invalid_request', code ? undefined : 'This is not HTTP.', { cause: fault });
  const traceId = randomBytes(16).toString('hex');
  const body = JSON.stringify(problemOf(error, '/', traceId));
  const { status } = error.definition;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Trace-Id: ${traceId}`,
    'X-Content-Type-Options: nosniff',
    'Cache-Control: no-store',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Node keeps the answer under way at its socket; a second head in the middle of it would be taken for its body. */
const hasBegun = (socket: Duplex): boolean => {
  const answer: unknown = Reflect.get(socket, '_httpMessage');
  return typeof answer === 'object' && answer !== null && Reflect.get(answer, 'headersSent') === true;
};
