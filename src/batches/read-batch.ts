import type { Client } from '@temporalio/client';
import type { BatchHeader, BatchSummary } from '../contracts/batch.ts';
import { PHOTOS_PER_PAGE } from '../contracts/ids.ts';
import { type BatchProgress, estimateEta, shareDone } from '../contracts/progress.ts';
import type { Journal } from '../storage/journal.ts';
import type { BatchState, BatchView } from './batch-service.ts';
import { type LiveBatch, readLiveBatch, shareOfPhoto } from './live-batch.ts';
import { SingleFlight } from './single-flight.ts';

const CACHE_MS = 1000;
const CACHED_BATCHES = 2000;
/** While nobody answers for a batch, what its workflow last said counts for so long; counting 100,000 outcomes takes a while. */
const ACCOUNT_USABLE_MS = 30_000;
/** Batches of so many photos are counted all the same. */
const COUNTED_AT_ONCE = 1000;

/** The state of batches: from the workflow while it is open, from the journal once it is closed or nobody answers for it. */
export class BatchReader {
  readonly #client: Client;
  readonly #journal: Journal;
  readonly #now: () => number;
  readonly #live: SingleFlight<LiveBatch>;
  readonly #views: SingleFlight<BatchView | undefined>;
  /** What workflows last said of themselves. */
  readonly #accounts = new Map<string, BatchProgress>();

  constructor(deps: { client: Client; journal: Journal; now: () => number }) {
    this.#client = deps.client;
    this.#journal = deps.journal;
    this.#now = deps.now;
    const cache = { ttlMs: CACHE_MS, capacity: CACHED_BATCHES, now: deps.now };
    this.#live = new SingleFlight(cache);
    this.#views = new SingleFlight(cache);
  }

  /** A busy workflow may be slow to answer: then what it said before, at most three seconds ago, has to do. */
  live(batchId: string): Promise<LiveBatch> {
    return this.#live.getSoon(batchId, () => readLiveBatch(this.#client, batchId, this.#now));
  }

  /** At most a second old, or three while the workflow is slow to answer. */
  view(batchId: string): Promise<BatchView | undefined> {
    return this.#views.getSoon(batchId, () => this.#read(batchId));
  }

  /** After a change that was made here, so that whoever made it sees it. */
  forget(batchId: string): void {
    this.#live.forget(batchId);
    this.#views.forget(batchId);
    this.#accounts.delete(batchId);
  }

