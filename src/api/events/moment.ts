import type { BatchView, PhotoView } from '../../batches/batch-service.ts';
import type { BatchAnswer } from '../../contracts/http-batches.ts';
import { describeEnd, describePhotoEvent, describeProgress, writeEvent } from './frames.ts';

/** A batch at one look, besides what has settled. */
export interface Moment {
  readonly view: BatchView;
  readonly answer: BatchAnswer;
  /** Events of the photos under way, by index. */
  readonly underWay: ReadonlyMap<number, string>;
  /** Says what a reader knows who has been told everything up to here. */
  readonly id: string;
  /** Clock of the ledger then. */
  readonly clock: number;
}

/** What of a batch is worth an event of its own; counts and time left come as progress. */
export const standingOf = ({ view }: Moment): string =>
  [view.state, view.open, view.accepting, view.cancelling, view.maxWorkers, view.priority, view.total].join(' ');

/** The last event of an update: it carries the ID. */
export const closingOf = ({ view, answer, id }: Moment): string =>
  view.open
    ? writeEvent('progress', describeProgress(answer), id)
    : writeEvent('progress', describeProgress(answer)) + writeEvent('end', describeEnd(answer), id);

export const eventsOf = (photos: readonly PhotoView[]): Map<number, string> =>
  new Map(photos.map((photo) => [photo.index, writeEvent('photo', describePhotoEvent(photo))]));

/** How photos settled, whatever is done with them now: one that is to be done again has failed until it is under way. */
export const settledEventsOf = (photos: readonly PhotoView[]): Map<number, string> =>
  eventsOf(
    photos.map((photo) =>
      photo.outcome?.status === 'failed'
        ? { ...photo, status: 'failed', progress: 1, error: photo.outcome.error }
        : photo,
    ),
  );
