import { spanLength, type Samples, type Slice, type TileGrid } from './tiles.ts';

/**
 * How well the tiles of a result meet. Across a line where two tiles are joined, a picture should bend no more than across lines
 * beside it. Bending is the mean absolute second difference of the green samples; lines are compared that have the same
 * position within the network's grid of `scale` pixels, which has a texture of its own.
 */

const CHANNELS = 3;
const GREEN = 1;
/** Lines on either side of a seam that it is compared with. */
const BESIDE = [1, 2, 3] as const;
/** Along a line every so-manieth pixel is looked at: of each place in the network's grid, as 5 has no factor in common with its scale. */
const EVERY = 5;
/** What counts as flat, in levels of 255: between two flat lines there is no ratio worth telling. */
const FLAT = 0.25;

interface Line {
  readonly position: number;
  readonly kind: 'seam' | 'beside';
}

class Mean {
  sum = 0;
  count = 0;
  add(value: number): void {
    this.sum += value;
    this.count += 1;
  }
  get value(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }
}

/** Lines of one axis, between `position - 1` and `position`, in pixels of the result. */
function linesOf(slices: readonly Slice[], margin: number, scale: number): Line[] {
  const last = (slices.at(-1)?.core.end ?? 0) * scale;
  const lines = slices.slice(1).flatMap(({ core }): Line[] => {
    const seam = core.start * scale;
    const zone = margin * scale;
    const joins = zone === 0 ? [0] : [-zone, 0, zone];
    const beside = BESIDE.flatMap((steps) => [-zone - 2 * steps * scale, zone + 2 * steps * scale]);
    return [
      ...joins.map((offset) => ({ position: seam + offset, kind: 'seam' as const })),
      ...beside.map((offset) => ({ position: seam + offset, kind: 'beside' as const })),
    ];
  });
  return lines.filter(({ position }) => position >= 2 && position + 1 < last);
}

/** Looks at the rows of a result as they are composed. */
export class SeamMeter {
  readonly #columns: readonly Line[];
  /** Lines that run sideways, by each of the rows that they need. */
  readonly #rows = new Map<number, readonly Line[]>();
  readonly #width: number;
  /** Green samples of the rows around the lines that run sideways. */
  readonly #held = new Map<number, Samples>();
  readonly #means = { seam: new Mean(), beside: new Mean() };
  #unit = 1;

  constructor(grid: TileGrid, scale: number) {
    this.#columns = linesOf(grid.columns, grid.marginX, scale);
    for (const line of linesOf(grid.rows, grid.marginY, scale)) {
      for (const y of [-2, -1, 0, 1].map((offset) => line.position + offset)) {
        this.#rows.set(y, [...(this.#rows.get(y) ?? []), line]);
      }
    }
    this.#width = scale * grid.columns.reduce((sum, { core }) => sum + spanLength(core), 0);
  }

  /** @param rows - whole rows, RGB, that follow those before. */
  add(rows: Samples, firstRow: number): void {
    this.#unit = rows instanceof Uint16Array ? 257 : 1;
    const rowSamples = this.#width * CHANNELS;
    for (let at = 0; at < rows.length; at += rowSamples) {
      const y = firstRow + at / rowSamples;
      if (y % EVERY === 0) this.#alongColumns(rows, at + GREEN);
      this.#hold(rows, at + GREEN, y);
    }
  }

  /** 1: seams look like what is beside them. Null without seams. */
  get score(): number | null {
    const { seam, beside } = this.#means;
    if (seam.count === 0 || beside.count === 0) return null;
    const flat = FLAT * this.#unit;
    return Math.round(((seam.value + flat) / (beside.value + flat)) * 1000) / 1000;
  }

  #alongColumns(rows: Samples, green: number): void {
    for (const { position, kind } of this.#columns) {
      const at = green + position * CHANNELS;
      this.#means[kind].add(bend(rows[at - 2 * CHANNELS], rows[at - CHANNELS], rows[at], rows[at + CHANNELS]));
    }
  }

  #hold(rows: Samples, green: number, y: number): void {
    const lines = this.#rows.get(y);
    if (lines === undefined) return;
    const own = new Uint16Array(this.#width);
    for (let x = 0; x < this.#width; x += EVERY) own[x] = rows[green + x * CHANNELS] ?? 0;
    this.#held.set(y, own);
    for (const { position, kind } of lines) if (y === position + 1) this.#alongRow(position, kind);
    for (const held of this.#held.keys()) if (held < y - 3) this.#held.delete(held);
  }

  #alongRow(position: number, kind: Line['kind']): void {
    const [a, b, c, d] = [-2, -1, 0, 1].map((offset) => this.#held.get(position + offset));
    if (a === undefined || b === undefined || c === undefined || d === undefined) return;
    for (let x = 0; x < this.#width; x += EVERY) this.#means[kind].add(bend(a[x], b[x], c[x], d[x]));
  }
}

/** Second differences on both sides of the line between `b` and `c`. */
const bend = (a = 0, b = 0, c = 0, d = 0): number => (Math.abs(a - 2 * b + c) + Math.abs(b - 2 * c + d)) / 2;
