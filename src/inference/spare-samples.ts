import { sampleBytes, type Depth, type Samples } from './tiles.ts';

/** Kept for the next who asks: a few bands and tiles of the photos under way. */
const MOST_SPARE_BYTES = 64 * 1024 * 1024;
/** A larger one would be held by somebody who needs less. */
const MOST_WASTE = 2;

/**
 * Memory for samples that is used over and over, by the network's thread too. Of new buffers V8 collects the garbage after every 64 MB,
 * which is four times for a photo of one megapixel, and clearing them costs as much as filling them. Shared memory it does not count.
 */
export class SpareSamples {
  readonly #lent = new WeakSet<SharedArrayBuffer>();
  readonly #spare: SharedArrayBuffer[] = [];
  #spareBytes = 0;

  /** What it holds is whatever was there before. */
  take(depth: Depth, length: number): Samples {
    const bytes = length * sampleBytes(depth);
    const at = this.#spare.findIndex(({ byteLength }) => byteLength >= bytes && byteLength <= bytes * MOST_WASTE);
    const [buffer = new SharedArrayBuffer(bytes)] = at === -1 ? [] : this.#spare.splice(at, 1);
    if (at !== -1) this.#spareBytes -= buffer.byteLength;
    this.#lent.add(buffer);
    return depth === 16 ? new Uint16Array(buffer, 0, length) : new Uint8Array(buffer, 0, length);
  }

  /** Nobody may use it any more. What was not taken here, or was given back before, is left alone. */
  giveBack({ buffer }: Pick<Samples, 'buffer'>): void {
    if (!(buffer instanceof SharedArrayBuffer) || !this.#lent.delete(buffer)) return;
    this.#spare.push(buffer);
    this.#spareBytes += buffer.byteLength;
    while (this.#spareBytes > MOST_SPARE_BYTES) this.#spareBytes -= this.#spare.shift()?.byteLength ?? 0;
  }
}
