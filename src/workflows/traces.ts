import {
  ContinueAsNew,
  defaultPayloadConverter,
  proxySinks,
  workflowInfo,
  type WorkflowInterceptors,
} from '@temporalio/workflow';
import { TRACE_HEADER, TRACEPARENT, type TraceSinks, type WorkflowSpan } from '../contracts/traces.ts';

/**
 * Hands the trace that a workflow was started in on to its activities, and tells of the run when it ends. Temporal's own
 * interceptor wraps every call, so that answers arrive some steps later; a batch that was begun with it and goes on without it, or
 * the other way round, could then decide in another order. This one adds a header and nothing else: tracing may be switched on
 * and off, and histories recorded without it replay, at any time.
 */

type Headers = Parameters<NonNullable<WorkflowInterceptors['inbound']>[number]['execute'] & object>[0]['headers'];

const { traces } = proxySinks<TraceSinks>();

export function interceptors(): WorkflowInterceptors {
  /** As it was given: for the next run of the same workflow, which is a sibling of this one. */
  let given: Headers = {};
  /** With this run as the parent. */
  let own: Headers = {};
  return {
    inbound: [
      {
        execute(input, next) {
          const span = openSpan(input.headers);
          if (span === undefined) return next(input);
          const payload = input.headers[TRACE_HEADER];
          given = payload === undefined ? {} : { [TRACE_HEADER]: payload };
          own = { [TRACE_HEADER]: defaultPayloadConverter.toPayload({ traceparent: traceparentOf(span) }) };
          const result = next(input);
          result.then(
            () => traces.ended({ ...span, endedAt: Date.now(), outcome: 'completed', message: '' }),
            (error: unknown) => traces.ended({ ...span, endedAt: Date.now(), ...describeEnd(error) }),
          );
          return result;
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next({ ...input, headers: { ...input.headers, ...own } }),
        continueAsNew: (input, next) => next({ ...input, headers: { ...input.headers, ...given } }),
      },
    ],
  };
}

type OpenSpan = Omit<WorkflowSpan, 'endedAt' | 'outcome' | 'message'>;

/** A run is known by half of its ID, which is random already: no chance is drawn that the workflow would miss. */
function openSpan(headers: Headers): OpenSpan | undefined {
  const payload = headers[TRACE_HEADER];
  if (payload === undefined) return undefined;
  const carrier: { traceparent?: unknown } = defaultPayloadConverter.fromPayload(payload);
  const [, traceId, parentSpanId, flags] = TRACEPARENT.exec(String(carrier.traceparent)) ?? [];
  if (traceId === undefined || parentSpanId === undefined || flags === undefined) return undefined;
  const { runId, runStartTime } = workflowInfo();
  return {
    traceId,
    spanId: runId.replaceAll('-', '').slice(-16),
    parentSpanId,
    traceFlags: Number.parseInt(flags, 16),
    startedAt: runStartTime.getTime(),
  };
}

const traceparentOf = ({ traceId, spanId, traceFlags }: OpenSpan): string =>
  `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;

function describeEnd(error: unknown): Pick<WorkflowSpan, 'outcome' | 'message'> {
  if (error instanceof ContinueAsNew) return { outcome: 'continued', message: '' };
  return { outcome: 'failed', message: error instanceof Error ? error.message : String(error) };
}
