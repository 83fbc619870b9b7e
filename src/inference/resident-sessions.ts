/** A session of the runtime that stays in memory. */
export interface Resident {
  readonly baseBytes: number;
  readonly bytesPerWindowPixel: number;
  /** Largest window run so far: the runtime's arena keeps what that took. */
  windowPixels: number;
  msPerPixel: number;
}

const memoryOf = ({ baseBytes, bytesPerWindowPixel, windowPixels }: Resident): number =>
  baseBytes + bytesPerWindowPixel * windowPixels;

/** Which sessions are in memory: opening one costs seconds, keeping all costs too much. Those unused for longest make room. */
export class ResidentSessions {
  readonly #budgetBytes: number;
  readonly #close: (key: string) => Promise<unknown>;
  /** By the graph's key, in order of use, the most recent last. */
  readonly #residents = new Map<string, Resident>();
  #opening: Promise<unknown> = Promise.resolve();

  /** @param budgetBytes - that all together may take; a single one may take more. */
  constructor(budgetBytes: number, close: (key: string) => Promise<unknown>) {
    this.#budgetBytes = budgetBytes;
    this.#close = close;
  }

  get keys(): string[] {
    return [...this.#residents.keys()];
  }

  get(key: string): Resident | undefined {
    return this.#residents.get(key);
  }

  /**
   * The session, opened (again) if another photo's took its place meanwhile. Nothing may be awaited before it is used.
   * @param open - calls {@link open}.
   */
  async getOrOpen(key: string, open: () => Promise<void>): Promise<Resident> {
    for (;;) {
      const resident = this.#residents.get(key);
      if (resident !== undefined) return resident;
      await open();
    }
  }

  /** One session is opened at a time, so that two photos do not both make room for theirs. Counts as a use where it is open. */
  open(key: string, neededBytes: number, open: () => Promise<Resident>): Promise<void> {
    const opened = this.#afterwards(async () => {
      const known = this.#residents.get(key);
      if (known === undefined) await this.#makeRoomFor(neededBytes);
      const resident = known ?? (await open());
      this.#residents.delete(key);
      this.#residents.set(key, resident);
    });
    this.#opening = opened.catch(() => undefined);
    return opened;
  }

  async #afterwards(open: () => Promise<void>): Promise<void> {
    await this.#opening;
    await open();
  }

  async #makeRoomFor(bytes: number): Promise<void> {
    for (const [key] of this.#residents) {
      const used = [...this.#residents.values()].reduce((sum, resident) => sum + memoryOf(resident), 0);
      if (used + bytes <= this.#budgetBytes) return;
      this.#residents.delete(key);
      await this.#close(key);
    }
  }
}
