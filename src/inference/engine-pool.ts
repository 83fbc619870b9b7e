import { DarkroomError } from '../contracts/errors.ts';
import type { ChildExit } from './child-engine.ts';
import { removeDrafts } from './drafts.ts';
import { judge, withSmallerTiles, type EngineEnd, type Verdict } from './engine-exit.ts';
import type { Demand, EngineProgress, EnginePool, EngineStatus, EnhancedPhoto, EnhanceJob } from './engine.ts';
import { Lane, type LaneListener, type LaneLog } from './lane.ts';
import { PoolNetworks } from './pool-networks.ts';
import { planPool, type EnginePoolOptions } from './pool-options.ts';
import type { Fault } from './protocol.ts';
import { openTicket, type Ticket } from './ticket.ts';

export type { EnginePoolOptions } from './pool-options.ts';

/**
 * A photo may wait so long for engines none of which starts; then it is given back, for another host may have one that does.
 * It takes up a place meanwhile, so that a host without an engine takes few photos. Lanes try again every half minute at most.
 */
const PATIENCE_MS = 30_000;

/** Starts the engines at once; wait for `ready()` before giving them work. */
export function createEnginePool(options: EnginePoolOptions): EnginePool {
  return new Pool(options);
}

class Pool implements EnginePool {
  readonly #networks: PoolNetworks;
  readonly #lanes: readonly Lane[];
  readonly #log: LaneLog;
  readonly #waiting: Ticket[] = [];
  readonly #ready: Promise<void>;
  #becomeReady: () => void = () => undefined;
  #becomeUseless: (reason: unknown) => void = () => undefined;
  readonly #patienceMs: number;
  /** Runs while photos wait and every lane has failed. */
  #patience: NodeJS.Timeout | undefined;
  #demandChanged: () => void = () => undefined;
  #nextId = 1;
  #closed = false;

