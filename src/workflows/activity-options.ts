import { proxyActivities } from '@temporalio/workflow';
import type {
  EnhanceActivities,
  FetchActivities,
  JournalActivities,
  PendingPhoto,
  RollbackActivities,
} from '../contracts/activities.ts';
import { NON_RETRYABLE_CODES } from '../contracts/errors.ts';
import { PRIORITY, TASK_QUEUES, type EnhanceBatchInput } from '../contracts/workflow-api.ts';

/** What all work on the books shares: their worker's death, or that it never got them, is noticed by its silence. */
const books = (tenant: string) => ({
  taskQueue: TASK_QUEUES.io,
  heartbeatTimeout: '20 seconds' as const,
  retry: {
    initialInterval: '500ms' as const,
    backoffCoefficient: 2,
    maximumInterval: '30 seconds' as const,
    nonRetryableErrorTypes: NON_RETRYABLE_CODES,
  },
  priority: { priorityKey: PRIORITY.control, fairnessKey: tenant },
});

/**
 * Short reads and writes next to the store. They are tried for ever: a full disk or a store that is away is waited for,
 * because giving up would lose what the batch has done.
 */
export const journal = (input: Pick<EnhanceBatchInput, 'tenant'>): Omit<JournalActivities, 'surveyBatch'> =>
  proxyActivities<Omit<JournalActivities, 'surveyBatch'>>({
    startToCloseTimeout: '10 minutes',
    ...books(input.tenant),
  });

/** Counting a batch reads the outcome of each of up to 100,000 photos, and begins anew when its time is over. */
export const counting = (input: Pick<EnhanceBatchInput, 'tenant'>): Pick<JournalActivities, 'surveyBatch'> =>
  proxyActivities<Pick<JournalActivities, 'surveyBatch'>>({ startToCloseTimeout: '2 hours', ...books(input.tenant) });

/**
 * Undoing. Tried for ever like the books: a rollback that was begun is finished. A page of 500 originals on a slow disk takes
 * its time, so that a dead worker is noticed by its silence rather than by the end of a long time-out.
 */
export const undoing = (tenant: string): RollbackActivities =>
  proxyActivities<RollbackActivities>({
    taskQueue: TASK_QUEUES.io,
    startToCloseTimeout: '2 hours',
    heartbeatTimeout: '10 seconds',
    retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30 seconds' },
    priority: { priorityKey: PRIORITY.control, fairnessKey: tenant },
  });

/** What everything that is done to one photo shares. */
const onePhoto = (input: EnhanceBatchInput, priority: number, photo: PendingPhoto) => ({
  heartbeatTimeout: input.heartbeatTimeoutMs,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED' as const,
  priority: { priorityKey: priority, fairnessKey: input.tenant },
  summary: `${photo.name} (photo ${photo.index + 1} of ${input.total})`,
});

const retryWith = (backoffCoefficient: number) => ({
  initialInterval: '1 second' as const,
  backoffCoefficient,
  maximumInterval: '30 seconds' as const,
  nonRetryableErrorTypes: NON_RETRYABLE_CODES,
});

/**
 * One photo from somebody else's server, on a queue of its own: however many of those are silent, the books are kept and
 * photos enhanced. The activity bounds itself (OUTGOING_TIMEOUT_MS) and gives up on an address after three attempts; a full
 * disk is waited for. Cancelling waits, so that nothing is written after the batch has closed.
 */
export const fetching = (input: EnhanceBatchInput, priority: number, photo: PendingPhoto): FetchActivities =>
  proxyActivities<FetchActivities>({
    taskQueue: TASK_QUEUES.fetch,
    startToCloseTimeout: '2 hours',
    ...onePhoto(input, priority, photo),
    retry: retryWith(4),
  });

/**
 * One photo on a device. The slowest network needs most of a day for the largest photo, and waits for the one before it on
 * the same device: thirty days is more than any of that. A dead worker is noticed by its silence (heartbeat), a hung engine
 * by its worker. Attempts are not counted here, because each kill of a worker is one and a full disk is waited for: the
 * activity itself gives up on faults that stay, and what the photo's file is to blame for is never tried again.
 * Cancelling waits until the work has really ended, so that nothing is published after the batch has closed.
 */
export const photoWork = (input: EnhanceBatchInput, priority: number, photo: PendingPhoto): EnhanceActivities =>
  proxyActivities<EnhanceActivities>({
    taskQueue: TASK_QUEUES.enhance,
    startToCloseTimeout: '30 days',
    ...onePhoto(input, priority, photo),
    retry: retryWith(2),
  });
