import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import sharp from 'sharp';
import { GRAPH_VERSION } from './graph-bytes.ts';
import type { PhotoJob } from './photo-job.ts';
import { hasSavedTiles, memoryShelf, openDiskShelf, type TileLayout, type TileShelf } from './tile-shelf.ts';
import { sampleBytes, windowPixels, type TileGrid } from './tiles.ts';
import { graphOf, type Variant } from './variant.ts';

/** Raised when the same photo and tiles would give other pixels: tiles of an older version are not taken over. */
const PIXELS_VERSION = 2;

/** Finished tiles that need not survive stay in memory up to this size of a pass. */
const IN_MEMORY_BYTES = 96 * 1024 * 1024;

/** Memory that finished tiles of a pass take at most while they wait, as whole windows; 0: they are too large, and wait on the disk. */
export function waitingBytes({ grid, scale, depth }: TileLayout): number {
  const bytes = windowPixels(grid).total * scale ** 2 * 3 * sampleBytes(depth);
  return bytes <= IN_MEMORY_BYTES ? bytes : 0;
}

/** Where the tiles of a photo's passes wait; what shapes the pixels of a pass also shapes those of the next. */
export class PhotoShelf {
  readonly #work: PhotoJob;
  readonly #variant: Variant;
  /** What shapes the pixels of the passes so far, found out when it is needed. */
  readonly #shaping: (() => Promise<unknown>)[] = [];
  #passes = 0;

  constructor(work: PhotoJob, variant: Variant) {
    this.#work = work;
    this.#variant = variant;
  }

  /** The shelf of the next pass. */
  async next(grid: TileGrid): Promise<TileShelf> {
    const { job, spare } = this.#work;
    const layout = { grid, scale: this.#variant.model.scale, depth: this.#variant.depth };
    this.#passes += 1;
    const isFirst = this.#passes === 1;
    this.#shaping.push(
      () => (isFirst ? this.#firstShaping() : this.#shapingBetween()),
      () => Promise.resolve(grid),
    );
    if (waitingBytes(layout) > 0 && !(await this.#isWorthKeeping(grid))) return memoryShelf(layout, spare);
    const shaping = await Promise.all(this.#shaping.map((find) => find()));
    const fingerprint = createHash('sha256').update(JSON.stringify(shaping)).digest('hex').slice(0, 32);
    return openDiskShelf(job.scratchDir, this.#passes, fingerprint, layout, spare);
  }

  /** To save and read a tile takes as long as a tenth of what `fast` takes to make it, and an interruption is seldom. */
  async #isWorthKeeping(grid: TileGrid): Promise<boolean> {
    const { job, network, settings } = this.#work;
    if (!job.checkpoint) return false;
    const expectedMs = network.expectMs(this.#variant, windowPixels(grid).total);
    // Nothing is known yet of a network that was never run.
    if (expectedMs === 0 || expectedMs >= settings.checkpointMinMs) return true;
    return await hasSavedTiles(job.scratchDir, this.#passes);
  }

  async #firstShaping(): Promise<unknown> {
    const { job, network } = this.#work;
    const { path, blend, depth } = graphOf(this.#variant);
    const precision = network.precisionFor(depth);
    const content = createHash('sha256');
    await pipeline(createReadStream(job.inputPath), content);
    return {
      version: PIXELS_VERSION,
      decoder: sharp.versions,
      content: content.digest('hex'),
      graph: await network.digestOf(path),
      made: depth === 8 && blend === undefined && precision === 'full' ? null : GRAPH_VERSION,
      depth,
      blend: blend === undefined ? null : { graph: await network.digestOf(blend.path), share: blend.share },
      provider: network.provider,
      ...(precision === 'half' && { precision }),
    };
  }

  /** What changes the canvas of one pass before the next one reads it. */
  async #shapingBetween(): Promise<unknown> {
    const { job, network, settings } = this.#work;
    const { face, fidelity } = job.options;
    if (face === 'off' || settings.faces === undefined) return null;
    const { detector, restorer } = settings.faces;
    return { fidelity, graphs: await Promise.all([detector, restorer].map(({ path }) => network.digestOf(path))) };
  }
}
