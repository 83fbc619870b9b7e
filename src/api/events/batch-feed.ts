import type { BatchService, BatchView } from '../../batches/batch-service.ts';
import { DarkroomError } from '../../contracts/errors.ts';
import { PHOTOS_PER_ANSWER } from '../../contracts/http-batch-requests.ts';
import type { BatchAnswer } from '../../contracts/http-batches.ts';
import { catchUp } from './catch-up.ts';
import type { Follower } from './follower.ts';
import { describePhotoEvent, writeEvent } from './frames.ts';
import { closingOf, eventsOf, settledEventsOf, standingOf, type Moment } from './moment.ts';
import { writePosition, type Position } from './position.ts';
import { SettledEvents } from './settled-events.ts';
import { SettledLedger } from './settled-ledger.ts';

/** How often a batch that someone follows is looked at: once for all who follow it. */
const LOOK_MS = 1000;
/** Photos in one piece of what followers are sent. */
const PHOTOS_PER_FRAME = 500;

export interface FeedDependencies {
  readonly service: WatchedService;
  readonly describe: (view: BatchView) => BatchAnswer;
  readonly onFault: (error: unknown) => void;
}

/** What a feed reads of a batch. */
export type WatchedService = Pick<BatchService, 'view' | 'photos' | 'photosAt' | 'underWay' | 'settled'>;

interface Snapshot {
  readonly moment: Moment;
  readonly bytes: Buffer;
}

/**
 * One batch and all who follow it. Followers that keep up share the same bytes; one that comes back or reads slowly is told
 * what settled since its position, then the batch as it is.
 */
