import { z } from 'zod';
import { ROLLBACK_STATUSES, type UndoCounts } from './undo-counts.ts';

export { countRemaining, NO_COUNTS, rollbackStatus, type UndoCounts } from './undo-counts.ts';

/** What can be undone, how, and what became of it. */

const place = { index: z.int().nonnegative() };

/**
 * How to undo one publication outside the store. Written before the step it undoes, so that no crash can come between
 * a changed file and the knowledge of how to change it back.
 */
export const compensationSchema = z.discriminatedUnion('kind', [
  /** The file at `path` was replaced: its former content is in the store. */
  z.object({
    ...place,
    kind: z.literal('restore'),
    path: z.string(),
    preservedKey: z.string(),
    originalSha256: z.string(),
    mode: z.int(),
    modifiedUs: z.int(),
  }),
  /** The file at `path` did not exist before. */
  z.object({ ...place, kind: z.literal('remove'), path: z.string() }),
  /** There was no such object before. */
  z.object({ ...place, kind: z.literal('remove_object'), bucket: z.string(), key: z.string() }),
]);
export type Compensation = z.infer<typeof compensationSchema>;

/** What a rollback undoes: whole batches, or chosen photos of them (ascending indexes). */
export const rollbackTargetSchema = z.object({
  batchId: z.string(),
  photos: z.array(z.int().nonnegative()).nullable(),
});
export type RollbackTarget = z.infer<typeof rollbackTargetSchema>;

export const rollbackHeaderSchema = z.object({
  operationId: z.string(),
  tenant: z.string(),
  createdAt: z.number(),
  targets: z.array(rollbackTargetSchema).min(1),
  /** Photos it covers. */
  total: z.int().nonnegative(),
});
export type RollbackHeader = z.infer<typeof rollbackHeaderSchema>;

export const UNDO_RESULTS = ['undone', 'nothing_to_undo', 'left_changed', 'failed'] as const;

/** What a rollback did to one photo. `left_changed`: someone changed the file since; it was left alone. */
export const undoOutcomeSchema = z.object({
  ...place,
  result: z.enum(UNDO_RESULTS),
  /** A sentence for people. */
  message: z.string(),
});
export type UndoOutcome = z.infer<typeof undoOutcomeSchema>;

const countsSchema = z.object({
  undone: z.int(),
  nothing_to_undo: z.int(),
  left_changed: z.int(),
  failed: z.int(),
}) satisfies z.ZodType<UndoCounts>;

export const rollbackSummarySchema = z.object({
  operationId: z.string(),
  status: z.enum(ROLLBACK_STATUSES),
  counts: countsSchema,
  closedAt: z.number(),
});
export type RollbackSummary = z.infer<typeof rollbackSummarySchema>;

/** Left with a batch that was rolled back as a whole. */
export const rolledBackSchema = z.object({ rollbackId: z.string(), at: z.number() });
export type RolledBack = z.infer<typeof rolledBackSchema>;
