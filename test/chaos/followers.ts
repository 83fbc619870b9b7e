import { setTimeout as sleep } from 'node:timers/promises';
import { EventReader } from '../api/support/event-reader.ts';
import type { House } from '../e2e/house.ts';
import { waitFor } from '../e2e/processes.ts';

const AGAIN_MS = 200;
const WITHIN_MS = 120_000;

/** Follows a batch as a browser does: opens the stream again from the last event it got, until it was told of the end. */
export class Follower {
  readonly #address: string;
  readonly #told = new Map<number, string>();
  readonly #ended: Promise<void>;
  #streams = 0;
  #ends = 0;
  #lastEventId: string | undefined;
  #left = false;

  constructor(house: House, batchId: string) {
    this.#address = `${house.url}/api/v1/batches/${batchId}/events`;
    this.#ended = this.#follow();
  }

  /** Resolves when a stream told it something. */
  async listens(): Promise<void> {
    await waitFor('a first event', WITHIN_MS, async () => await Promise.resolve(this.#told.size > 0 || undefined));
  }

  /** Waits for the end. @throws when it was not told of all photos, or not exactly once of the end. */
  async heardAll(photos: number): Promise<void> {
    const gaveUp = setTimeout(() => (this.#left = true), WITHIN_MS);
    await this.#ended.finally(() => clearTimeout(gaveUp));
    const completed = [...this.#told.values()].filter((status) => status === 'completed').length;
    if (completed !== photos || this.#ends !== 1) {
      throw new Error(`was told of ${completed} of ${photos} photos and of ${this.#ends} ends`);
    }
  }

  /** How often it had to open the stream. */
  get streams(): number {
    return this.#streams;
  }

  async #follow(): Promise<void> {
    while (this.#ends === 0 && !this.#left) {
      await this.#readOne().catch(() => undefined); // nobody listens at this moment
      await sleep(AGAIN_MS);
    }
  }

  async #readOne(): Promise<void> {
    const headers = this.#lastEventId === undefined ? {} : { 'last-event-id': this.#lastEventId };
    const reader = await EventReader.open(this.#address, headers);
    if (reader.status !== 200) {
      reader.leave();
      return;
    }
    this.#streams += 1;
    while (reader.ending === undefined && !this.#left) {
      this.#take(reader);
      await sleep(10);
    }
    this.#take(reader);
    this.#ends += reader.all('end').length;
    reader.leave();
  }

  #take(reader: EventReader): void {
    for (const [index, status] of reader.photos()) this.#told.set(index, status);
    this.#lastEventId = reader.lastEventId ?? this.#lastEventId;
  }
}
