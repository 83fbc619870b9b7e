import type { BatchService, OperationView } from '../../batches/batch-service.ts';
import { photoId, PHOTOS_PER_PAGE } from '../../contracts/ids.ts';
import { NO_COUNTS, type UndoCounts, type UndoOutcome } from '../../contracts/operations.ts';
import type { Journal } from '../../storage/journal.ts';
import { takeBackCopy, findCopies, type Copy } from './take-back.ts';

/** What a rollback came to, the copies that this command line put into folders included. */
export interface Account {
  readonly operationId: string;
  readonly operations: readonly string[];
  readonly counts: UndoCounts;
  /** Those that were not simply undone. */
  readonly exceptions: readonly UndonePhoto[];
}

export interface UndonePhoto {
  readonly taskId: string;
  readonly name: string;
  readonly result: UndoOutcome['result'];
  readonly message: string;
}

interface Sources {
  readonly service: BatchService;
  readonly journal: Journal;
}

/** Goes through a rollback that has ended, photo by photo, and takes back the copies. Doing it again changes nothing. */
export async function settleAccount(sources: Sources, rollback: OperationView, dataDir: string): Promise<Account> {
  const counts = { ...NO_COUNTS };
  const exceptions: UndonePhoto[] = [];
  const operations = rollback.undo?.targets ?? [];
  for (const batchId of operations) {
    const copies = await findCopies(dataDir, batchId);
    for await (const { name, ...outcome } of undoneOf(sources, rollback.operationId, batchId)) {
      const { index, result, message } = await withCopy(outcome, copies.get(outcome.index));
      counts[result] += 1;
      if (result !== 'undone') exceptions.push({ taskId: photoId(batchId, index), name, result, message });
    }
  }
  return { operationId: rollback.operationId, operations, counts, exceptions };
}

async function* undoneOf(
  { service, journal }: Sources,
  operationId: string,
  batchId: string,
): AsyncGenerator<UndoOutcome & { name: string }> {
  const total = (await journal.header(batchId))?.total ?? 0;
  for (let page = 0; page * PHOTOS_PER_PAGE < total; page++) {
    const outcomes = await service.undone(operationId, batchId, page);
    if (outcomes.length === 0) continue;
    const names = new Map((await journal.page(batchId, page)).map(({ index, name }) => [index, name]));
    for (const outcome of outcomes) yield { ...outcome, name: names.get(outcome.index) ?? '' };
  }
}

/** A photo is undone when its copy is gone as well. */
async function withCopy(outcome: UndoOutcome, copy: Copy | undefined): Promise<UndoOutcome> {
  if (copy === undefined || outcome.result === 'left_changed' || outcome.result === 'failed') return outcome;
  return { ...outcome, ...(await takeBackCopy(copy)) };
}
