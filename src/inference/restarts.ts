import type { EngineEnd } from './engine-exit.ts';

const ATTEMPTS_TO_START = 3;
const LONGEST_PAUSE_MS = 30_000;

/**
 * What the ends of a lane's engines teach about the next start: which providers to leave out, how long to wait first, and when
 * starting does not help. Decides only; the lane does it.
 */
export class Restarts {
  readonly #brokenProviders = new Set<string>();
  #count = 0;
  #failuresInRow = 0;

  get count(): number {
    return this.#count;
  }

  /** Those that no engine broke down on while it tried them. */
  usable(providers: readonly string[]): string[] {
    return providers.filter((provider) => !this.#brokenProviders.has(provider));
  }

  /** The engine did what it is for. */
  succeeded(): void {
    this.#failuresInRow = 0;
  }

  /** Trying again at once would find the same files and the same drivers. */
  foundUnusable(): void {
    this.#failuresInRow = Math.max(this.#failuresInRow, ATTEMPTS_TO_START);
  }

  /** @returns whether we wanted that end ourselves, which is no failure. */
  ended(end: EngineEnd): boolean {
    const wanted = end === 'cancelled' || end === 'retired';
    this.#count += 1;
    this.#failuresInRow = wanted ? 0 : this.#failuresInRow + 1;
    return wanted;
  }

  /** The engine ended without a word while it tried this one; a CPU is never given up, there is nothing after it. */
  brokeOn(provider: string): void {
    if (provider !== 'cpu') this.#brokenProviders.add(provider);
  }

  /** For an engine that did not even start. */
  get isHopeless(): boolean {
    return this.#failuresInRow >= ATTEMPTS_TO_START;
  }

  /** Before the next start: none after one failure, then ever longer. */
  get pauseMs(): number {
    return this.#failuresInRow < 2 ? 0 : Math.min(LONGEST_PAUSE_MS, 125 * 2 ** this.#failuresInRow);
  }
}
