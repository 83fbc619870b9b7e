import type { ActivityInterceptors } from '@temporalio/worker';
import type { Context } from '@temporalio/activity';
import { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry/lib/client/index.js';
import {
  OpenTelemetryActivityInboundInterceptor,
  OpenTelemetryActivityOutboundInterceptor,
} from '@temporalio/interceptors-opentelemetry/lib/worker/index.js';
import { TRACE_HEADER } from '../contracts/traces.ts';

/** Temporal's, but for reads: those are polled on behalf of many, and would fill the traces of whoever came first. */
export class RequestsInterceptor extends OpenTelemetryWorkflowClientInterceptor {
  override query: OpenTelemetryWorkflowClientInterceptor['query'] = (input, next) => next(input);
  override describe: OpenTelemetryWorkflowClientInterceptor['describe'] = (input, next) => next(input);
}

/** Temporal's, for activities of a workflow that belongs to a trace; others would each be a trace of one span. */
class TracedActivity extends OpenTelemetryActivityInboundInterceptor {
  override execute: OpenTelemetryActivityInboundInterceptor['execute'] = (input, next) =>
    input.headers[TRACE_HEADER] === undefined ? next(input) : super.execute(input, next);
}

export const interceptActivity = (activity: Context): ActivityInterceptors => ({
  inbound: new TracedActivity(activity),
  outbound: new OpenTelemetryActivityOutboundInterceptor(activity),
});
