import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationView } from '../../batches/batch-service.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { openJournal, requireOperation, type Books } from '../books.ts';
import { DeskClosed, type Desk } from '../desk.ts';
import type { Invocation } from '../invocation.ts';
import { countPhotos, drawBar, type Terminal } from '../terminal.ts';
import { STOPPED, workAtDesk } from '../work-at-desk.ts';
import { settleAccount, type Account } from './account.ts';
import { tellAccount } from './tell-account.ts';

export interface RollbackOrder {
  readonly operationIds: readonly string[];
  /** Undo only these photos of them. */
  readonly photoIds: readonly string[] | undefined;
  readonly json: boolean;
}

/**
 * `darkroom rollback`: undoes operations photo by photo and says what became of each that was not simply undone.
 * @returns 0, 1 when files were left alone or could not be undone, 130 after Ctrl-C.
 * @throws DarkroomError with the reason why it cannot be rolled back.
 */
export async function rollBack(order: RollbackOrder, invocation: Invocation): Promise<number> {
  const { loaded, terminal } = invocation;
  const { DATA_DIR } = loaded.config;
  const checked = await withJournal(invocation, async (books) => {
    const tenant = await check(books, order);
    const finished = books && (await findFinished(books, order));
    const account = books && finished && (await settleAccount(books, finished, DATA_DIR));
    return { tenant, account };
  });
  let { account }: { account?: Account | undefined } = checked;
  if (account === undefined) {
    const worked = await workAtDesk(invocation, async (desk, signal) => {
      const operation = await undo(desk, { ...order, tenant: checked.tenant }, { terminal, signal });
      return await settleAccount(desk, operation, DATA_DIR);
    });
    if (worked === STOPPED) return 130;
    account = worked;
  } else {
    terminal.line('This was rolled back before.');
  }
  tellAccount(account, terminal, order.json);
  return account.counts.left_changed + account.counts.failed > 0 ? 1 : 0;
}

/** Looks before anything is started: nobody should wait for a Darkroom to learn that there is nothing to undo. */
async function withJournal<T>(invocation: Invocation, look: (books: Books | undefined) => Promise<T>): Promise<T> {
  const books = await openJournal(invocation);
  try {
    return await look(books);
  } finally {
    await books?.close();
  }
}

/** @returns whose operations they are: who reads the data directory may undo what is in it. */
async function check(books: Books | undefined, { operationIds }: RollbackOrder): Promise<string> {
  let tenant = '';
  for (const operationId of operationIds) {
    const operation = await requireOperation(books, operationId);
    if (!operation.undoable && operation.rolledBackBy === null) {
      throw new DarkroomError('wrong_state', `${operationId} cannot be undone. ${operation.undoableReason ?? ''}`);
    }
    ({ tenant } = operation);
  }
  return tenant;
}

/** The rollback that has done just this already; one that left photos or failed with some is gone through again. */
async function findFinished(
  { service }: Books,
  { operationIds, photoIds }: RollbackOrder,
): Promise<OperationView | undefined> {
  if (photoIds !== undefined) return undefined;
  const wanted = [...new Set(operationIds)].toSorted();
  const by = (await service.operation(wanted[0] ?? ''))?.rolledBackBy ?? null;
  const earlier = by === null ? undefined : await service.operation(by);
  const same = earlier?.undo?.targets.toSorted().join() === wanted.join();
  return same && earlier?.state === 'completed' ? earlier : undefined;
}

const LOOK_MS = 500;

const isUnderWay = ({ state }: OperationView): boolean => state === 'stopping' || state === 'undoing';

async function undo(
  desk: Desk,
  { operationIds, photoIds, tenant }: RollbackOrder & { readonly tenant: string },
  { terminal, signal }: { terminal: Terminal; signal: AbortSignal },
): Promise<OperationView> {
  const chosen = photoIds === undefined ? {} : { photoIds };
  const { header, retried } = await desk.service.rollBack({ tenant, operationIds, ...chosen });
  const what = retried === 0 ? `Undoing ${countPhotos(header.total)}` : `Trying again ${countPhotos(retried)}`;
  terminal.line(`${what} of ${operationIds.join(', ')} (rollback ${header.operationId}).`);
  for (;;) {
    const operation = await desk.service.operation(header.operationId);
    if (operation === undefined) throw new Error(`Rollback ${header.operationId} is gone: its data was removed.`);
    const share = operation.total === 0 ? 1 : (operation.completed + operation.failed) / operation.total;
    terminal.bar(`${drawBar(share)}  ${operation.message}`, share);
    if (!isUnderWay(operation)) {
      terminal.endBar();
      return operation;
    }
    if (!(await desk.isOpen())) throw new DeskClosed();
    await sleep(LOOK_MS, undefined, { signal });
  }
}
