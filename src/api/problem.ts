import type { ErrorRequestHandler, Request, Response } from 'express';
import { MulterError } from 'multer';
import { asDarkroomError, DarkroomError, type ErrorCode } from '../contracts/errors.ts';
import type { Problem } from '../contracts/http.ts';
import { contextOf } from './request-context.ts';

/** Everything that goes wrong leaves as an RFC 9457 problem document: a code, a sentence, no path and no stack. */

const MULTER_CODES: Readonly<Record<string, ErrorCode>> = {
  LIMIT_FILE_SIZE: 'file_too_large',
  LIMIT_FILE_COUNT: 'too_many_files',
  LIMIT_PART_COUNT: 'too_many_parts',
  LIMIT_FIELD_COUNT: 'too_many_parts',
};

/** Types of errors that Express's own body parsers raise. */
const BODY_CODES: Readonly<Record<string, ErrorCode>> = {
  'entity.too.large': 'body_too_large',
  'charset.unsupported': 'unsupported_media_type',
  'encoding.unsupported': 'unsupported_media_type',
};

/** Seconds after which trying again makes sense, for errors that pass by themselves. */
const RETRY_AFTER_SECONDS = 2;

/** Finds the code for whatever reached the end of a request. */
export function toDarkroomError(thrown: unknown): DarkroomError {
  if (thrown instanceof DarkroomError) return thrown;
  if (thrown instanceof MulterError) {
    return new DarkroomError(MULTER_CODES[thrown.code] ?? 'malformed_multipart', undefined, { cause: thrown });
  }
  if (thrown instanceof Error && 'type' in thrown && typeof thrown.type === 'string') {
    const code = BODY_CODES[thrown.type];
    if (code) return new DarkroomError(code, undefined, { cause: thrown });
  }
  if (thrown instanceof Error && 'status' in thrown && isClientStatus(thrown.status)) {
    return new DarkroomError('invalid_request', 'The request could not be read.', { cause: thrown });
  }
  return asDarkroomError(thrown);
}

const isClientStatus = (status: unknown): boolean => typeof status === 'number' && status >= 400 && status < 500;

export function problemOf(error: DarkroomError, instance: string, traceId: string): Problem {
  const { status, title, hint } = error.definition;
  return {
    type: `/docs#${error.code}`,
    title,
    status,
    detail: error.message,
    instance,
    code: error.code,
    hint,
    traceId,
    ...(error.fields.length > 0 ? { errors: error.fields.map(({ pointer, detail }) => ({ pointer, detail })) } : {}),
  };
}

export const describeProblem = (error: DarkroomError, request: Request): Problem =>
  problemOf(error, request.originalUrl.split('?', 1)[0] ?? '/', contextOf(request).traceId);

/** Answers with a problem document; a response that has begun can only be cut. */
export function sendProblem(request: Request, response: Response, error: DarkroomError): void {
  if (response.headersSent) {
    if (!response.writableFinished) response.destroy();
    return;
  }
  const problem = describeProblem(error, request);
  for (const name of ['Content-Length', 'Content-Disposition', 'ETag', 'Accept-Ranges']) response.removeHeader(name);
  if (problem.status === 401) response.set('WWW-Authenticate', 'Bearer realm="darkroom"');
  // Who refused may know better than that.
  if (asksToWait(error) && !response.hasHeader('Retry-After')) response.set('Retry-After', String(RETRY_AFTER_SECONDS));
  response.set('Cache-Control', 'no-store');
  response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

const WAIT_STATUSES = new Set([429, 503, 507]);

const asksToWait = ({ code, definition }: DarkroomError): boolean =>
  WAIT_STATUSES.has(definition.status) || code === 'idempotency_in_progress';

/** The last handler of the application. */
export const answerErrors: ErrorRequestHandler = (thrown: unknown, request, response, next) => {
  const { log, signal } = contextOf(request);
  const error = toDarkroomError(thrown);
  if (signal.aborted) {
    log.debug({ code: error.code }, 'the client went away');
    response.destroy();
    return;
  }
  // What passes by itself needs no stack: probes would fill the log with it while a server is away.
  if (error.definition.status === 500) log.error({ err: error }, error.message);
  else if (error.definition.status > 500) log.warn({ code: error.code, cause: String(error.cause) }, error.message);
  else log.debug({ err: error }, error.message);
  sendProblem(request, response, error);
  void next;
};
