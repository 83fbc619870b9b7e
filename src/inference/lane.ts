import { DarkroomError } from '../contracts/errors.ts';
import { ChildEngine, type ChildExit } from './child-engine.ts';
import type { EngineEnd } from './engine-exit.ts';
import { EngineFigures } from './engine-figures.ts';
import type { EnhancedPhoto } from './engine.ts';
import { watchForMemoryKills } from './host-limits.ts';
import type { EngineSettings, Fault, FromEngine } from './protocol.ts';
import { photosAtOnce, poolThreads } from './photos-at-once.ts';
import { PhotosInEngine } from './photos-in-engine.ts';
import { Restarts } from './restarts.ts';
import type { Ticket } from './ticket.ts';
import { windowsOn } from './tiles.ts';

/** Creating sessions and warming them; some providers compile the network first, which takes minutes. */
const START_TIMEOUT_MS = { cpu: 120_000, other: 900_000 };
/** Share of the memory limit beyond which an idle engine is replaced. */
const SOFT_LIMIT = 0.85;

export interface LaneOptions {
  readonly settings: EngineSettings;
  readonly recycleAfterPhotos: number;
  readonly memoryLimitBytes: number;
  readonly stallTimeoutMs: number;
  readonly log: LaneLog;
}

export type LaneLog = (level: 'info' | 'warn' | 'error', message: string, details: Record<string, unknown>) => void;

/** What the pool hears of a lane. */
export interface LaneListener {
  /** It may take a photo now, or its state changed. */
  readonly onChange: () => void;
  /** A photo of it has come a step further. */
  readonly onStep: () => void;
  readonly onDone: (ticket: Ticket, photo: EnhancedPhoto) => void;
  readonly onFailed: (ticket: Ticket, fault: Fault) => void;
  /** Its photo stopped by itself after a cancellation. */
  readonly onCancelled: (ticket: Ticket) => void;
  readonly onEnd: (end: EngineEnd, tickets: readonly Ticket[], exit: ChildExit) => void;
}

