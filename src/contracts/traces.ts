/** How a trace travels through Temporal: what the API, workflows, activities and the exporter agree on. */

/** The header of Temporal's OpenTelemetry interceptors in every SDK; holds W3C's `traceparent`. */
export const TRACE_HEADER = '_tracer-data';

/** Of W3C Trace Context: trace, span of the parent, flags. */
export const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/;

/** A run of a workflow, told when it ends. */
export interface WorkflowSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceFlags: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: 'completed' | 'continued' | 'failed';
  readonly message: string;
}

/** By type and not by interface, because Temporal asks for an index signature. */
export type TraceSinks = { traces: { ended(span: WorkflowSpan): void } };
