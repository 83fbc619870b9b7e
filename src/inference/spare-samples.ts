import { sampleBytes, samplesLike, type Depth, type Samples } from './tiles.ts';

/** Enough for two photos whose finished tiles wait in memory; what was never used of it takes none. */
const BYTES = 256 * 1024 * 1024;
const PAGE_BYTES = 4096;

/** Bytes of the memory, from and up to. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * Memory for samples that is used over and over, by the network's thread too. Of new buffers V8 collects the garbage after every 64 MB,
 * which is four times for a photo of one megapixel, and clearing them costs as much as filling them. Shared memory it does not count: so
 * it would not collect that either, and there is one piece for as long as the engine lives, of which ranges are lent.
 */
export class SpareSamples {
  readonly #memory: SharedArrayBuffer;
  /** In the order of their places, none beside another. */
  #free: readonly Range[];
  readonly #lent = new WeakMap<Samples, Range>();

  constructor(bytes = BYTES) {
    this.#memory = new SharedArrayBuffer(bytes);
    this.#free = [{ start: 0, end: bytes }];
  }

  /**
   * @param length - samples.
   * @returns memory that other threads see too, with whatever was there before; undefined when there is no room left.
   */
  share(depth: Depth, length: number): Samples | undefined {
    const bytes = Math.ceil((length * sampleBytes(depth)) / PAGE_BYTES) * PAGE_BYTES;
    const place = this.#free.find(({ start, end }) => end - start >= bytes);
    if (place === undefined || bytes === 0) return undefined;
    const range = { start: place.start, end: place.start + bytes };
    const rest = { start: range.end, end: place.end };
    this.#free = this.#free.flatMap((one) => (one !== place ? [one] : rest.start < rest.end ? [rest] : []));
    const samples =
      depth === 16
        ? new Uint16Array(this.#memory, range.start, length)
        : new Uint8Array(this.#memory, range.start, length);
    this.#lent.set(samples, range);
    return samples;
  }

  /** The same for one thread, which gets memory of its own when there is no room left. */
  take(depth: Depth, length: number): Samples {
    return this.share(depth, length) ?? samplesLike(depth, length);
  }

  /** The loan passes to the view that is returned: to give back these does nothing any more. */
  passOn(samples: Samples): Samples {
    const range = this.#lent.get(samples);
    if (range === undefined) return samples;
    const view = samples.subarray();
    this.#lent.delete(samples);
    this.#lent.set(view, range);
    return view;
  }

  /** Nobody may use them any more. Samples that were not taken here, or were given back before, are left alone. */
  giveBack(samples: Samples | undefined): void {
    const range = samples && this.#lent.get(samples);
    if (samples === undefined || range === undefined) return;
    this.#lent.delete(samples);
    const joined = this.#free.filter(({ start, end }) => end === range.start || start === range.end);
    const whole = {
      start: Math.min(range.start, ...joined.map(({ start }) => start)),
      end: Math.max(range.end, ...joined.map(({ end }) => end)),
    };
    this.#free = [...this.#free.filter((one) => !joined.includes(one)), whole].toSorted((a, b) => a.start - b.start);
  }
}
