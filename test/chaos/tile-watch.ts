import { join } from 'node:path';
import { TILES_PREFIX } from '../../src/inference/drafts.ts';
import { namesIn } from './moments.ts';

const LOOK_MS = 15;

/**
 * Counts the finished tiles of photos under way as they appear on scratch disk. Tiles that appear beyond what a photo has were
 * computed twice: their first copy was lost, or its result was.
 */
export class TileWatch {
  readonly #scratch: string;
  readonly #batchId: string;
  readonly #timer: NodeJS.Timeout;
  readonly #photos = new Map<number, { now: number; appeared: number }>();

  constructor(dataDir: string, batchId: string) {
    this.#scratch = join(dataDir, 'scratch');
    this.#batchId = batchId;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** @param tiles - of each photo that has a result, by its index. @returns tiles that were computed again. */
  end(tiles: ReadonlyMap<number, number>): number {
    clearInterval(this.#timer);
    let redone = 0;
    for (const [index, { appeared }] of this.#photos) redone += Math.max(0, appeared - (tiles.get(index) ?? appeared));
    return redone;
  }

  #look(): void {
    const found = new Map<number, number>();
    for (const desk of namesIn(this.#scratch)) {
      if (!desk.startsWith(`${this.#batchId}.`)) continue;
      const index = Number(/\.(\d+)~/.exec(desk)?.[1]);
      const shelves = namesIn(join(this.#scratch, desk)).filter((name) => name.startsWith(TILES_PREFIX));
      const tiles = shelves.flatMap((shelf) => namesIn(join(this.#scratch, desk, shelf)));
      found.set(index, tiles.filter((name) => name.endsWith('.rgb')).length);
    }
    for (const index of new Set([...found.keys(), ...this.#photos.keys()])) {
      const before = this.#photos.get(index) ?? { now: 0, appeared: 0 };
      const now = found.get(index) ?? 0;
      this.#photos.set(index, { now, appeared: before.appeared + Math.max(0, now - before.now) });
    }
  }
}