  async #read(batchId: string): Promise<BatchView | undefined> {
    const header = await this.#journal.header(batchId);
    if (!header) return undefined;
    const live = await this.#live.get(batchId, () => readLiveBatch(this.#client, batchId, this.#now));
    if (live.progress) {
      this.#remember(batchId, live.progress);
      return this.#fromWorkflow(header, live, live.progress);
    }
    const account = this.#accounts.get(batchId);
    if (isOpen(live) && account && this.#now() - account.updatedAt < ACCOUNT_USABLE_MS) {
      const known = await this.#catchUp(header, account);
      return { ...(await this.#fromWorkflow(header, live, known)), ...UNANSWERED, updatedAt: account.updatedAt };
    }
    const summary = await this.#journal.summary(batchId);
    const closed = live.execution === 'closed' || live.execution === 'absent';
    const current = summary && (live.executionId === undefined || summary.executionId === live.executionId);
    if (closed && (await this.#journal.rolledBack(batchId))) return viewOfRolledBack(header, summary);
    if (closed && current) return viewOfSummary(header, summary);
    return this.#fromOutcomes(header, live);
  }

  #remember(batchId: string, account: BatchProgress): void {
    this.#accounts.delete(batchId);
    this.#accounts.set(batchId, account);
    const [oldest] = this.#accounts.keys();
    if (this.#accounts.size > CACHED_BATCHES && oldest !== undefined) this.#accounts.delete(oldest);
  }

  async #fromWorkflow(header: BatchHeader, live: LiveBatch, progress: BatchProgress): Promise<BatchView> {
    const underWay = await Promise.all(
      Array.from(live.underWay.values(), async (beat) => ({
        kilopixels: (await this.#journal.photo(header.batchId, beat.index))?.kilopixels ?? 0,
        done: shareOfPhoto(beat),
      })),
    );
    const begun =
      progress.completed + progress.failed > 0 ||
      [...live.underWay.values()].some(({ stage }) => stage !== 'fetching' && stage !== 'waiting');
    const state = stateOf(progress, begun);
    const cancelling = progress.state === 'cancelling';
    const accepting = progress.open && !cancelling;
    return {
      header,
      state,
      total: progress.total,
      completed: progress.completed,
      failed: progress.failed,
      share: shareDone(progress, underWay),
      eta: estimateEta(progress, underWay, this.#now()),
      updatedAt: begun ? this.#now() : progress.updatedAt,
      stale: false,
      message: cancelling ? 'Being cancelled.' : messageOf(state, progress) + (accepting ? MORE_MAY_COME : ''),
      open: true,
      accepting,
      cancelling,
      maxWorkers: progress.maxWorkers,
      priority: progress.priority,
    };
  }

  /** A workflow whose worker dies has not heard of the photo that was published last; the journal has. */
  async #catchUp(header: BatchHeader, account: BatchProgress): Promise<BatchProgress> {
    if (header.total > COUNTED_AT_ONCE) return account;
    const { counts } = await this.#countOutcomes(header);
    return { ...account, completed: Math.max(account.completed, counts.completed) };
  }

  async #countOutcomes(header: BatchHeader) {
    const counts = { total: header.total, completed: 0, failed: 0 };
    let updatedAt = header.createdAt;
    for (let page = 0; page * PHOTOS_PER_PAGE < header.total; page++) {
      for (const outcome of (await this.#journal.outcomesOfPage(header.batchId, page)).values()) {
        if (outcome.status === 'completed') counts.completed += 1;
        else counts.failed += 1;
        updatedAt = Math.max(updatedAt, outcome.finishedAt);
      }
    }
    return { counts, updatedAt };
  }

  /** No workflow answers: counts what the journal has. */
  async #fromOutcomes(header: BatchHeader, live: LiveBatch): Promise<BatchView> {
    const { counts, updatedAt } = await this.#countOutcomes(header);
    const open = isOpen(live);
    const settled = counts.completed + counts.failed;
    const state: BatchState = open ? (settled > 0 ? 'processing' : 'queued') : 'failed';
    return {
      header,
      state,
      ...counts,
      share: header.total === 0 ? 0 : settled / header.total,
      eta: null,
      updatedAt,
      stale: open,
      message: open
        ? UNANSWERED.message
        : `The batch was stopped from outside after ${settled} of ${header.total} photos. Resume it to go on.`,
      ...settingsOf(header),
      open,
      accepting: open && header.open,
    };
  }
}

const isOpen = ({ execution }: LiveBatch): boolean => execution === 'open' || execution === 'unreachable';

const UNANSWERED = {
  stale: true,
  message: 'No worker answers for this batch at the moment; this is what the journal knows. It goes on by itself.',
};

const MORE_MAY_COME = ' Photos may be added until it is sealed.';

/** What the header says of a batch that no workflow answers for. */
const settingsOf = ({ maxWorkers, priority }: BatchHeader) => ({
  open: false,
  accepting: false,
  cancelling: false,
  maxWorkers,
  priority,
});

function stateOf(progress: BatchProgress, begun: boolean): BatchState {
  switch (progress.state) {
    case 'running':
      return begun ? 'processing' : 'queued';
    case 'cancelling':
      return 'processing';
    default:
      return progress.state;
  }
}

function viewOfSummary(header: BatchHeader, summary: BatchSummary): BatchView {
  const { total, completed, failed, status } = summary;
  return {
    header,
    state: status,
    total,
    completed,
    failed,
    share: total === 0 ? 1 : (completed + failed) / total,
    eta: completed + failed >= total ? 0 : null,
    updatedAt: summary.closedAt,
    stale: false,
    message: messageOf(status, summary),
    ...settingsOf(header),
  };
}

/** Its results are gone: nothing of it counts as completed any more. */
function viewOfRolledBack(header: BatchHeader, summary: BatchSummary | undefined): BatchView {
  const { total } = header;
  const counts = { total, completed: 0, failed: summary?.failed ?? 0 };
  return {
    header,
    state: 'rolled_back',
    ...counts,
    share: 1,
    eta: 0,
    updatedAt: summary?.closedAt ?? header.createdAt,
    stale: false,
    message: messageOf('rolled_back', counts),
    ...settingsOf(header),
  };
}

function messageOf(state: BatchState, counts: { total: number; completed: number; failed: number }): string {
  const { total, completed, failed } = counts;
  const photos = `${total} ${total === 1 ? 'photo' : 'photos'}`;
  switch (state) {
    case 'queued':
      return total === 0 ? 'Waiting for photos.' : `${photos} waiting for a worker.`;
    case 'processing':
      return `${completed + failed} of ${photos} done${failed > 0 ? `, ${failed} failed` : ''}.`;
    case 'paused':
      return `Paused after ${completed + failed} of ${photos}.`;
    case 'completed':
      return `All done: ${photos}.`;
    case 'partial_completed':
      return `Done: ${completed} of ${photos} enhanced, ${failed} failed.`;
    case 'failed':
      return total === 1 ? 'The photo could not be enhanced.' : `None of the ${photos} could be enhanced.`;
    case 'cancelled':
      return `Cancelled: ${completed} of ${photos} were done and are kept.`;
    case 'rolled_back':
      return 'Rolled back: the results were removed.';
  }
}
