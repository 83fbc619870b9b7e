/**
 * Loaded once before any workflow. Temporal's sandbox notes a stack trace for every promise that a workflow makes; at ten
 * frames, each looked up in the source map, that was more than half of a worker's time for workflows. Four tell where a
 * promise or an error comes from.
 */
Error.stackTraceLimit = 4;
