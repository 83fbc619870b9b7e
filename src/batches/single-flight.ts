/**
 * Asks once for all watchers: callers that come while an answer is on its way, or within `ttlMs` after it, share it.
 * Bounded: the oldest answers are forgotten first.
 */
export class SingleFlight<T> {
  readonly #answers = new Map<string, { at: number; answer: Promise<T> }>();
  readonly #ttlMs: number;
  readonly #now: () => number;
  readonly #capacity: number;

  constructor(options: { ttlMs: number; capacity: number; now: () => number }) {
    this.#ttlMs = options.ttlMs;
    this.#capacity = options.capacity;
    this.#now = options.now;
  }

  get(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#answers.get(key);
    if (known && this.#now() - known.at < this.#ttlMs) return known.answer;
    const entry = { at: Number.POSITIVE_INFINITY, answer: ask() };
    this.#answers.delete(key);
    this.#answers.set(key, entry);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > this.#capacity && oldest !== undefined) this.#answers.delete(oldest);
    entry.answer.then(
      () => (entry.at = this.#now()),
      () => this.#answers.delete(key),
    );
    return entry.answer;
  }

  forget(key: string): void {
    this.#answers.delete(key);
  }
}
