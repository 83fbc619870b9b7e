import {
  ApplicationFailure,
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import type { BatchHeader } from '../contracts/batch.ts';
import { DarkroomError, isErrorCode } from '../contracts/errors.ts';
import { SEARCH_ATTRIBUTE_KEYS } from '../contracts/search-attributes.ts';
import { ENHANCE_BATCH, type EnhanceBatchWorkflow, TASK_QUEUES } from '../contracts/workflow-api.ts';

interface StartDependencies {
  readonly client: Client;
  readonly heartbeatTimeoutMs: number;
  readonly now: () => number;
}

/** Bound of one call to Temporal, its own retries included. */
const CALL_TIMEOUT_MS = 10_000;

/**
 * Runs a call to Temporal within a bound; whatever keeps it from answering becomes `temporal_unavailable`, a refusal of the
 * workflow keeps its own code and sentence.
 */
export async function askTemporal<T>(
  { client, now }: Pick<StartDependencies, 'client' | 'now'>,
  call: () => Promise<T>,
  timeoutMs: number = CALL_TIMEOUT_MS,
): Promise<T> {
  try {
    return await client.withDeadline(now() + timeoutMs, call);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new DarkroomError('wrong_state', 'The batch has just ended.', { cause: error });
    if (error instanceof WorkflowExecutionAlreadyStartedError) throw error;
    if (error instanceof WorkflowUpdateFailedError) throw refusalOf(error);
    throw new DarkroomError('temporal_unavailable', undefined, { cause: error });
  }
}

/** Temporal's own failure for an update whose workflow ended before it was done has a type that is no code of ours. */
function refusalOf(error: WorkflowUpdateFailedError): DarkroomError {
  const { cause } = error;
  const type = cause instanceof ApplicationFailure ? (cause.type ?? '') : '';
  return isErrorCode(type)
    ? new DarkroomError(type, cause?.message, { cause: error })
    : new DarkroomError('wrong_state', 'The batch ended before this was done.', { cause: error });
}

/** Starts the workflow of a batch that is in the journal. Started already is as good as started. */
export async function startWorkflow(
  deps: StartDependencies,
  header: BatchHeader,
  options: { resume: boolean },
): Promise<void> {
  const { batchId, total, kilopixels, maxWorkers, priority, tenant } = header;
  const { quality, scale } = header.options;
  const open = header.open && !options.resume;
  const photos = open ? 'Open for photos' : `${total} ${total === 1 ? 'photo' : 'photos'}`;
  try {
    await askTemporal(deps, () =>
      deps.client.workflow.start<EnhanceBatchWorkflow>(ENHANCE_BATCH, {
        workflowId: batchId,
        taskQueue: TASK_QUEUES.orchestration,
        args: [
          {
            batchId,
            total,
            kilopixels,
            maxWorkers,
            priority,
            tenant,
            heartbeatTimeoutMs: deps.heartbeatTimeoutMs,
            resume: options.resume,
            open,
          },
        ],
        workflowIdReusePolicy: options.resume ? 'ALLOW_DUPLICATE' : 'REJECT_DUPLICATE',
        workflowIdConflictPolicy: 'FAIL',
        typedSearchAttributes: [
          { key: SEARCH_ATTRIBUTE_KEYS.batchId, value: batchId },
          { key: SEARCH_ATTRIBUTE_KEYS.batchState, value: 'running' },
          { key: SEARCH_ATTRIBUTE_KEYS.tenant, value: tenant },
        ],
        staticSummary: `${photos}, ${scale}x, quality ${quality}`,
        priority: { priorityKey: priority, fairnessKey: tenant },
      }),
    );
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
