import type { OperationView } from '../../batches/batch-service.ts';
import type { EnhanceOptions } from '../../contracts/options.ts';
import { countPhotos } from '../terminal.ts';
import type { HistoryEntry } from './entry.ts';

export const WAITING = 'waiting; start Darkroom to go on';

const HEADINGS = ['ID', 'WHEN', 'WHAT', 'COUNTS', 'STATE', 'UNDO'];

/** Lines of a table, the headings first; every column is as wide as it needs to be. */
export function tabulate(entries: readonly HistoryEntry[]): string[] {
  const rows = [HEADINGS, ...entries.map(rowOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function rowOf(entry: HistoryEntry): string[] {
  const { operation, waiting } = entry;
  const when = new Date(operation.createdAt).toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' });
  const state = waiting ? WAITING : operation.state;
  return [operation.operationId, when, whatOf(entry), countsOf(operation), state, undoOf(operation)];
}

function whatOf({ operation, header, folder }: HistoryEntry): string {
  const photos = countPhotos(operation.total);
  if (operation.undo !== null) {
    const [first = '', ...others] = operation.undo.targets;
    return `undo ${photos} of ${first}${others.length > 0 ? ` and ${others.length} more` : ''}`;
  }
  if (header === undefined) return photos;
  const where = header.destination.kind === 'in_place' ? ' in place' : folder === undefined ? '' : ` into ${folder}`;
  return `${photos}${where}, ${header.options.quality}, ${sizeOf(header.options)}`;
}

function sizeOf({ scale, targetWidth, targetHeight }: EnhanceOptions): string {
  if (targetWidth === null && targetHeight === null) return `${scale}x`;
  return `${targetWidth ?? ''}x${targetHeight ?? ''} pixels`;
}

function countsOf({ undo, completed, failed }: OperationView): string {
  if (undo === null) return `${completed} done${failed > 0 ? `, ${failed} failed` : ''}`;
  const { undone, left_changed, failed: broken } = undo.counts;
  const left = left_changed > 0 ? `, ${left_changed} left` : '';
  return `${undone} undone${left}${broken > 0 ? `, ${broken} failed` : ''}`;
}

function undoOf({ kind, undoable, undoableReason, rolledBackBy }: OperationView): string {
  if (rolledBackBy !== null) return `rolled back by ${rolledBackBy}`;
  if (undoable) return 'can be undone';
  return kind === 'rollback' ? 'no' : `no: ${undoableReason ?? ''}`;
}
