import {
  context,
  isValidTraceId,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Request, RequestHandler } from 'express';
import { TRACEPARENT } from '../contracts/traces.ts';
import type { ApiParts } from './house.ts';
import { openContext } from './request-context.ts';

/** Asked again and again by machines; as traces they would bury the others. */
const PROBES: ReadonlySet<string> = new Set(['/livez', '/readyz', '/health', '/metrics']);

const tracer = trace.getTracer('darkroom');

/**
 * Names every request, says the name in its answer, and logs how it ended. Headers and bodies are never logged. Where traces are
 * sent the name is that of the request's trace, and what the request starts belongs to it.
 */
export const traceRequests =
  ({ logger, random, clock }: Pick<ApiParts, 'logger' | 'random' | 'clock'>): RequestHandler =>
  (request, response, next) => {
    const caller = propagation.extract(ROOT_CONTEXT, request.headers);
    const span = PROBES.has(request.path)
      ? undefined
      : tracer.startSpan(request.method, { kind: SpanKind.SERVER }, caller);
    const traced = span?.spanContext().traceId ?? '';
    const traceId = isValidTraceId(traced)
      ? traced
      : (TRACEPARENT.exec(request.get('traceparent') ?? '')?.[1] ?? Buffer.from(random(16)).toString('hex'));
    const own = openContext(request, response, traceId, logger);
    response.set('X-Trace-Id', traceId);
    const startedAt = clock();
    response.once('close', () => {
      const status = response.statusCode;
      const cut = !response.writableFinished;
      own.log.info(
        { method: request.method, path: request.path, status, ms: clock() - startedAt, ...(cut ? { cut } : {}) },
        'request',
      );
      span?.updateName(`${request.method} ${routeOf(request)}`);
      span?.setAttributes({
        'http.request.method': request.method,
        'http.route': routeOf(request),
        'url.path': request.path,
        'http.response.status_code': status,
      });
      if (status >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
      span?.end();
    });
    if (span === undefined) next();
    else context.with(trace.setSpan(caller, span), next);
  };

/** `/api/v1/status/:task_id`; few, whatever is asked for. */
function routeOf({ route }: Request): string {
  const matched: unknown = route;
  const path = typeof matched === 'object' && matched !== null && 'path' in matched ? matched.path : undefined;
  return typeof path === 'string' ? path : '*';
}
