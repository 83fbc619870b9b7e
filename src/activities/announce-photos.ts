import { createHash } from 'node:crypto';
import type { BatchHeader, PhotoOutcome, PhotoRecord } from '../contracts/batch.ts';
import { photoId, PHOTOS_PER_PAGE } from '../contracts/ids.ts';
import type { AnnounceActivities, PageInRound, ToldPage, WebhookMessage } from '../contracts/webhooks.ts';
import type { Journal } from '../storage/journal.ts';
import { dispatch, writeMessage, type AnnouncerDependencies } from './announcer.ts';
import { withTypedFailures } from './failures.ts';

/** Photos in one message: some 25 kB, which every receiver takes. */
const PHOTOS_A_MESSAGE = 100;

export interface AnnouncePhotosDependencies extends Omit<AnnouncerDependencies, 'journal' | 'watchPhotos'> {
  readonly journal: Pick<Journal, 'header' | 'page' | 'ranksOfPage' | 'outcomeUpTo'>;
  /** Whether a workflow works on the batch. */
  readonly isOpen: (batchId: string) => Promise<boolean>;
}

/** Activity of workflow `tellPhotos`: task queue `io`. */
export function createAnnounceActivities(deps: AnnouncePhotosDependencies): AnnounceActivities {
  return {
    announcePhotos: ({ batchId, pages }) =>
      withTypedFailures(async () => {
        const header = await deps.journal.header(batchId);
        if (!header?.webhook) return { messages: 0, finished: [], ended: true };
        // Asked before the journal is read: what settles before the end is seen by this look.
        const ended = !(await deps.isOpen(batchId));
        const looks = [];
        for (const page of pages) looks.push({ page: page.page, ...(await announcePage(deps, header, page)) });
        return {
          messages: looks.reduce((sum, { messages }) => sum + messages, 0),
          finished: looks.filter(({ finished }) => finished).map(({ page }) => page),
          ended,
        };
      }),
  };
}

/**
 * Tells what has become of a page's photos since it was last told. What is told, and in which messages, is written down
 * before any is sent: an attempt that dies in between is finished by the next, with the same messages.
 */
async function announcePage(
  deps: AnnouncePhotosDependencies,
  header: BatchHeader,
  { page, round: until }: PageInRound,
): Promise<{ messages: number; finished: boolean }> {
  const { journal, webhooks } = deps;
  const { batchId } = header;
  const before = await webhooks.told(batchId, page);
  const ranks = await journal.ranksOfPage(batchId, page);
  const records = await journal.page(batchId, page);
  const news: PhotoOutcome[] = [];
  const rounds = { ...before.rounds };
  const failed = new Set(before.failed);
  for (const [index, round] of ranks) {
    // What was removed is no news of a photo that was done.
    if (!Number.isFinite(round) || round <= (before.rounds[index % PHOTOS_PER_PAGE] ?? -1)) continue;
    const outcome = await journal.outcomeUpTo(batchId, index, round);
    if (!outcome) continue;
    rounds[index % PHOTOS_PER_PAGE] = round;
    failed.delete(index % PHOTOS_PER_PAGE);
    if (outcome.status === 'failed') failed.add(index % PHOTOS_PER_PAGE);
    news.push(outcome);
  }
  const told: ToldPage = {
    rounds,
    failed: [...failed],
    due: [...before.due, ...messagesOf(deps, header, news, records)],
  };
  if (news.length > 0) await webhooks.noteTold(batchId, page, told);
  for (const message of told.due) {
    await webhooks.create(batchId, message);
    await dispatch(deps, header, message);
  }
  if (told.due.length > 0) await webhooks.noteTold(batchId, page, { ...told, due: [] });
  // A later round does those that had failed again, except what was refused at the door.
  const isDone = ({ index, refused }: PhotoRecord): boolean =>
    ranks.has(index) &&
    (refused !== undefined || !failed.has(index % PHOTOS_PER_PAGE) || (ranks.get(index) ?? 0) >= until);
  return { messages: told.due.length, finished: records.every(isDone) };
}

function messagesOf(
  deps: AnnouncePhotosDependencies,
  header: BatchHeader,
  news: readonly PhotoOutcome[],
  records: readonly { index: number; name: string }[],
): WebhookMessage[] {
  const names = new Map(records.map(({ index, name }) => [index, name]));
  const messages: WebhookMessage[] = [];
  for (const status of ['completed', 'failed'] as const) {
    const event = `photo.${status}` as const;
    if (!header.webhook?.events.includes(event)) continue;
    const photos = news.filter((outcome) => outcome.status === status).sort((a, b) => a.index - b.index);
    for (let from = 0; from < photos.length; from += PHOTOS_A_MESSAGE) {
      const group = photos.slice(from, from + PHOTOS_A_MESSAGE);
      const data = {
        photos: group.map((outcome) => describe(header.batchId, outcome, names.get(outcome.index) ?? '')),
      };
      messages.push(writeMessage(deps, header, { messageId: messageId(deps.now(), event, group), event, data }));
    }
  }
  return messages;
}

/** Begins with the moment, so that the log lists them in their order. */
function messageId(now: number, event: string, group: readonly PhotoOutcome[]): string {
  const identity = [event, ...group.map(({ index, epoch }) => `${index}.${epoch}`)].join(' ');
  const hash = createHash('sha256').update(identity).digest('hex');
  return `msg_${now.toString(16).padStart(12, '0')}${hash.slice(0, 12)}`;
}

function describe(batchId: string, outcome: PhotoOutcome, filename: string): object {
  const id = photoId(batchId, outcome.index);
  const error = outcome.status === 'failed' ? outcome.error : undefined;
  return {
    task_id: id,
    index: outcome.index,
    filename,
    status: outcome.status,
    round: outcome.epoch,
    attempts: outcome.attempts,
    finished_at: outcome.finishedAt / 1000,
    result_url: outcome.status === 'completed' ? `/api/v1/download/${id}` : null,
    error: error?.message ?? null,
    error_code: error?.code ?? null,
    hint: error?.hint ?? null,
  };
}
