/**
 * Longer than other files, because the life of an engine process is one state machine and is read as one:
 * starting → ready → ended → starting …, with `failed` when starting does not help.
 */
import { DarkroomError } from '../contracts/errors.ts';
import { ChildEngine, type ChildExit } from './child-engine.ts';
import type { EngineEnd } from './engine-exit.ts';
import type { EnhancedPhoto } from './engine.ts';
import { countOutOfMemoryKills } from './host-limits.ts';
import type { EngineSettings, Fault, FromEngine } from './protocol.ts';
import type { Verdicts } from './precision.ts';
import { photosAtOnce } from './photos-at-once.ts';
import { StepWatch } from './step-watch.ts';
import type { Ticket } from './ticket.ts';
import { windowsOn } from './tiles.ts';

/** How long a cancelled photo may take to stop by itself. */
const CANCEL_GRACE_MS = 500;
/** Creating sessions and warming them; some providers compile the network first, which takes minutes. */
const START_TIMEOUT_MS = { cpu: 120_000, other: 900_000 };
/** Share of the memory limit beyond which an idle engine is replaced. */
const SOFT_LIMIT = 0.85;
/** While every photo's codec has a thread of the pool, canvases and tiles still have to be written. */
const THREADS_FOR_FILES = 2;
const ATTEMPTS_TO_START = 3;
const LONGEST_PAUSE_MS = 30_000;

export interface LaneOptions {
  readonly settings: EngineSettings;
  readonly recycleAfterPhotos: number;
  readonly memoryLimitBytes: number;
  readonly stallTimeoutMs: number;
  readonly log: LaneLog;
}

export type LaneLog = (level: 'info' | 'warn' | 'error', message: string, details: Record<string, unknown>) => void;

type Pulse = Pick<Extract<FromEngine, { type: 'pulse' }>, 'memoryBytes' | 'networkMs' | 'resident'>;
const NO_PULSE: Pulse = { memoryBytes: 0, networkMs: 0, resident: [] };

/** What the pool hears of a lane. */
export interface LaneListener {
  /** It may take a photo now, or its state changed. */
  readonly onChange: () => void;
  readonly onDone: (ticket: Ticket, photo: EnhancedPhoto) => void;
  readonly onFailed: (ticket: Ticket, fault: Fault) => void;
  /** Its photo stopped by itself after a cancellation. */
  readonly onCancelled: (ticket: Ticket) => void;
  readonly onEnd: (end: EngineEnd, tickets: readonly Ticket[], exit: ChildExit) => void;
}

/** One device's engine: starts it, watches it, replaces it. */
export class Lane {
  readonly #options: LaneOptions;
  readonly #listener: LaneListener;
  readonly #tickets = new Map<number, Ticket>();
  readonly #watch: StepWatch;
  readonly #brokenProviders = new Set<string>();
  #child: ChildEngine | undefined;
  #state: 'starting' | 'ready' | 'failed' | 'closed' = 'starting';
  #failure: DarkroomError | undefined;
  /** Why we ended it; `undefined` while we have not. */
  #ordered: EngineEnd | undefined;
  #startTimer: NodeJS.Timeout | undefined;
  #trying = 'cpu';
  #oomKillsBefore: number | undefined;
  #failuresInRow = 0;
  #photosDone = 0;
  #networkMsBefore = 0;
  #pulse: Pulse = NO_PULSE;
  #deviceMemoryBytes: number | null = null;
  /** The first measurement of each model counts for all engines of this lane, so that all cut alike. */
  #measured: Readonly<Record<string, number>> = {};
  #speeds: Readonly<Record<string, number>> = {};
  /** The same of networks in 8 bits. */
  #verdicts: Verdicts = {};
  #device = '';
  #restarts = 0;
  /** Then it takes no more photos at a time than any engine can hold. */
  #ranOutOfMemory = false;
  #closing: (() => void) | undefined;

