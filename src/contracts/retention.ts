import { z } from 'zod';

/** Left with a batch whose uploads and results were removed when their time was over. */
export const expiredSchema = z.object({ at: z.number() });
export type Expired = z.infer<typeof expiredSchema>;

/** Left with a batch that was found closed though nothing tells when that was. */
export const seenClosedSchema = z.object({ at: z.number() });

export const KEEP_RETENTION = 'keepRetention';
export const RETENTION_SCHEDULE_ID = 'darkroom-retention';

/** Activities of the retention clock: task queue `io`. */
export interface RetentionActivities {
  /** Batches whose time is over, oldest first; open ones and those already expired are left out. */
  findExpired(task: { limit: number }): Promise<{ batchIds: string[] }>;
  /** Removes the uploads and results of a batch, never a file outside the store nor a preserved original. */
  expireBatch(task: { batchId: string }): Promise<{ removed: number }>;
}
