import type { Response } from 'express';
import { DarkroomError } from '../../contracts/errors.ts';
import { BatchFeed, type FeedDependencies, type WatchedService } from './batch-feed.ts';
import { Follower } from './follower.ts';
import { Gate } from './gate.ts';
import { readPosition } from './position.ts';

export interface HubOptions extends FeedDependencies {
  readonly now: () => number;
  /** Streams at once: of all tenants together, and of one. */
  readonly most: number;
  readonly mostPerTenant: number;
  /** A stream says something at least this often; one that takes nothing for twice as long is cut off. */
  readonly heartbeatMs: number;
}

const LOOKS_PER_HEARTBEAT = 3;

/** Each reads up to sixteen files side by side: however many batches are followed, file handles stay for others. */
const READS_AT_ONCE = 4;

const throughGate = (service: WatchedService, gate: Gate): WatchedService => ({
  view: (batchId) => service.view(batchId),
  underWay: (batchId) => service.underWay(batchId),
  photos: (...page) => gate.through(() => service.photos(...page)),
  photosAt: (...chosen) => gate.through(() => service.photosAt(...chosen)),
  settled: (...page) => gate.through(() => service.settled(...page)),
});

/** All event streams of this process. */
export class EventHub {
  readonly #options: HubOptions;
  readonly #feeds = new Map<string, { feed: BatchFeed; started: Promise<void> }>();
  readonly #followers = new Set<Follower>();
  readonly #perTenant = new Map<string, number>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #service: WatchedService;
  readonly #told = new WeakSet();
  #taken = 0;
  #closed = false;

  constructor(options: HubOptions) {
    this.#options = options;
    const { heartbeatMs, service } = options;
    this.#service = throughGate(service, new Gate(READS_AT_ONCE));
    this.#heartbeat = setInterval(() => {
      for (const follower of this.#followers) follower.keepAlive(heartbeatMs, 2 * heartbeatMs);
    }, heartbeatMs / LOOKS_PER_HEARTBEAT);
    this.#heartbeat.unref();
  }

  /** Streams that are open, and batches that are looked at for them. */
  get counts(): { streams: number; batches: number } {
    return { streams: this.#taken, batches: this.#feeds.size };
  }

  /**
   * Answers with the events of a batch until it ends, or with 204 when this client was told the end before.
   * @throws DarkroomError `too_many_streams`, `streams_exhausted`, `shutting_down`; nothing was sent then.
   */
  async open(
    response: Response,
    place: { tenant: string; batchId: string; lastEventId: string | undefined },
  ): Promise<void> {
    const release = this.#admit(place.tenant);
    response.once('close', release);
    if (response.destroyed) return release();
    try {
      const { feed, started } = this.#feedOf(place.batchId);
      await started;
      const known = place.lastEventId === undefined ? undefined : readPosition(place.lastEventId);
      if (feed.isOver(known)) return void response.status(204).end();
      if (this.#closed) throw new DarkroomError('shutting_down');
      await this.#attach(feed, response, known && place.lastEventId);
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Ends every stream between two events: clients come back, to another server or to this one's next life. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#heartbeat);
    for (const follower of this.#followers) follower.end(Buffer.alloc(0));
    for (const { feed } of this.#feeds.values()) feed.stop();
    this.#feeds.clear();
  }

  async #attach(feed: BatchFeed, response: Response, lastEventId: string | undefined): Promise<void> {
    const follower = new Follower(response, this.#options.now);
    this.#followers.add(follower);
    response.once('close', () => {
      this.#followers.delete(follower);
      feed.leave(follower);
    });
    follower.begin();
    try {
      await feed.follow(follower, lastEventId);
    } catch (error) {
      this.#tell(error);
      follower.cut();
    }
  }

  #feedOf(batchId: string): { feed: BatchFeed; started: Promise<void> } {
    const known = this.#feeds.get(batchId);
    if (known) return known;
    const feed = new BatchFeed(batchId, {
      describe: this.#options.describe,
      service: this.#service,
      onFault: (error) => this.#tell(error),
    });
    const drop = (): void => {
      if (this.#feeds.get(batchId)?.feed === feed) this.#feeds.delete(batchId);
    };
    const started = feed.start(drop);
    started.catch(drop);
    const entry = { feed, started };
    this.#feeds.set(batchId, entry);
    return entry;
  }

  /** What fails for a thousand followers at once is told once. */
  #tell(error: unknown): void {
    if (typeof error === 'object' && error !== null) {
      if (this.#told.has(error)) return;
      this.#told.add(error);
    }
    this.#options.onFault(error);
  }

  #admit(tenant: string): () => void {
    const own = this.#perTenant.get(tenant) ?? 0;
    if (this.#closed) throw new DarkroomError('shutting_down');
    if (own >= this.#options.mostPerTenant) throw new DarkroomError('too_many_streams');
    if (this.#taken >= this.#options.most) throw new DarkroomError('streams_exhausted');
    this.#taken += 1;
    this.#perTenant.set(tenant, own + 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#taken -= 1;
      const left = (this.#perTenant.get(tenant) ?? 1) - 1;
      if (left > 0) this.#perTenant.set(tenant, left);
      else this.#perTenant.delete(tenant);
    };
  }
}