  constructor(options: LaneOptions, listener: LaneListener) {
    this.#options = options;
    this.#listener = listener;
    this.#watch = new StepWatch(options.stallTimeoutMs, (ticket) => {
      ticket.overdue = true;
      this.#end('hung');
    });
    this.#start();
  }

  get state() {
    return this.#state;
  }
  get failure() {
    return this.#failure;
  }
  get device() {
    return this.#device;
  }
  get pid() {
    return this.#child?.pid;
  }
  get restarts() {
    return this.#restarts;
  }
  get resident() {
    return this.#pulse.resident;
  }
  /** Memory of its device; null on a CPU, and where nobody says. */
  get deviceMemoryBytes() {
    return this.#deviceMemoryBytes;
  }
  /** By model: memory that a window's pixel takes here, in bytes. */
  get speeds() {
    return this.#speeds;
  }
  get verdicts() {
    return this.#verdicts;
  }
  get measured() {
    return this.#measured;
  }
  get memoryBytes() {
    return this.#pulse.memoryBytes;
  }
  get networkMs() {
    return this.#networkMsBefore + this.#pulse.networkMs;
  }
  /** How it cuts photos. */
  get windows() {
    return this.#options.settings.windows ?? windowsOn(this.#device);
  }
  /** Photos it has. */
  get load() {
    return this.#tickets.size;
  }
  /** Photos it takes at a time. */
  get slots() {
    const { threads, photosAtOnce: wanted } = this.#options.settings;
    return photosAtOnce(this.#ranOutOfMemory ? 'cpu' : this.#device || 'cpu', threads, wanted);
  }

  has(ticket: Ticket): boolean {
    return this.#tickets.has(ticket.id);
  }

  accepts(ticket: Ticket): boolean {
    if (this.#state !== 'ready' || this.#ordered !== undefined || this.#isDueForRetirement()) return false;
    if (ticket.alone) return this.load === 0;
    return this.load < this.slots && ![...this.#tickets.values()].some(({ alone }) => alone);
  }

  take(ticket: Ticket): void {
    ticket.inNetwork = false;
    ticket.overdue = false;
    this.#tickets.set(ticket.id, ticket);
    this.#watch.expect(ticket, 0);
    this.#child?.send({ type: 'enhance', id: ticket.id, job: ticket.job, tileSize: ticket.tileSize });
  }

  /** Asks for the photo to stop; takes the engine down when that is not done in half a second. */
  cancel(ticket: Ticket): void {
    this.#child?.send({ type: 'cancel', id: ticket.id });
    this.#watch.within(ticket, CANCEL_GRACE_MS, () => this.#end('cancelled'));
  }

  /** Resolves when the process is gone. */
  async close(): Promise<void> {
    const child = this.#child;
    this.#state = 'closed';
    clearTimeout(this.#startTimer);
    if (child === undefined) return;
    await new Promise<void>((resolve) => {
      this.#closing = resolve;
      this.#end('closed');
    });
  }

  #start(): void {
    if (this.#state !== 'failed') this.#state = 'starting';
    this.#ordered = undefined;
    this.#photosDone = 0;
    this.#pulse = NO_PULSE;
    this.#oomKillsBefore = countOutOfMemoryKills();
    const { settings } = this.#options;
    const providers = settings.providers.filter((provider) => !this.#brokenProviders.has(provider));
    const child = new ChildEngine(this.#poolThreads(providers), {
      onMessage: (message) => this.#hear(message),
      onExit: (exit) => this.#ended(exit),
    });
    this.#child = child;
    this.#startTimer = setTimeout(() => this.#end('hung'), START_TIMEOUT_MS.cpu);
    child.send({ type: 'start', settings: { ...settings, providers, verdicts: this.#verdicts } });
  }

  /** Threads for codecs and files; which device it will be is not known yet, and one that is not used costs nothing. */
  #poolThreads(providers: readonly string[]): number {
    const { threads, photosAtOnce: wanted } = this.#options.settings;
    return Math.max(...providers.map((provider) => photosAtOnce(provider, threads, wanted))) + THREADS_FOR_FILES;
  }

  #hear(message: FromEngine): void {
    switch (message.type) {
      case 'trying':
        this.#trying = message.provider;
        clearTimeout(this.#startTimer);
        this.#startTimer = setTimeout(
          () => this.#end('hung'),
          message.provider === 'cpu' ? START_TIMEOUT_MS.cpu : START_TIMEOUT_MS.other,
        );
        return;
      case 'ready':
        this.#deviceMemoryBytes = message.deviceMemoryBytes;
        return this.#becomeReady(message.device, message.notes);
      case 'unusable':
        this.#failure = new DarkroomError(message.fault.code, message.fault.message, { cause: message.fault.detail });
        // Trying again at once would find the same files and the same drivers.
        this.#failuresInRow = Math.max(this.#failuresInRow, ATTEMPTS_TO_START);
        return this.#end('crashed');
      case 'pulse':
        this.#pulse = message;
        this.#speeds = { ...this.#speeds, ...message.speeds };
        this.#verdicts = { ...message.verdicts, ...this.#verdicts };
        this.#measured = { ...message.measured, ...this.#measured };
        if (message.memoryBytes > this.#options.memoryLimitBytes) this.#end('out-of-memory');
        else if (this.load === 0 && this.#isDueForRetirement()) this.#end('retired');
        return;
      default:
        return this.#hearOfPhoto(message);
    }
  }

  #hearOfPhoto(message: Extract<FromEngine, { id: number }>): void {
    const ticket = this.#tickets.get(message.id);
    if (ticket === undefined) return;
    if (message.type === 'step') {
      if (ticket.signal.aborted) return;
      const { expectedMs, ...progress } = message.step;
      ticket.inNetwork = progress.stage === 'enhancing';
      this.#watch.expect(ticket, expectedMs);
      ticket.onProgress(progress);
      return;
    }
    this.#forget(ticket);
    this.#photosDone += 1;
    this.#failuresInRow = 0;
    if (message.type === 'done') this.#listener.onDone(ticket, message.photo);
    else if (message.type === 'failed') this.#listener.onFailed(ticket, message.fault);
    else this.#listener.onCancelled(ticket);
    if (this.load === 0 && this.#isDueForRetirement()) this.#end('retired');
    this.#listener.onChange();
  }

  #becomeReady(device: string, notes: readonly string[]): void {
    clearTimeout(this.#startTimer);
    if (this.#ordered !== undefined) return;
    this.#device = device;
    this.#state = 'ready';
    this.#failure = undefined;
    this.#options.log('info', `The engine is ready on ${device}.`, { device, pid: this.pid, notes });
    this.#listener.onChange();
  }

  /** After so many photos, or when memory has crept up; both are looked at between photos only. */
  #isDueForRetirement(): boolean {
    const { recycleAfterPhotos, memoryLimitBytes } = this.#options;
    if (this.#photosDone === 0) return false;
    return this.#photosDone >= recycleAfterPhotos || this.#pulse.memoryBytes > memoryLimitBytes * SOFT_LIMIT;
  }

  #forget(ticket: Ticket): void {
    this.#watch.forget(ticket);
    this.#tickets.delete(ticket.id);
  }

  /** Ends the process; the first reason counts. What follows happens when it is really gone. */
  #end(reason: EngineEnd): void {
    this.#ordered ??= reason;
    this.#child?.kill();
  }

  #ended(exit: ChildExit): void {
    clearTimeout(this.#startTimer);
    this.#child = undefined;
    this.#networkMsBefore += this.#pulse.networkMs;
    this.#pulse = NO_PULSE;
    const end = this.#ordered ?? (exit.signal === 'SIGKILL' ? this.#whoKilled() : 'crashed');
    if (end === 'out-of-memory') this.#ranOutOfMemory = true;
    const tickets = [...this.#tickets.values()];
    for (const ticket of tickets) this.#forget(ticket);
    const starting = this.#state === 'starting' || this.#state === 'failed';
    if (this.#state !== 'closed') this.#startAgain(end, starting, exit);
    this.#listener.onEnd(end, tickets, exit);
    this.#listener.onChange();
    this.#closing?.();
  }

  #whoKilled(): EngineEnd {
    const kills = countOutOfMemoryKills();
    const forMemory = kills !== undefined && this.#oomKillsBefore !== undefined && kills > this.#oomKillsBefore;
    return forMemory ? 'out-of-memory' : 'killed';
  }

  #startAgain(end: EngineEnd, starting: boolean, exit: ChildExit): void {
    this.#restarts += 1;
    const wanted = end === 'cancelled' || end === 'retired';
    this.#failuresInRow = wanted ? 0 : this.#failuresInRow + 1;
    this.#options.log(wanted ? 'info' : 'warn', `The engine ended (${end}) and is started again.`, { end, ...exit });
    if (starting && this.#trying !== 'cpu' && this.#failure === undefined) this.#brokenProviders.add(this.#trying);
    if (starting && this.#failuresInRow >= ATTEMPTS_TO_START) {
      this.#state = 'failed';
      this.#failure ??= new DarkroomError('engine_crashed', 'The inference engine does not start.', {
        cause: exit.stderr,
      });
      this.#options.log('error', this.#failure.message, { err: this.#failure });
    } else this.#state = 'starting';
    const pause = this.#failuresInRow < 2 ? 0 : Math.min(LONGEST_PAUSE_MS, 125 * 2 ** this.#failuresInRow);
    this.#startTimer = setTimeout(() => this.#start(), pause);
  }
}
