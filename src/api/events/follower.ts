import type { Response } from 'express';

/** How long a browser waits before it comes back after a cut. */
const COME_BACK_MS = 2000;

/**
 * One client of an event stream. Nothing is queued for one that does not read: what it missed is made anew, from where it
 * was, when it reads again.
 */
export class Follower {
  /** ID of the last event it was sent; `undefined` before the first. */
  position: string | undefined;
  /** Looks of the ledger that it has seen whole. */
  since = -1;
  /** While it catches up: the first page not yet sent, and the look it will have seen when all are. */
  page = 0;
  until = -1;
  /** True while it gets what everybody gets. */
  live = false;
  /** True while it is told what it missed. */
  catchingUp = false;
  /** The moment of the batch that it was told last. */
  seen: object | undefined;
  /** Called when it can take more. */
  resume: (() => void) | undefined;
  readonly #response: Response;
  readonly #now: () => number;
  #wroteAt: number;
  #blockedAt: number | undefined;
  #over = false;

  constructor(response: Response, now: () => number) {
    this.#response = response;
    this.#now = now;
    this.#wroteAt = now();
    response.on('drain', () => {
      this.#blockedAt = undefined;
      this.resume?.();
    });
    response.once('close', () => {
      this.#over = true;
    });
  }

  /** True when it left or was told the end. */
  get over(): boolean {
    return this.#over;
  }

  get blocked(): boolean {
    return this.#blockedAt !== undefined;
  }

  begin(): void {
    this.#response.status(200).set({
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store, no-transform',
      'X-Accel-Buffering': 'no',
      Connection: 'close', // nothing comes after the last event
    });
    this.write(Buffer.from(`retry: ${COME_BACK_MS}\n\n`));
  }

  /** Bytes are shared by all who get the same. @returns false when it must not be sent more for now. */
  write(bytes: Buffer): boolean {
    if (this.#over) return false;
    this.#wroteAt = this.#now();
    if (!this.#response.write(bytes)) this.#blockedAt ??= this.#wroteAt;
    return !this.blocked;
  }

  /** The last it hears. */
  end(bytes: Buffer): void {
    if (this.#over) return;
    this.#over = true;
    this.#blockedAt ??= this.#now(); // until everything is out, it can stand still like any other
    this.#response.end(bytes);
  }

  /** Lets it go in the middle: it comes back with its last ID. */
  cut(): void {
    this.#response.destroy();
  }

  /** Shows it, and proxies on the way, that the stream lives; cuts it off when it has taken nothing for `patienceMs`. */
  keepAlive(everyMs: number, patienceMs: number): void {
    const now = this.#now();
    if (this.#blockedAt !== undefined) {
      if (now - this.#blockedAt >= patienceMs) this.cut();
    } else if (now - this.#wroteAt >= everyMs) this.write(HEARTBEAT);
  }
}

const HEARTBEAT = Buffer.from(':\n\n');
