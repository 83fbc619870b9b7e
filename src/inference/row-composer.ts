import type { Canvas } from './canvas.ts';
import { composeRows, finalRows } from './compose.ts';
import type { SeamMeter } from './seam-meter.ts';
import type { SpareSamples } from './spare-samples.ts';
import type { TileLayout, TileShelf } from './tile-shelf.ts';
import type { Samples } from './tiles.ts';

export interface Composition {
  readonly layout: TileLayout;
  readonly shelf: TileShelf;
  readonly canvas: Canvas;
  /** Measures the seams of what the network made, before anything else is laid over it. */
  readonly seams: SeamMeter;
  readonly spare: SpareSamples;
  /** Makes RGB rows from `start` to `end` what the canvas takes: with the photo's alpha, where it has one. */
  readonly finish: (rgb: Samples, start: number, end: number) => Promise<Samples>;
}

/** Appends rows to the canvas as soon as the tiles above and below them are finished, whatever order those come in. */
export class RowComposer {
  readonly #composition: Composition;
  readonly #missing: number[];
  #finishedRows = 0;
  #composed = 0;
  #work: Promise<void> = Promise.resolve();
  #failed = false;

  constructor(composition: Composition) {
    this.#composition = composition;
    const { grid } = composition.layout;
    this.#missing = grid.rows.map(() => grid.columns.length);
  }

  /** The tile with this index (row by row) lies on the shelf. */
  tileFinished(index: number): void {
    const { grid, scale } = this.#composition.layout;
    const row = Math.floor(index / grid.columns.length);
    this.#missing[row] = (this.#missing[row] ?? 0) - 1;
    while (this.#missing[this.#finishedRows] === 0) {
      const end = finalRows(grid, this.#finishedRows, scale);
      this.#finishedRows += 1;
      this.#work = this.#work.then(() => this.#composeTo(end));
      // Reported by finished(); until then nobody listens.
      this.#work.catch(() => (this.#failed = true));
    }
  }

  /** Resolves when every row is on the canvas. */
  async finished(): Promise<void> {
    await this.#work;
    const { grid, scale } = this.#composition.layout;
    const rows = grid.height * scale;
    if (this.#composed !== rows) throw new RangeError(`Expected ${rows} rows but composed ${this.#composed}`);
  }

  /** Resolves when nothing is composed any more, and nothing will be. */
  async stop(): Promise<void> {
    this.#failed = true;
    await this.#work.catch(() => undefined);
  }

  async #composeTo(end: number): Promise<void> {
    const { layout, shelf, canvas, seams, finish, spare } = this.#composition;
    const { grid, scale } = layout;
    const isLast = end === grid.height * scale;
    const read = shelf.rows.bind(shelf);
    while (this.#composed < end && !this.#failed) {
      const from = this.#composed;
      const to = Math.min(end, from + canvas.rowsAtATime);
      // Fewer than the canvas wants wait for the tiles below.
      if (to - from < canvas.rowsAtATime && !isLast) return;
      const rgb = await composeRows({ layout, read, spare }, from, to);
      try {
        seams.add(rgb, from);
        await canvas.append(await finish(rgb, from, to));
      } finally {
        spare.giveBack(rgb);
      }
      this.#composed = to;
    }
  }
}
