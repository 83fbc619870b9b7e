import { isCrowd } from './photos-at-once.ts';
import type { Step } from './protocol.ts';
import { StepWatch } from './step-watch.ts';
import type { Ticket } from './ticket.ts';

/** Enough to fetch and decode the next photo before the network has done with this one. */
const LEAD_MS = 5000;
/** How long a cancelled photo may take to stop by itself. */
const CANCEL_GRACE_MS = 750;

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

  /**
   * How many more have something to do here, of so many places. One that would only wait for the network is better off with
   * another worker, or in the queue, where more urgent ones can pass it.
   */
  useFor(places: number): number {
    const tickets = [...this.#tickets.values()];
    if (tickets.length === 0) return isCrowd(places) ? places : 1;
    if (tickets.length >= places || tickets.some(({ alone, stage }) => alone || stage === 'waiting')) return 0;
    const inNetwork = tickets.filter(({ stage }) => stage === 'enhancing');
    const leftMs = inNetwork.reduce((sum, { networkLeftMs = Infinity }) => sum + networkLeftMs, 0);
    if (leftMs > LEAD_MS) return 0;
    if (isCrowd(places)) return places - tickets.length;
    return tickets.some(({ stage }) => stage === 'decoding') ? 0 : 1;
  }

  add(ticket: Ticket): void {
    ticket.stage = 'decoding';
    ticket.networkLeftMs = undefined;
    ticket.overdue = false;
    this.#tickets.set(ticket.id, ticket);
    this.#watch.expect(ticket, 0);
  }

  /** A photo has come a step further. */
  stepped(ticket: Ticket, { expectedMs, networkLeftMs, ...progress }: Step): void {
    if (ticket.signal.aborted) return;
    ticket.stage = progress.stage;
    // Behind the last tile come faces, blending and sizes, which are no work of the network.
    const isThrough = progress.tilesTotal > 0 && progress.tilesDone >= progress.tilesTotal;
    ticket.networkLeftMs = isThrough ? 0 : networkLeftMs;
    this.#watch.expect(ticket, expectedMs);
    ticket.onProgress(progress);
  }

  /** A photo was told to stop; `otherwise` is called when it has not in time. */
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
