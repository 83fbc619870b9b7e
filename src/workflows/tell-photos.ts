import { condition, continueAsNew, proxyActivities, setHandler } from '@temporalio/workflow';
import type { AnnounceActivities, TellPhotosInput } from '../contracts/webhooks.ts';
import { PRIORITY, TASK_QUEUES, tellPageSignal } from '../contracts/workflow-api.ts';

/** Looks of one run: eleven events each at most. */
const LOOKS_A_RUN = 250;
const LONGEST_IDLE_MS = 20_000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Tells a batch's webhook of its photos, in groups: looks at the pages that are under way, has what is new there told, and
 * looks again. A workflow beside the batch, which neither waits for it nor grows by it. The more it has told, the longer it
 * waits: a batch of a hundred thousand photos is some two thousand messages, however long its receiver is down.
 */
export async function tellPhotos(input: TellPhotosInput): Promise<void> {
  const { batchId, tenant } = input;
  const { announcePhotos } = proxyActivities<AnnounceActivities>({
    taskQueue: TASK_QUEUES.io,
    startToCloseTimeout: '10 minutes',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
    priority: { priorityKey: PRIORITY.backfill, fairnessKey: tenant },
  });
  /** Pages under way, and their latest round. */
  const pages = new Map(input.carried?.pages.map(({ page, round }) => [page, round]));
  const listed = () => Array.from(pages, ([page, round]) => ({ page, round }));
  let messages = input.carried?.messages ?? 0;
  let calls = 0;
  setHandler(tellPageSignal, (page) => {
    if (page !== null) pages.set(page.page, page.round);
    calls += 1;
  });

  let idle = 0;
  for (let look = 0; look < LOOKS_A_RUN; look++) {
    const before = calls;
    const found = await announcePhotos({ batchId, pages: listed() });
    messages += found.messages;
    idle = found.messages > 0 ? 0 : idle + 1;
    // A page that was opened meanwhile, perhaps once more, is looked at again.
    if (calls === before) {
      for (const page of found.finished) pages.delete(page);
      if (found.ended) return;
    }
    const pause = Math.max(
      Math.min(LONGEST_PAUSE_MS, 1000 + 20 * messages),
      Math.min(LONGEST_IDLE_MS, 500 * 2 ** idle),
    );
    await condition(() => calls !== before, pause);
  }
  await continueAsNew<typeof tellPhotos>({ ...input, carried: { pages: listed(), messages } });
}
