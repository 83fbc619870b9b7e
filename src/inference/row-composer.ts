import { attachAlpha, enlargeAlpha } from './alpha.ts';
import type { Canvas } from './canvas.ts';
import { composeRows, finalRows } from './compose.ts';
import type { TileShelf } from './tile-shelf.ts';
import type { Pixels, TileGrid } from './tiles.ts';

/** Bytes of the result that are put together at a time: what composing holds in memory. */
const BAND_BYTES = 8 * 1024 * 1024;

/** Appends rows to the canvas as soon as the tiles above and below them are finished, whatever order those come in. */
export class RowComposer {
  readonly #grid: TileGrid;
  readonly #scale: number;
  readonly #shelf: TileShelf;
  readonly #canvas: Canvas;
  readonly #alpha: Pixels | undefined;
  readonly #missing: number[];
  #finishedRows = 0;
  #composed = 0;
  #work: Promise<void> = Promise.resolve();
  #failed = false;

  constructor(grid: TileGrid, scale: number, shelf: TileShelf, canvas: Canvas, alpha: Pixels | undefined) {
    this.#grid = grid;
    this.#scale = scale;
    this.#shelf = shelf;
    this.#canvas = canvas;
    this.#alpha = alpha;
    this.#missing = grid.rows.map(() => grid.columns.length);
  }

  /** The tile with this index (row by row) lies on the shelf. */
  tileFinished(index: number): void {
    const row = Math.floor(index / this.#grid.columns.length);
    this.#missing[row] = (this.#missing[row] ?? 0) - 1;
    while (this.#missing[this.#finishedRows] === 0) {
      const end = finalRows(this.#grid, this.#finishedRows, this.#scale);
      this.#finishedRows += 1;
      this.#work = this.#work.then(() => this.#composeTo(end));
      // Reported by finished(); until then nobody listens.
      this.#work.catch(() => (this.#failed = true));
    }
  }

  /** Resolves when every row is on the canvas. */
  async finished(): Promise<void> {
    await this.#work;
    const rows = this.#grid.height * this.#scale;
    if (this.#composed !== rows) throw new RangeError(`Expected ${rows} rows but composed ${this.#composed}`);
  }

  async #composeTo(end: number): Promise<void> {
    const rowBytes = this.#grid.width * this.#scale * 3;
    const bandRows = Math.max(16, Math.floor(BAND_BYTES / rowBytes));
    while (this.#composed < end && !this.#failed) {
      const to = Math.min(end, this.#composed + bandRows);
      const read = this.#shelf.rows.bind(this.#shelf);
      const rgb = await composeRows(this.#grid, this.#scale, read, this.#composed, to);
      await this.#canvas.append(await this.#withAlpha(rgb, this.#composed, to));
      this.#composed = to;
    }
  }

  async #withAlpha(rgb: Uint8Array, start: number, end: number): Promise<Uint8Array> {
    if (this.#alpha === undefined) return rgb;
    return attachAlpha(rgb, await enlargeAlpha(this.#alpha, this.#scale, start, end));
  }
}
