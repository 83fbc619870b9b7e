/**
 * How many photos of a rollback came to which end. Apart from the schemas, because workflows use it: every workflow loads
 * its modules anew, and a schema library would cost more than all the rest.
 */
export interface UndoCounts {
  undone: number;
  nothing_to_undo: number;
  left_changed: number;
  failed: number;
}

export const NO_COUNTS: UndoCounts = { undone: 0, nothing_to_undo: 0, left_changed: 0, failed: 0 };

export const ROLLBACK_STATUSES = ['completed', 'partial_completed', 'failed'] as const;

/** Photos that a rollback left as they were: asked for again, it tries exactly those again. */
export const countRemaining = ({ left_changed, failed }: UndoCounts): number => left_changed + failed;

/** How a rollback ended: files that people changed since, and failures, make it partial; nothing but those, failed. */
export function rollbackStatus(counts: UndoCounts): (typeof ROLLBACK_STATUSES)[number] {
  if (countRemaining(counts) === 0) return 'completed';
  return counts.undone + counts.nothing_to_undo > 0 ? 'partial_completed' : 'failed';
}
