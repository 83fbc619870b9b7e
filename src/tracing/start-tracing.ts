import { diag, DiagLogLevel, propagation, context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { envDetectorSync, Resource } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { interceptActivity, RequestsInterceptor } from './interceptors.ts';
import type { Tracing } from './open-tracing.ts';
import { makeTraceSinks } from './workflow-spans.ts';

/** How long the last spans may take on their way when a process ends. */
const CLOSE_WITHIN_MS = 3_000;

const quiet = (): void => undefined;

/**
 * Installs the SDK for this process. Address, headers, protocol details and the sampler are read from the standard `OTEL_`
 * variables by the SDK itself. Spans wait in a queue of bounded length: a collector that is away costs spans and nothing else.
 */
export function startTracing(serviceName: string, tell: (message: string) => void): Tracing {
  diag.setLogger({ error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet }, DiagLogLevel.WARN);
  const resource = new Resource({ 'service.name': serviceName }).merge(envDetectorSync.detect());
  const processor = new BatchSpanProcessor(new OTLPTraceExporter());
  const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  return {
    clientInterceptors: { workflow: [new RequestsInterceptor()] },
    interceptors: { activity: [interceptActivity] },
    sinks: makeTraceSinks(processor, resource),
    async close() {
      const late = new Promise((resolve) => setTimeout(resolve, CLOSE_WITHIN_MS).unref());
      const sent = provider.shutdown().catch((error: unknown) => tell(String(error)));
      await Promise.race([sent, late]);
    },
  };
}
