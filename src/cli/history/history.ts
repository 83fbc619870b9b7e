import type { OperationView } from '../../batches/batch-service.ts';
import { openBooks, type Books } from '../books.ts';
import { TENANT } from '../desk.ts';
import { placeOf } from '../enhance/batch-place.ts';
import { showPlace } from '../../contracts/batch.ts';
import type { Invocation } from '../invocation.ts';
import { tabulate, WAITING } from './table.ts';
import { describeEntry, type HistoryEntry } from './entry.ts';

export interface HistoryRequest {
  readonly limit: number;
  readonly kind: 'batch' | 'rollback' | undefined;
  readonly json: boolean;
}

/** `darkroom history`: what was done and undone, newest first. Starts nothing; the journal knows. @returns 0. */
export async function history(request: HistoryRequest, invocation: Invocation): Promise<number> {
  const books = await openBooks(invocation);
  try {
    const entries = books === undefined ? [] : await readEntries(books, request, invocation);
    if (request.json) {
      process.stdout.write(`${JSON.stringify({ operations: entries.map(describeEntry) })}\n`);
    } else if (entries.length === 0) {
      invocation.terminal.line('Nothing was enhanced here yet.');
    } else {
      for (const line of tabulate(entries)) process.stdout.write(`${line}\n`);
      if (entries.some(({ waiting }) => waiting)) invocation.terminal.line(startHint(invocation));
    }
    return 0;
  } finally {
    await books?.close();
  }
}

const startHint = ({ byNpm }: Invocation): string =>
  `"${WAITING}": \`${byNpm ? 'npm start' : 'darkroom start'}\` does, from where it stopped.`;

async function readEntries(
  books: Books,
  { limit, kind }: HistoryRequest,
  invocation: Invocation,
): Promise<HistoryEntry[]> {
  const found: OperationView[] = [];
  let cursor: string | null | undefined;
  while (found.length < limit && cursor !== null) {
    const page = await books.service.operations({
      tenant: TENANT,
      limit: limit - found.length,
      ...(kind === undefined ? {} : { kind }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    found.push(...page.operations);
    cursor = page.nextCursor;
  }
  const entries: HistoryEntry[] = [];
  for (const operation of found) entries.push(await readEntry(books, operation, invocation));
  return entries;
}

async function readEntry(
  { journal, live }: Books,
  operation: OperationView,
  { loaded: { config } }: Invocation,
): Promise<HistoryEntry> {
  const { operationId, kind, state } = operation;
  if (kind === 'rollback') {
    const underWay = state === 'stopping' || state === 'undoing';
    return { operation, waiting: !live && underWay, header: undefined, folder: undefined };
  }
  const header = await journal.header(operationId);
  const closed = state === 'rolled_back' || live || (await journal.summary(operationId)) !== undefined;
  const { destination } = header ?? {};
  const copies = (await placeOf(config.DATA_DIR, operationId))?.folder ?? undefined;
  const folder = (destination && showPlace(destination)) ?? copies;
  return { operation, waiting: !closed, header, folder };
}
