/** How long a batch still takes, as a range: what its estimates of the last minute have said, and never closer than they can know. */

const REMEMBERED_MS = 60_000;
/** Estimates are no better than this share of themselves. */
const LEAST_SPREAD = 0.1;

export interface SecondsLeft {
  readonly least: number;
  readonly most: number;
}

export class FinishRange {
  /** Epoch milliseconds: when something was said, and the end that it meant. */
  #said: { at: number; end: number }[] = [];

  hear(etaSeconds: number | null, now: number): void {
    this.#said = this.#said.filter(({ at }) => now - at < REMEMBERED_MS);
    if (etaSeconds !== null) this.#said.push({ at: now, end: now + etaSeconds * 1000 });
  }

  forget(): void {
    this.#said = [];
  }

  left(now: number): SecondsLeft | undefined {
    const last = this.#said.at(-1);
    if (last === undefined) return undefined;
    const inSeconds = (end: number): number => Math.max(1, (end - now) / 1000);
    const spread = inSeconds(last.end) * LEAST_SPREAD;
    const ends = this.#said.map(({ end }) => inSeconds(end));
    return {
      least: Math.max(1, Math.min(...ends, inSeconds(last.end) - spread)),
      most: Math.max(...ends, inSeconds(last.end) + spread),
    };
  }
}
