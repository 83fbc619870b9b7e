interface Timed {
  /** Milliseconds of the network for a pixel of a window. */
  readonly msPerPixel: number;
  /** Windows smaller than this, in pixels, say nothing: what every call costs, whatever its size, would count for photos. */
  readonly leastPixels: number;
}

/** How fast each network is here, by name, for plans: timed as it was opened, then as of its latest tile of a fair size. */
export class Speeds {
  readonly #timed = new Map<string, Timed>();

  /** What was timed as it was opened, on a window of this many pixels; a network that runs already knows better. */
  opened(name: string, msPerPixel: number, windowPixels: number): void {
    if (!this.#timed.has(name)) this.#timed.set(name, { msPerPixel, leastPixels: windowPixels });
  }

  ran(name: string, ms: number, windowPixels: number): void {
    const { leastPixels } = this.#timed.get(name) ?? { leastPixels: 0 };
    if (windowPixels >= leastPixels) this.#timed.set(name, { msPerPixel: ms / windowPixels, leastPixels });
  }

  /** Milliseconds a pixel. */
  get figures(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#timed].map(([name, { msPerPixel }]) => [name, msPerPixel]));
  }
}
