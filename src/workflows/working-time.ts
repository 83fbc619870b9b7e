import type { BatchProgress } from '../contracts/progress.ts';
import type { EnhanceBatchCarried } from '../contracts/workflow-api.ts';

type Carried = Pick<EnhanceBatchCarried, 'paused' | 'activeMs' | 'settledActiveMs'>;

/**
 * How long a batch has been at work, in milliseconds: time spent paused does not count, or one night's pause would spoil the
 * estimate of what is left. The moment (epoch milliseconds) is an argument, never a clock's.
 */
export class WorkingTime {
  #paused: boolean;
  /** Up to `#activeSince`, or up to now while paused. */
  #activeMs: number;
  #activeSince: number;
  /** Up to when the last photo settled. */
  #settledActiveMs: number;

  constructor(carried: Carried | undefined, now: number) {
    this.#paused = carried?.paused ?? false;
    this.#activeMs = carried?.activeMs ?? 0;
    this.#activeSince = now;
    this.#settledActiveMs = carried?.settledActiveMs ?? 0;
  }

  get paused(): boolean {
    return this.#paused;
  }

  photoSettled(now: number): void {
    this.#settledActiveMs = this.#upTo(now);
  }

  /** @returns whether that changed anything. */
  pause(now: number): boolean {
    if (this.#paused) return false;
    this.#activeMs += now - this.#activeSince;
    this.#paused = true;
    return true;
  }

  /** @returns whether that changed anything. */
  resume(now: number): boolean {
    if (!this.#paused) return false;
    this.#activeSince = now;
    this.#paused = false;
    return true;
  }

  progress(now: number): Pick<BatchProgress, 'activeMs' | 'settledActiveMs'> {
    return { activeMs: this.#upTo(now), settledActiveMs: this.#settledActiveMs };
  }

  carried(now: number): Carried {
    return { paused: this.#paused, ...this.progress(now) };
  }

  #upTo(now: number): number {
    return this.#paused ? this.#activeMs : this.#activeMs + now - this.#activeSince;
  }
}
