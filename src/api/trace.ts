import type { RequestHandler } from 'express';
import type { ApiParts } from './house.ts';
import { openContext } from './request-context.ts';

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;

/** Names every request, says the name in its answer, and logs how it ended. Headers and bodies are never logged. */
export const traceRequests =
  ({ logger, random, clock }: Pick<ApiParts, 'logger' | 'random' | 'clock'>): RequestHandler =>
  (request, response, next) => {
    const traceId = TRACEPARENT.exec(request.get('traceparent') ?? '')?.[1] ?? Buffer.from(random(16)).toString('hex');
    const context = openContext(request, response, traceId, logger);
    response.set('X-Trace-Id', traceId);
    const startedAt = clock();
    response.once('close', () => {
      context.log.info(
        {
          method: request.method,
          path: request.path,
          status: response.statusCode,
          ms: clock() - startedAt,
          ...(response.writableFinished ? {} : { cut: true }),
        },
        'request',
      );
    });
    next();
  };
