import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchView } from '../batches/batch-service.ts';
import { DarkroomError } from '../contracts/errors.ts';
import { PHOTOS_PER_PAGE } from '../contracts/ids.ts';
import { openJournal, requireOperation } from './books.ts';
import { DeskClosed, type Desk } from './desk.ts';
import { placeOf } from './enhance/batch-place.ts';
import type { Invocation } from './invocation.ts';
import { drawBar, duration, type Terminal } from './terminal.ts';
import { STOPPED, workAtDesk } from './work-at-desk.ts';

/**
 * `darkroom resume`: continues a paused batch, does failed and missing photos of a closed one again. A Darkroom that runs
 * does it on its own; one that is started for it is kept until the batch has ended.
 * @returns 0, 1 when photos failed, 130 after Ctrl-C.
 * @throws DarkroomError with the reason why it cannot be resumed.
 */
export async function resume(batchId: string, invocation: Invocation): Promise<number> {
  const { terminal, loaded, command } = invocation;
  await check(batchId, invocation);
  const worked = await workAtDesk(invocation, async (desk, signal) => {
    const report = await desk.service.resume(batchId);
    terminal.line(report.message);
    return desk.own ? await follow(desk, batchId, { terminal, signal }) : 0;
  });
  if (worked === STOPPED) return 130;
  const folder = (await placeOf(loaded.config.DATA_DIR, batchId))?.folder ?? undefined;
  if (folder !== undefined) {
    terminal.line(`Copies come into ${folder} when the same \`${command} enhance …\` command is run again.`);
  }
  return worked;
}

/** Looks before anything is started. */
async function check(batchId: string, invocation: Invocation): Promise<void> {
  const books = await openJournal(invocation);
  try {
    const { kind, state } = await requireOperation(books, batchId);
    if (kind === 'rollback') {
      throw new DarkroomError('wrong_state', 'A rollback that was interrupted goes on by itself when Darkroom runs.');
    }
    if (state === 'rolled_back') {
      throw new DarkroomError('wrong_state', 'The batch was rolled back: enhance the photos again instead.');
    }
  } finally {
    await books?.close();
  }
}

const LOOK_MS = 500;

/** Waits for the end of the batch. @returns the exit code. */
async function follow(
  desk: Desk,
  batchId: string,
  { terminal, signal }: { terminal: Terminal; signal: AbortSignal },
): Promise<number> {
  for (;;) {
    const view = await desk.service.view(batchId);
    if (view === undefined) throw new Error(`Batch ${batchId} is gone: its data was removed while it ran.`);
    if (!view.open) {
      terminal.endBar();
      await tellFailures(desk, view, terminal);
      terminal.line(view.message);
      return view.failed > 0 ? 1 : 0;
    }
    const left = view.eta === null ? '' : `  ${duration(view.eta)} left`;
    terminal.bar(`${drawBar(view.share)}  ${view.message}${left}`, view.share);
    if (view.stale && !(await desk.isOpen())) throw new DeskClosed();
    await sleep(LOOK_MS, undefined, { signal });
  }
}

async function tellFailures({ service }: Desk, view: BatchView, terminal: Terminal): Promise<void> {
  if (view.failed === 0) return;
  for (let from = 0; from < view.total; from += PHOTOS_PER_PAGE) {
    for (const { name, error } of await service.photos(view.header.batchId, from, PHOTOS_PER_PAGE)) {
      if (error !== null) terminal.line(`failed  ${name}: ${error.message} ${error.hint}`);
    }
  }
}
