import { type Client, defaultPayloadConverter, WorkflowNotFoundError } from '@temporalio/client';
import { z } from 'zod';
import type { PhotoHeartbeat } from '../contracts/activities.ts';
import { progressQuery } from '../contracts/workflow-api.ts';
import type { BatchProgress } from '../contracts/progress.ts';

/** A photo under way as its heartbeat tells it, and which attempt that is. */
export type LivePhoto = PhotoHeartbeat & { readonly attempt: number };

/** What Temporal says of a batch right now. */
export interface LiveBatch {
  /** `absent`: never started or past its retention. `unreachable`: Temporal does not answer. */
  readonly execution: 'open' | 'closed' | 'absent' | 'unreachable';
  readonly executionId: string | undefined;
  /** The workflow's own account; `undefined` when no worker answers for it. */
  readonly progress: BatchProgress | undefined;
  /** Photos under way by index, from the heartbeats of the pending activities. */
  readonly underWay: ReadonlyMap<number, LivePhoto>;
}

/** A query waits for a worker; without one the journal must answer soon. */
const QUERY_TIMEOUT_MS = 1500;
const DESCRIBE_TIMEOUT_MS = 3000;

const NOTHING: LiveBatch = { execution: 'absent', executionId: undefined, progress: undefined, underWay: new Map() };

/** Asks Temporal: one `describe` for the tiles under way, one query for the counts. A closed workflow is never queried. */
export async function readLiveBatch(client: Client, batchId: string, now: () => number): Promise<LiveBatch> {
  const handle = client.workflow.getHandle(batchId);
  let description;
  try {
    description = await client.withDeadline(now() + DESCRIBE_TIMEOUT_MS, () => handle.describe());
  } catch (error) {
    return error instanceof WorkflowNotFoundError ? NOTHING : { ...NOTHING, execution: 'unreachable' };
  }
  const executionId = description.raw.workflowExecutionInfo?.firstRunId ?? undefined;
  if (description.status.name !== 'RUNNING' && description.status.name !== 'PAUSED') {
    return { ...NOTHING, execution: 'closed', executionId };
  }
  const underWay = readHeartbeats(description.raw.pendingActivities ?? []);
  try {
    const progress = await client.withDeadline(now() + QUERY_TIMEOUT_MS, () => handle.query(progressQuery));
    return { execution: 'open', executionId, progress, underWay };
  } catch {
    return { execution: 'open', executionId, progress: undefined, underWay };
  }
}

const heartbeatSchema = z.object({
  index: z.int(),
  stage: z.enum(['fetching', 'waiting', 'decoding', 'enhancing', 'encoding', 'publishing']),
  tilesDone: z.number(),
  tilesTotal: z.number(),
  faults: z.number(),
  begun: z.number(),
  ended: z.number(),
});

type PendingActivities = NonNullable<
  Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['describe']>>['raw']['pendingActivities']
>;

function readHeartbeats(activities: PendingActivities): Map<number, LivePhoto> {
  const underWay = new Map<number, LivePhoto>();
  for (const activity of activities) {
    const [payload] = activity.heartbeatDetails?.payloads ?? [];
    if (activity.activityType?.name !== 'enhancePhoto' || !payload) continue;
    const parsed = heartbeatSchema.safeParse(defaultPayloadConverter.fromPayload(payload));
    if (parsed.success) underWay.set(parsed.data.index, { ...parsed.data, attempt: activity.attempt ?? 1 });
  }
  return underWay;
}

/** Share of a photo that is done, 0..1: tiles, with a little for what comes before and after them. */
export function shareOfPhoto(beat: PhotoHeartbeat | undefined): number {
  if (!beat || beat.tilesTotal === 0) return 0;
  return Math.min(0.99, beat.tilesDone / beat.tilesTotal);
}
