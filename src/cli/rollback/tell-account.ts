import type { UndoCounts } from '../../contracts/operations.ts';
import { countPhotos, type Terminal } from '../terminal.ts';
import type { Account, UndonePhoto } from './account.ts';

const WORDS: Readonly<Record<UndonePhoto['result'], string>> = {
  undone: 'undone ',
  nothing_to_undo: 'nothing',
  left_changed: 'left   ',
  failed: 'failed ',
};

/** Tells what a rollback came to: a line for each photo that was not simply undone, one object for programs. */
export function tellAccount(account: Account, terminal: Terminal, json: boolean): void {
  const { operationId, operations, counts, exceptions } = account;
  for (const { name, result, message } of exceptions) terminal.line(`${WORDS[result]} ${name}: ${message}`);
  terminal.line(summarise(counts));
  if (!json) return;
  const photos = exceptions.map(({ taskId, name, result, message }) => ({ task_id: taskId, name, result, message }));
  process.stdout.write(`${JSON.stringify({ operation_id: operationId, operations, counts, photos })}\n`);
}

function summarise(counts: UndoCounts): string {
  const total = counts.undone + counts.nothing_to_undo + counts.left_changed + counts.failed;
  const parts = [
    `${counts.undone} of ${countPhotos(total)} undone`,
    ...(counts.nothing_to_undo > 0 ? [`${counts.nothing_to_undo} had nothing to undo`] : []),
    ...(counts.left_changed > 0 ? [`${counts.left_changed} left alone`] : []),
    ...(counts.failed > 0 ? [`${counts.failed} could not be undone`] : []),
  ];
  return `${parts.join(', ')}.`;
}
