import type { OperationView } from '../../batches/batch-service.ts';
import type { BatchHeader } from '../../contracts/batch.ts';
import { showOptions } from '../../contracts/option-fields.ts';

/** One line of the history. */
export interface HistoryEntry {
  readonly operation: OperationView;
  /** True for what is open while no Darkroom runs. */
  readonly waiting: boolean;
  /** Of a batch. */
  readonly header: BatchHeader | undefined;
  /** Where its results went besides the store. */
  readonly folder: string | undefined;
}

/** The same for programs: names as in the HTTP contract. */
export function describeEntry({ operation, waiting, header, folder }: HistoryEntry) {
  const { createdAt, updatedAt, undo } = operation;
  return {
    operation_id: operation.operationId,
    kind: operation.kind,
    state: waiting ? 'waiting' : operation.state,
    created_at: createdAt / 1000,
    updated_at: updatedAt / 1000,
    total: operation.total,
    completed: operation.completed,
    failed: operation.failed,
    options: header === undefined ? null : showOptions(header.options),
    destination: header === undefined ? null : { kind: kindOf(header, folder), path: folder ?? null },
    undo: undo && { operations: undo.targets, counts: undo.counts },
    undoable: operation.undoable,
    undoable_reason: operation.undoableReason,
    rolled_back_by: operation.rolledBackBy,
    message: waiting ? 'Waiting until Darkroom is started.' : operation.message,
  };
}

const kindOf = ({ destination }: BatchHeader, folder: string | undefined): BatchHeader['destination']['kind'] =>
  folder === undefined || destination.kind === 's3' ? destination.kind : 'folder';
