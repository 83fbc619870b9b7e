import { SpanKind, SpanStatusCode, type HrTime } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { InjectedSinks } from '@temporalio/worker';
import type { WorkflowInfo } from '@temporalio/workflow';
import type { TraceSinks, WorkflowSpan } from '../contracts/traces.ts';

/** Where workflows tell of their runs: outside of their sandbox, once a run, and not when it is replayed. */
export const makeTraceSinks = (processor: SpanProcessor, resource: Resource): InjectedSinks<TraceSinks> => ({
  traces: { ended: { fn: (info, span) => processor.onEnd(readable(info, span, resource)) } },
});

function readable(info: WorkflowInfo, span: WorkflowSpan, resource: Resource): ReadableSpan {
  const { traceId, spanId, parentSpanId, traceFlags, startedAt, endedAt, outcome, message } = span;
  return {
    name: `RunWorkflow:${info.workflowType}`,
    kind: SpanKind.INTERNAL,
    spanContext: () => ({ traceId, spanId, traceFlags }),
    parentSpanId,
    startTime: hrTime(startedAt),
    endTime: hrTime(endedAt),
    duration: hrTime(endedAt - startedAt),
    status: outcome === 'failed' ? { code: SpanStatusCode.ERROR, message } : { code: SpanStatusCode.OK },
    attributes: { temporalWorkflowId: info.workflowId, run_id: info.runId, outcome },
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationLibrary: { name: 'darkroom' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Seconds and nanoseconds. */
const hrTime = (ms: number): HrTime => [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
