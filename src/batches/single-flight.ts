import { setTimeout as sleep } from 'node:timers/promises';

const UNDER_WAY = Number.POSITIVE_INFINITY;

interface Entry<T> {
  /** When the answer came. */
  at: number;
  readonly answer: Promise<T>;
  /** The newest answer that has come, of this asking or of one before. */
  last: { readonly at: number; readonly value: T } | undefined;
}

interface SingleFlightOptions {
  readonly ttlMs: number;
  readonly capacity: number;
  readonly now: () => number;
}

/** How long {@link SingleFlight.getSoon} waits for a new answer, and how old the one before may be that it gives instead. */
const PATIENCE_MS = 25;
const USABLE_FOR_MS = 3000;

/**
 * Asks once for all watchers: callers that come while an answer is on its way, or within `ttlMs` after it, share it.
 * Bounded: the oldest answers are forgotten first.
 */
export class SingleFlight<T> {
  readonly #answers = new Map<string, Entry<T>>();
  readonly #options: SingleFlightOptions;

  constructor(options: SingleFlightOptions) {
    this.#options = options;
  }

  get(key: string, ask: () => Promise<T>): Promise<T> {
    return this.#entry(key, ask).answer;
  }

  /** As {@link get}, but whoever is asked may be slow: then the answer before, at most three seconds old, has to do. */
  async getSoon(key: string, ask: () => Promise<T>): Promise<T> {
    const { at, answer, last } = this.#entry(key, ask);
    if (at !== UNDER_WAY || !last || !this.#isWithin(last.at, USABLE_FOR_MS)) return answer;
    const enough = new AbortController();
    const before = sleep(PATIENCE_MS, last.value, { signal: enough.signal }).catch(() => last.value);
    try {
      return await Promise.race([answer, before]);
    } finally {
      enough.abort();
    }
  }

  forget(key: string): void {
    this.#answers.delete(key);
  }

  #entry(key: string, ask: () => Promise<T>): Entry<T> {
    const known = this.#answers.get(key);
    if (known && (known.at === UNDER_WAY || this.#isWithin(known.at, this.#options.ttlMs))) return known;
    const entry: Entry<T> = { at: UNDER_WAY, answer: ask(), last: known?.last };
    this.#answers.delete(key);
    this.#answers.set(key, entry);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > this.#options.capacity && oldest !== undefined) this.#answers.delete(oldest);
    void this.#settle(key, entry);
    return entry;
  }

  /** A failure is for those who wait on it; whoever comes later asks anew. */
  async #settle(key: string, entry: Entry<T>): Promise<void> {
    try {
      const value = await entry.answer;
      entry.at = this.#options.now();
      entry.last = { at: entry.at, value };
    } catch {
      if (this.#answers.get(key) === entry) this.#answers.delete(key);
    }
  }

  /** An answer from the future is one from before the clock was set back: it would be kept for as long as that. */
  #isWithin(at: number, ms: number): boolean {
    const age = this.#options.now() - at;
    return age >= 0 && age < ms;
  }
}
