import type { Ticket } from './ticket.ts';

/** A step may take this many times what it should before its engine counts as hung. */
const PATIENCE = 5;

/** One alarm a photo: for the step it is in, or for its stopping after a cancellation. */
export class StepWatch {
  readonly #stallTimeoutMs: number;
  readonly #onOverdue: (ticket: Ticket) => void;
  readonly #timers = new Map<Ticket, NodeJS.Timeout>();

  constructor(stallTimeoutMs: number, onOverdue: (ticket: Ticket) => void) {
    this.#stallTimeoutMs = stallTimeoutMs;
    this.#onOverdue = onOverdue;
  }

  /** The next step should take `expectedMs`; null: the photo waits for another, which is watched itself. */
  expect(ticket: Ticket, expectedMs: number | null): void {
    if (expectedMs === null) return this.forget(ticket);
    this.within(ticket, Math.max(this.#stallTimeoutMs, PATIENCE * expectedMs), () => this.#onOverdue(ticket));
  }

  within(ticket: Ticket, ms: number, otherwise: () => void): void {
    this.forget(ticket);
    this.#timers.set(ticket, setTimeout(otherwise, ms));
  }

  forget(ticket: Ticket): void {
    clearTimeout(this.#timers.get(ticket));
    this.#timers.delete(ticket);
  }
}
