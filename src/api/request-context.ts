import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';

/** What the API knows of a request besides what the client sent. */
export interface RequestContext {
  /** 32 hexadecimal digits, the caller's own when it sent a W3C `traceparent`. */
  readonly traceId: string;
  readonly log: Logger;
  /** Whose batches the caller may see. */
  tenant: string;
  /** Aborted when the caller is gone before its answer was sent, or was answered before its work was done. */
  readonly signal: AbortSignal;
  /** Stops the work on this request: it has been answered otherwise. */
  abandon(reason: Error): void;
}

const contexts = new WeakMap<IncomingMessage, RequestContext>();

export function contextOf(request: IncomingMessage): RequestContext {
  const context = contexts.get(request);
  if (!context) throw new TypeError('Expected a request that openContext has seen');
  return context;
}

/** Gives a request its context; once, before anything else. */
export function openContext(
  request: IncomingMessage,
  response: ServerResponse,
  traceId: string,
  logger: Logger,
): RequestContext {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new Error('The client closed the connection.'));
  });
  const context: RequestContext = {
    traceId,
    log: logger.child({ traceId }),
    tenant: ANONYMOUS,
    signal: gone.signal,
    abandon: (reason) => gone.abort(reason),
  };
  contexts.set(request, context);
  return context;
}

/** The tenant of everybody when no API keys are configured. */
export const ANONYMOUS = 'local';
