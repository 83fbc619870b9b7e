import type { Step } from './protocol.ts';
import { StepWatch } from './step-watch.ts';
import type { Ticket } from './ticket.ts';

/** How long a cancelled photo may take to stop by itself. */
const CANCEL_GRACE_MS = 500;

/** The photos that one engine has, each with an alarm for its next step. */
export class PhotosInEngine {
  readonly #tickets = new Map<number, Ticket>();
  readonly #watch: StepWatch;

  /** @param onHung - a photo's step takes longer than is believable; its ticket is marked. */
  constructor(stallTimeoutMs: number, onHung: () => void) {
    this.#watch = new StepWatch(stallTimeoutMs, (ticket) => {
      ticket.overdue = true;
      onHung();
    });
  }

  get count(): number {
    return this.#tickets.size;
  }

  has(ticket: Ticket): boolean {
    return this.#tickets.has(ticket.id);
  }

  get(id: number): Ticket | undefined {
    return this.#tickets.get(id);
  }

  /** Whether one more may come in where there are so many places; a photo that must be alone shares with nobody. */
  hasRoomFor(ticket: Ticket, places: number): boolean {
    if (ticket.alone) return this.count === 0;
    return this.count < places && ![...this.#tickets.values()].some(({ alone }) => alone);
  }

  add(ticket: Ticket): void {
    ticket.inNetwork = false;
    ticket.overdue = false;
    this.#tickets.set(ticket.id, ticket);
    this.#watch.expect(ticket, 0);
  }

  /** A photo has come a step further. */
  stepped(ticket: Ticket, { expectedMs, ...progress }: Step): void {
    if (ticket.signal.aborted) return;
    ticket.inNetwork = progress.stage === 'enhancing';
    this.#watch.expect(ticket, expectedMs);
    ticket.onProgress(progress);
  }

  /** A photo was told to stop; `otherwise` is called when it has not in half a second. */
  expectToStop(ticket: Ticket, otherwise: () => void): void {
    this.#watch.within(ticket, CANCEL_GRACE_MS, otherwise);
  }

  remove(ticket: Ticket): void {
    this.#watch.forget(ticket);
    this.#tickets.delete(ticket.id);
  }

  /** @returns all there were. */
  removeAll(): Ticket[] {
    const tickets = [...this.#tickets.values()];
    for (const ticket of tickets) this.remove(ticket);
    return tickets;
  }
}