/**
 * One device's engine: starts it, watches it, replaces it. The life of its process is one state machine:
 * starting → ready → ended → starting …, with `failed` when starting does not help. Longer than other files, because no state
 * of it can be understood without the others; photos, figures and restarts have files of their own.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #listener: LaneListener;
  readonly figures = new EngineFigures();
  readonly #photos: PhotosInEngine;
  readonly #restarts = new Restarts();
  #child: ChildEngine | undefined;
  #state: 'starting' | 'ready' | 'failed' | 'closed' = 'starting';
  #failure: DarkroomError | undefined;
  /** Why we ended it; `undefined` while we have not. */
  #ordered: EngineEnd | undefined;
  #startTimer: NodeJS.Timeout | undefined;
  #trying = 'cpu';
  #memoryKillSinceStart: () => boolean = () => false;
  #photosDone = 0;
  #deviceMemoryBytes: number | null = null;
  #device = '';
  /** Then it takes no more photos at a time than any engine can hold. */
  #ranOutOfMemory = false;
  #closing: (() => void) | undefined;

  constructor(options: LaneOptions, listener: LaneListener) {
    this.#options = options;
    this.#listener = listener;
    this.#photos = new PhotosInEngine(options.stallTimeoutMs, () => this.#end('hung'));
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
    return this.#restarts.count;
  }
  /** Memory of its device; null on a CPU, and where nobody says. */
  get deviceMemoryBytes() {
    return this.#deviceMemoryBytes;
  }
  /** How it cuts photos. */
  get windows() {
    return this.#options.settings.windows ?? windowsOn(this.#device);
  }
  /** Photos it has. */
  get load() {
    return this.#photos.count;
  }
  /** How many more photos it has a use for. */
  get wanted() {
    if (this.#state === 'failed' || this.#state === 'closed') return 0;
    const isReady = this.#state === 'ready' && this.#ordered === undefined && !this.#isDueForRetirement();
    const use = this.#photos.useFor(this.slots);
    // One that starts again, or will when its photos are done, will be ready before long.
    return isReady ? use : Math.min(1, use);
  }
  /** Photos it takes at a time. */
  get slots() {
    const { threads, photosAtOnce: wanted } = this.#options.settings;
    return photosAtOnce(this.#ranOutOfMemory ? 'cpu' : this.#device || 'cpu', threads, wanted);
  }

  has(ticket: Ticket): boolean {
    return this.#photos.has(ticket);
  }

  accepts(ticket: Ticket): boolean {
    if (this.#state !== 'ready' || this.#ordered !== undefined || this.#isDueForRetirement()) return false;
    return this.#photos.hasRoomFor(ticket, this.slots);
  }

  take(ticket: Ticket): void {
    this.#photos.add(ticket);
    this.#child?.send({ type: 'enhance', id: ticket.id, job: ticket.job, tileSize: ticket.tileSize });
  }

  /** Asks for the photo to stop; takes the engine down when that is not done soon. */
  cancel(ticket: Ticket): void {
    this.#child?.send({ type: 'cancel', id: ticket.id });
    this.#photos.expectToStop(ticket, () => this.#end('cancelled'));
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
    this.#memoryKillSinceStart = watchForMemoryKills();
    const { settings } = this.#options;
    const providers = this.#restarts.usable(settings.providers);
    const child = new ChildEngine(poolThreads(providers, settings.threads, settings.photosAtOnce), {
      onMessage: (message) => this.#hear(message),
      onExit: (exit) => this.#ended(exit),
    });
    this.#child = child;
    this.#expectReadyOn('cpu');
    child.send({ type: 'start', settings: { ...settings, providers, verdicts: this.figures.verdicts } });
  }

  #hear(message: FromEngine): void {
    switch (message.type) {
      case 'trying':
        this.#trying = message.provider;
        return this.#expectReadyOn(message.provider);
      case 'ready':
        this.#deviceMemoryBytes = message.deviceMemoryBytes;
        return this.#becomeReady(message.device, message.notes);
      case 'unusable':
        this.#failure = new DarkroomError(message.fault.code, message.fault.message, { cause: message.fault.detail });
        this.#restarts.foundUnusable();
        return this.#end('crashed');
      case 'pulse':
        this.figures.hear(message);
        if (message.memoryBytes > this.#options.memoryLimitBytes) this.#end('out-of-memory');
        else if (this.load === 0 && this.#isDueForRetirement()) this.#end('retired');
        return;
      default:
        return this.#hearOfPhoto(message);
    }
  }

  #hearOfPhoto(message: Extract<FromEngine, { id: number }>): void {
    const ticket = this.#photos.get(message.id);
    if (ticket === undefined) return;
    if (message.type === 'step') {
      this.#photos.stepped(ticket, message.step);
      return this.#listener.onStep();
    }
    if (message.type === 'failed' && message.fault.code === 'engine_crashed') {
      this.#options.log('error', 'The network cannot be run any more.', { because: message.fault.detail });
      return this.#end('crashed');
    }
    this.#photos.remove(ticket);
    this.#photosDone += 1;
    this.#restarts.succeeded();
    if (message.type === 'done') this.#listener.onDone(ticket, message.photo);
    else if (message.type === 'failed') this.#listener.onFailed(ticket, message.fault);
    else this.#listener.onCancelled(ticket);
    if (this.load === 0 && this.#isDueForRetirement()) this.#end('retired');
    this.#listener.onChange();
  }

  #expectReadyOn(provider: string): void {
    clearTimeout(this.#startTimer);
    const timeoutMs = provider === 'cpu' ? START_TIMEOUT_MS.cpu : START_TIMEOUT_MS.other;
    this.#startTimer = setTimeout(() => this.#end('hung'), timeoutMs);
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
    return this.#photosDone >= recycleAfterPhotos || this.figures.memoryBytes > memoryLimitBytes * SOFT_LIMIT;
  }

  /** Ends the process; the first reason counts. What follows happens when it is really gone. */
  #end(reason: EngineEnd): void {
    this.#ordered ??= reason;
    this.#child?.kill();
  }

  #ended(exit: ChildExit): void {
    clearTimeout(this.#startTimer);
    this.#child = undefined;
    this.figures.processEnded();
    const end = this.#ordered ?? (exit.signal === 'SIGKILL' ? this.#whyKilled() : 'crashed');
    if (end === 'out-of-memory') this.#ranOutOfMemory = true;
    const tickets = this.#photos.removeAll();
    const starting = this.#state === 'starting' || this.#state === 'failed';
    if (this.#state !== 'closed') this.#startAgain(end, starting, exit);
    this.#listener.onEnd(end, tickets, exit);
    this.#listener.onChange();
    this.#closing?.();
  }

  #whyKilled(): EngineEnd {
    return this.#memoryKillSinceStart() ? 'out-of-memory' : 'killed';
  }

  #startAgain(end: EngineEnd, starting: boolean, exit: ChildExit): void {
    const wanted = this.#restarts.ended(end);
    this.#options.log(wanted ? 'info' : 'warn', `The engine ended (${end}) and is started again.`, { end, ...exit });
    if (starting && this.#failure === undefined) this.#restarts.brokeOn(this.#trying);
    if (starting && this.#restarts.isHopeless) {
      this.#state = 'failed';
      this.#failure ??= new DarkroomError('engine_crashed', 'The inference engine does not start.', {
        cause: exit.stderr,
      });
      this.#options.log('error', this.#failure.message, { err: this.#failure });
    } else this.#state = 'starting';
    this.#startTimer = setTimeout(() => this.#start(), this.#restarts.pauseMs);
  }
}
