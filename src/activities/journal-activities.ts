import type { FailedOutcome, PhotoOutcome, PhotoRecord } from '../contracts/batch.ts';
import type { FailureToRecord, JournalActivities, OpenedPage, PageToOpen, Survey } from '../contracts/activities.ts';
import { DarkroomError, ERRORS, isErrorCode } from '../contracts/errors.ts';
import { PHOTOS_PER_PAGE } from '../contracts/ids.ts';
import type { Journal } from '../storage/journal.ts';
import type { Announcer } from './announcer.ts';
import { withTypedFailures } from './failures.ts';
import { withHeartbeats } from './heartbeats.ts';

const DISPLAY_NAME_LENGTH = 60;

export interface JournalDependencies {
  readonly journal: Journal;
  readonly now: () => number;
  readonly announcer: Pick<Announcer, 'pageOpened' | 'batchEnded'>;
}

/** A worker that dies over the books is noticed by its silence: nothing of the batch goes on without them. */
const atTheBooks = <T>(action: () => Promise<T>): Promise<T> => withTypedFailures(() => withHeartbeats(action));

/** Activities that read and write the journal: task queue `io`. */
export function createJournalActivities({ journal, now, announcer }: JournalDependencies): JournalActivities {
  return {
    openPage: ({ batchId, page, from, countFrom, epoch }) =>
      atTheBooks(async () => {
        const [records, outcomes] = await Promise.all([
          requirePage(journal, { batchId, page, from }),
          journal.outcomesOfPage(batchId, page),
        ]);
        for (const record of records) {
          if (record.refused && !outcomes.has(record.index)) {
            await journal.record(
              batchId,
              failedOutcome({ ...record.refused, index: record.index, epoch, attempts: 0 }, now()),
            );
          }
        }
        const header = await journal.header(batchId);
        if (header) await announcer.pageOpened(header, { page, round: epoch });
        return sortPage(records, outcomes, { epoch, countFrom });
      }),

    surveyBatch: ({ batchId }) =>
      atTheBooks(async () => {
        const header = await journal.header(batchId);
        if (!header) throw new DarkroomError('not_found', `There is no batch ${batchId} in the journal.`);
        const { total, kilopixels } = header;
        const survey: Survey = {
          total,
          kilopixels,
          epoch: 0,
          completed: 0,
          failed: 0,
          settledKilopixels: 0,
          pages: [],
        };
        for (let page = 0; page * PHOTOS_PER_PAGE < header.total; page++) {
          const [onPage, outcomes] = await Promise.all([
            requirePage(journal, { batchId, page, from: page * PHOTOS_PER_PAGE }),
            journal.outcomesOfPage(batchId, page),
          ]);
          // Photos that are being taken in meanwhile are not among those that are counted.
          const records = onPage.filter(({ index }) => index < total);
          for (const outcome of outcomes.values()) survey.epoch = Math.max(survey.epoch, outcome.epoch + 1);
          const { pending, completed, failed, settledKilopixels } = countPage(
            records,
            outcomes,
            Number.POSITIVE_INFINITY,
          );
          survey.completed += completed;
          survey.failed += failed;
          survey.settledKilopixels += settledKilopixels;
          if (pending.length > 0) survey.pages.push(page);
        }
        return survey;
      }),

    appendPhotos: ({ batchId, additionId, total }) => atTheBooks(() => journal.append(batchId, additionId, total)),

    recordFailure: (failure) =>
      atTheBooks(async () => {
        await journal.record(failure.batchId, failedOutcome(failure, now()));
      }),

    closeBatch: (ended) =>
      atTheBooks(async () => {
        await journal.close({ ...ended, closedAt: now() });
        await announcer.batchEnded(ended);
      }),
  };
}

/**
 * The photos of a page from `from` on, where there must be some.
 * @throws DarkroomError `storage_unavailable` when there is none, which is tried again with pauses: a store that was lost or
 *   mistaken for another may come back, and an empty page would be asked for at once, again and again
 */
async function requirePage(
  journal: Journal,
  { batchId, page, from }: Pick<PageToOpen, 'batchId' | 'page' | 'from'>,
): Promise<PhotoRecord[]> {
  const records = (await journal.page(batchId, page)).filter(({ index }) => index >= from);
  if (records.length === 0) {
    throw new DarkroomError('storage_unavailable', `The store lacks photos of page ${page} from number ${from} on.`);
  }
  return records;
}

function sortPage(
  records: readonly PhotoRecord[],
  outcomes: ReadonlyMap<number, PhotoOutcome>,
  { epoch, countFrom }: Pick<PageToOpen, 'epoch' | 'countFrom'>,
): OpenedPage {
  if (countFrom !== undefined) return { ...countPage(records, outcomes, epoch, countFrom), countedFrom: countFrom };
  return countPage(records, outcomes, epoch, epoch === 0 ? 0 : Number.POSITIVE_INFINITY);
}

/** Photos without an outcome, or failed in a round before `epoch`, are pending; photos refused at the door never are. */
function countPage(
  records: readonly PhotoRecord[],
  outcomes: ReadonlyMap<number, PhotoOutcome>,
  epoch: number,
  countFrom = 0,
): OpenedPage {
  const counted: OpenedPage = { next: 0, pending: [], completed: 0, failed: 0, settledKilopixels: 0 };
  for (const { index, name, kilopixels, refused, original } of records) {
    counted.next = Math.max(counted.next, index + 1);
    const outcome = outcomes.get(index);
    const pending = !refused && (!outcome || (outcome.status === 'failed' && outcome.epoch < epoch));
    if (pending) {
      const fetch = original.kind === 'upload' && original.from !== undefined;
      counted.pending.push({
        index,
        name: name.slice(0, DISPLAY_NAME_LENGTH),
        kilopixels,
        ...(fetch ? { fetch } : {}),
      });
      continue;
    }
    if (index < countFrom) continue;
    if (outcome?.status === 'completed') counted.completed += 1;
    else counted.failed += 1;
    counted.settledKilopixels += kilopixels;
  }
  return counted;
}

type Failure = Omit<FailureToRecord, 'batchId'>;

function failedOutcome({ index, epoch, attempts, code, message }: Failure, finishedAt: number): FailedOutcome {
  const known = isErrorCode(code) ? code : 'internal';
  const { title, hint } = ERRORS[known];
  return {
    status: 'failed',
    index,
    epoch,
    attempts,
    finishedAt,
    error: { code: known, message: message === '' ? `${title}.` : message, hint },
  };
}
