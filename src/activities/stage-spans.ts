import { context, SpanStatusCode, trace, type Attributes, type Span } from '@opentelemetry/api';
import type { PhotoHeartbeat } from '../contracts/activities.ts';
import { asDarkroomError } from '../contracts/errors.ts';

type Stage = PhotoHeartbeat['stage'];

const NAMES: Readonly<Record<Stage, string>> = {
  fetching: 'fetch',
  waiting: 'wait',
  decoding: 'decode',
  enhancing: 'network',
  encoding: 'encode',
  publishing: 'publish',
};

/** The stages of a photo as spans below that of its activity. */
export interface StageSpans {
  /** Ends the stage before; naming the same one again changes nothing. */
  enter(stage: Stage): void;
  /** What was learnt of the photo, for the span of the activity. */
  note(attributes: Attributes): void;
  /** @param error - what the stage under way failed with */
  end(error?: unknown): void;
}

const UNTRACED: StageSpans = { enter: () => undefined, note: () => undefined, end: () => undefined };
const tracer = trace.getTracer('darkroom');

/**
 * Stages follow what the engine's process tells the pool of its work; each span has the same `attributes`. They are taken in
 * this process, so a stage is as long as it was for the photo, with the wait for a network that another photo has.
 */
export function openStageSpans(attributes: Attributes): StageSpans {
  // Kept, because steps are told from the engine's pipe, which knows of no activity.
  const activity = context.active();
  const parent = trace.getSpan(activity);
  if (!parent?.isRecording()) return UNTRACED;
  parent.setAttributes(attributes);
  let current: { stage: Stage; span: Span } | undefined;
  return {
    enter(stage) {
      if (current?.stage === stage) return;
      current?.span.end();
      current = { stage, span: tracer.startSpan(NAMES[stage], { attributes }, activity) };
    },
    note: (found) => void parent.setAttributes(found),
    end(error) {
      if (error !== undefined) {
        current?.span.setStatus({ code: SpanStatusCode.ERROR, message: asDarkroomError(error).code });
      }
      current?.span.end();
      current = undefined;
    },
  };
}