export class BatchFeed {
  readonly batchId: string;
  readonly #deps: FeedDependencies;
  readonly #ledger = new SettledLedger();
  readonly #settled: SettledEvents;
  readonly #followers = new Set<Follower>();
  #moment: Moment | undefined;
  #snapshot: { moment: Moment; made: Promise<Snapshot> } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(batchId: string, deps: FeedDependencies) {
    this.batchId = batchId;
    this.#deps = deps;
    this.#settled = new SettledEvents(batchId, deps.service, this.#ledger);
  }

  /** The first look. The feed goes on looking until the batch has ended or nobody follows it: then it calls `onIdle`. */
  async start(onIdle: () => void): Promise<void> {
    await this.#look();
    this.#lookAgain(onIdle);
  }

  /** Who comes after the end needs a feed of its own: the batch may have been taken up again since. */
  #lookAgain(onIdle: () => void): void {
    if (this.ended) return onIdle();
    this.#timer = setTimeout(() => {
      if (this.#followers.size === 0) return onIdle();
      void this.#lookOrRecover().then(() => this.#lookAgain(onIdle));
    }, LOOK_MS);
  }

  async #lookOrRecover(): Promise<void> {
    try {
      await this.#look();
    } catch (error) {
      this.#deps.onFault(error);
      for (const follower of this.#followers) follower.live = false; // they may have missed something
    }
    for (const follower of this.#followers) if (!follower.live) this.#catchUp(follower);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** True once no photo will change by itself any more. */
  get ended(): boolean {
    return this.#moment?.view.open === false;
  }

  /** Whether a follower at this position was told the end, and nothing has happened since. */
  isOver(known: Position | undefined): boolean {
    if (known?.ended !== true || !this.ended) return false;
    return known.state === this.#now().answer.state && !this.#ledger.hasMore(known);
  }

  /** Begins to tell; `position` is the ID of the last event it had from an earlier stream. */
  async follow(follower: Follower, position: string | undefined): Promise<void> {
    this.#followers.add(follower);
    follower.resume = () => this.#catchUp(follower);
    follower.position = position;
    if (position === undefined) {
      const { moment, bytes } = await this.#makeSnapshot();
      follower.position = moment.id;
      follower.since = moment.clock;
      follower.seen = moment;
      follower.write(bytes);
    }
    this.#catchUp(follower);
  }

  leave(follower: Follower): void {
    this.#followers.delete(follower);
  }

  async #look(): Promise<void> {
    const { service } = this.#deps;
    const before = this.#moment;
    const view = await service.view(this.batchId);
    if (!view) throw new DarkroomError('not_found', 'There is no batch with this ID.');
    const all = before === undefined || !view.open;
    const settled = await this.#ledger.look(view.total, (page) => service.settled(this.batchId, page), { all });
    const underWay = new Set(await service.underWay(this.batchId));
    // Those that were under way and are not any more went back to wait, or were given up with the batch.
    const watched = new Set([...underWay, ...(before?.underWay.keys() ?? [])]);
    for (const index of settled) watched.delete(index);
    const events = eventsOf(await service.photosAt(this.batchId, ascending(watched)));
    const now: Moment = {
      view,
      answer: this.#deps.describe(view),
      underWay: new Map([...events].filter(([index]) => underWay.has(index))),
      id: writePosition({ ended: !view.open, state: this.#deps.describe(view).state, ranks: this.#ledger.ranks }),
      clock: this.#ledger.clock,
    };
    if (before) {
      await this.#tellSettled(settled);
      const changed = [...events].filter(([index, event]) => before.underWay.get(index) !== event);
      this.#tellMoment(changed.map(([, event]) => event).join(''), before, now);
    }
    this.#moment = now;
  }

  /** Photos go out without an ID: whoever is cut off between them gets them again. */
  async #tellSettled(indexes: readonly number[]): Promise<void> {
    for (let at = 0; at < indexes.length; at += PHOTOS_PER_FRAME) {
      const photos = await this.#deps.service.photosAt(this.batchId, indexes.slice(at, at + PHOTOS_PER_FRAME));
      const bytes = Buffer.from([...settledEventsOf(photos).values()].join(''));
      // One that cannot take more catches up when it reads again.
      for (const follower of this.#followers) if (follower.live && !follower.write(bytes)) follower.live = false;
    }
  }

  #tellMoment(photos: string, before: Moment, now: Moment): void {
    const fresh = photos + (standingOf(before) === standingOf(now) ? '' : writeEvent('batch', now.answer));
    const same = before.id === now.id && before.view.share === now.view.share && before.view.eta === now.view.eta;
    const bytes = same && fresh === '' && now.view.open ? undefined : Buffer.from(fresh + closingOf(now));
    for (const follower of this.#followers) {
      if (!follower.live) continue;
      follower.seen = now;
      follower.position = now.id;
      follower.since = now.clock;
      if (!bytes) continue;
      if (!now.view.open) follower.end(bytes);
      else if (!follower.write(bytes)) follower.live = false;
    }
  }

  #catchUp(follower: Follower): void {
    const source = { ledger: this.#ledger, settled: this.#settled, now: () => this.#now() };
    catchUp(follower, source).catch((error: unknown) => {
      this.#deps.onFault(error);
      if (this.ended) follower.cut(); // else the next look lets it try again
    });
  }

  #makeSnapshot(): Promise<Snapshot> {
    const moment = this.#now();
    if (this.#snapshot?.moment !== moment) this.#snapshot = { moment, made: this.#describeAll(moment) };
    return this.#snapshot.made;
  }

  async #describeAll(moment: Moment): Promise<Snapshot> {
    const photos = await this.#deps.service.photos(this.batchId, 0, PHOTOS_PER_ANSWER);
    const next_cursor = moment.view.total > photos.length ? String(photos.length) : null;
    const snapshot = { batch: moment.answer, photos: photos.map(describePhotoEvent), next_cursor };
    return { moment, bytes: Buffer.from(writeEvent('snapshot', snapshot, moment.id)) };
  }

  #now(): Moment {
    if (!this.#moment) throw new TypeError('Expected a feed that has looked at its batch');
    return this.#moment;
  }
}

const ascending = (indexes: Iterable<number>): number[] => [...indexes].sort((left, right) => left - right);
