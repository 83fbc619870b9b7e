import { writeEvent } from './frames.ts';
import type { Follower } from './follower.ts';
import { closingOf, type Moment } from './moment.ts';
import { readPosition } from './position.ts';
import type { SettledEvents } from './settled-events.ts';
import type { SettledLedger } from './settled-ledger.ts';

/** What a follower that is behind is told from. */
export interface Source {
  readonly ledger: SettledLedger;
  readonly settled: SettledEvents;
  /** The batch at the last look. */
  readonly now: () => Moment;
}

/**
 * Tells a follower what has settled since its position, page by page as it reads, then the batch as it is. One that does not
 * read costs nothing but its position; the call is made again when it does.
 */
export async function catchUp(follower: Follower, source: Source): Promise<void> {
  if (follower.catchingUp) return;
  follower.catchingUp = true;
  try {
    while (!follower.over && !follower.blocked && !follower.live) {
      if (follower.page < source.ledger.pages) await tellPage(follower, source);
      else tellMoment(follower, source);
    }
  } finally {
    follower.catchingUp = false;
  }
}

/** Photos go out without an ID: whoever is cut off between them gets them again. */
async function tellPage(follower: Follower, { ledger, settled }: Source): Promise<void> {
  const { page } = follower;
  if (page === 0) follower.until = ledger.clock;
  const known = follower.position === undefined ? undefined : readPosition(follower.position);
  const missing = ledger.missing(page, follower.since, known);
  if (missing.length > 0) follower.write(await settled.pieceOf(page, missing));
  follower.page += 1;
}

/** All pages are out. When more has settled meanwhile, another round goes through what changed. */
function tellMoment(follower: Follower, { ledger, now }: Source): void {
  if (ledger.pages === 0) follower.until = ledger.clock;
  follower.page = 0;
  follower.since = follower.until;
  if (ledger.clock > follower.until) return;
  const moment = now();
  const known = follower.seen === moment;
  const fresh = known ? '' : writeEvent('batch', moment.answer) + [...moment.underWay.values()].join('');
  follower.seen = moment;
  follower.position = moment.id;
  follower.live = true;
  if (!moment.view.open) follower.end(Buffer.from(fresh + closingOf(moment)));
  else if (!known && !follower.write(Buffer.from(fresh + closingOf(moment)))) follower.live = false;
}