  constructor(options: EnginePoolOptions) {
    const { models, engines, memoryLimitBytes, tileBudgetBytes } = planPool(options);
    const { recycleAfterPhotos, stallTimeoutMs, logger } = options;
    this.#networks = new PoolNetworks(models, tileBudgetBytes);
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS;
    this.#log = (level, message, details) => logger[level](details, message);
    this.#ready = new Promise((resolve, reject) => {
      this.#becomeReady = resolve;
      this.#becomeUseless = reject;
    });
    this.#ready.catch(() => undefined); // told to those who ask
    const laneOptions = { recycleAfterPhotos, memoryLimitBytes, stallTimeoutMs, log: this.#log };
    this.#lanes = engines.map((settings) => new Lane({ ...laneOptions, settings }, this.#listener()));
  }

  ready(): Promise<void> {
    return this.#ready;
  }

  enhance(
    job: EnhanceJob,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: EngineProgress) => void },
  ): Promise<EnhancedPhoto> {
    if (this.#closed) return Promise.reject(new DarkroomError('shutting_down'));
    if (signal.aborted) return Promise.reject(signal.reason);
    if (!this.#networks.has(job.model)) {
      return Promise.reject(new DarkroomError('model_missing', `The model ${job.model} is not installed here.`));
    }
    return new Promise((resolve, reject) => {
      const order = { job, signal, onProgress, resolve, reject };
      const ticket = openTicket(this.#nextId, order, (aborted) => this.#abort(aborted));
      this.#nextId += 1;
      this.#waiting.push(ticket);
      this.#dispatch();
      if (this.#waiting.includes(ticket)) onProgress({ stage: 'waiting', tilesDone: 0, tilesTotal: 0 });
    });
  }

  status(): EngineStatus {
    const lanes = this.#lanes;
    const memory = lanes.reduce((sum, lane) => sum + lane.figures.memoryBytes, 0);
    return {
      state: lanes.some(({ state }) => state === 'ready')
        ? 'ready'
        : lanes.every(({ state }) => state === 'failed')
          ? 'failed'
          : 'starting',
      device: lanes.find(({ device }) => device !== '')?.device ?? '',
      lanes: lanes.length,
      slots: lanes.reduce((sum, lane) => sum + lane.slots, 0),
      resident: [...new Set(lanes.flatMap(({ figures }) => figures.resident))],
      memoryBytes: memory > 0 ? memory : null,
      // The first lane speaks for all: engines of one pool are alike.
      networks: this.#networks.describeOn(lanes[0]),
      substitutes: this.#networks.substitutesOn(lanes[0]),
      networkMsTotal: lanes.reduce((sum, lane) => sum + lane.figures.networkMs, 0),
      restarts: lanes.reduce((sum, lane) => sum + lane.restarts, 0),
      pids: lanes.flatMap(({ pid }) => pid ?? []),
    };
  }

  get demand(): Demand {
    const lanes = this.#lanes;
    return {
      get places() {
        return lanes.reduce((sum, lane) => sum + lane.slots, 0);
      },
      wanted: () => (this.#closed ? 0 : lanes.reduce((sum, { wanted }) => sum + wanted, -this.#waiting.length)),
      onChange: (listener) => (this.#demandChanged = listener),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#patience);
    this.#becomeUseless(new DarkroomError('shutting_down'));
    for (const ticket of this.#waiting.splice(0)) ticket.reject(new DarkroomError('shutting_down'));
    await Promise.all(this.#lanes.map((lane) => lane.close()));
  }

  #listener(): LaneListener {
    return {
      onChange: () => this.#dispatch(),
      onStep: () => this.#demandChanged(),
      onDone: (ticket, photo) =>
        ticket.signal.aborted ? ticket.reject(ticket.signal.reason) : ticket.resolve(withRemarks(ticket, photo)),
      onFailed: (ticket, fault) => this.#failed(ticket, fault),
      onCancelled: (ticket) => ticket.reject(ticket.signal.reason),
      onEnd: (end, tickets, exit) => this.#engineEnded(end, tickets, exit),
    };
  }

  /** Gives waiting photos to engines, first come first served, to the least busy engine first. */
  #dispatch(): void {
    if (this.#closed) return;
    this.#settleReady();
    this.#handOut();
    this.#demandChanged();
  }

  #handOut(): void {
    for (let ticket = this.#waiting[0]; ticket !== undefined; ticket = this.#waiting[0]) {
      const next = ticket;
      const [lane] = this.#lanes.filter((lane) => lane.accepts(next)).toSorted((a, b) => a.load - b.load);
      if (lane === undefined) return;
      this.#waiting.shift();
      if (next.halvings === 0) next.tileSize = this.#networks.affordableTile(next, lane);
      lane.take(next);
    }
  }

  #settleReady(): void {
    const states = this.#lanes.map(({ state }) => state);
    if (states.every((state) => state === 'failed')) {
      this.#becomeUseless(this.#failure);
      if (this.#waiting.length > 0) this.#patience ??= setTimeout(() => this.#giveBack(), this.#patienceMs);
      return;
    }
    clearTimeout(this.#patience);
    this.#patience = undefined;
    if (!states.includes('starting')) this.#becomeReady();
  }

  /** Why a lane does not start. */
  get #failure(): DarkroomError | undefined {
    return this.#lanes.find(({ failure }) => failure !== undefined)?.failure;
  }

  /** It is the host that has no engine, or whose model is damaged: no photo is to blame, and none is counted a fault for it. */
  #giveBack(): void {
    this.#patience = undefined;
    const cause = this.#failure;
    for (const ticket of this.#waiting.splice(0))
      ticket.reject(new DarkroomError('not_ready', 'No inference engine starts on this host.', { cause }));
  }

  #abort(ticket: Ticket): void {
    const index = this.#waiting.indexOf(ticket);
    if (index >= 0) {
      this.#waiting.splice(index, 1);
      ticket.reject(ticket.signal.reason);
      // A photo that had to run alone may have been holding up those behind it.
      this.#dispatch();
    } else for (const lane of this.#lanes) if (lane.has(ticket)) lane.cancel(ticket);
  }

  #failed(ticket: Ticket, fault: Fault): void {
    if (ticket.signal.aborted) return ticket.reject(ticket.signal.reason);
    const error = new DarkroomError(fault.code, fault.message, { cause: fault.detail });
    if (fault.code !== 'out_of_memory') return ticket.reject(error);
    this.#follow(ticket, withSmallerTiles(ticket), fault.detail);
  }

  #engineEnded(end: EngineEnd, tickets: readonly Ticket[], exit: ChildExit): void {
    // Judged together, before any of them is changed; taken up again in the order they came.
    const verdicts = tickets.map((ticket) =>
      judge(
        end,
        ticket,
        tickets.filter((other) => other !== ticket),
      ),
    );
    for (const [index, ticket] of [...tickets.entries()].toReversed()) {
      if (ticket.signal.aborted) this.#rejectCleanly(ticket, ticket.signal.reason);
      else this.#follow(ticket, verdicts[index] ?? { action: 'again' }, exit);
      if (end === 'killed') ticket.timesKilled += 1;
    }
  }

  /** For photos whose engine is gone: nobody else clears up after it. */
  #rejectCleanly({ job, reject }: Ticket, reason: unknown): void {
    removeDrafts(job.scratchDir, { keepTiles: job.checkpoint })
      .catch((error: unknown) => this.#log('warn', 'Drafts of a photo could not be removed.', { err: error }))
      .finally(() => reject(reason));
  }

  #follow(ticket: Ticket, verdict: Verdict, cause: unknown): void {
    if (verdict.action === 'fail') {
      return this.#rejectCleanly(ticket, new DarkroomError(verdict.code, undefined, { cause }));
    }
    if (this.#closed) return ticket.reject(new DarkroomError('shutting_down'));
    if (verdict.action === 'again-alone') ticket.alone = true;
    if (verdict.action === 'smaller-tiles') {
      this.#log('warn', 'Memory ran short; the photo is tried with smaller tiles.', { tileSize: verdict.tileSize });
      ticket.tileSize = verdict.tileSize;
      ticket.halvings += 1;
    }
    this.#waiting.unshift(ticket);
    ticket.onProgress({ stage: 'waiting', tilesDone: 0, tilesTotal: 0 });
  }
}

function withRemarks({ halvings, tileSize }: Ticket, photo: EnhancedPhoto): EnhancedPhoto {
  if (halvings === 0) return photo;
  return { ...photo, warnings: [...photo.warnings, `Memory ran short; tiles were reduced to ${tileSize} pixels.`] };
}
