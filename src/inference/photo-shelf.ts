import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import sharp from 'sharp';
import { GRAPH_VERSION } from './graph-bytes.ts';
import type { PhotoJob } from './photo-job.ts';
import { memoryShelf, openDiskShelf, type TileLayout, type TileShelf } from './tile-shelf.ts';
import { sampleBytes, type TileGrid } from './tiles.ts';
import { graphOf, type Variant } from './variant.ts';

/** Raised when the same photo and tiles would give other pixels: tiles of an older version are not taken over. */
const PIXELS_VERSION = 2;

/** Finished tiles that need not survive stay in memory up to this size of the result. */
const IN_MEMORY_BYTES = 64 * 1024 * 1024;

/** Where the tiles of a photo's passes wait; what shapes the pixels of a pass also shapes those of the next. */
export class PhotoShelf {
  readonly #work: PhotoJob;
  readonly #variant: Variant;
  readonly #open: TileShelf[] = [];
  readonly #shaping: unknown[] = [];

  constructor(work: PhotoJob, variant: Variant) {
    this.#work = work;
    this.#variant = variant;
  }

  /** The shelf of the next pass. */
  async next(grid: TileGrid): Promise<TileShelf> {
    const shelf = await this.#make({ grid, scale: this.#variant.model.scale, depth: this.#variant.depth });
    this.#open.push(shelf);
    return shelf;
  }

  async #make(layout: TileLayout): Promise<TileShelf> {
    const { job } = this.#work;
    const { grid, scale, depth } = layout;
    const bytes = grid.width * grid.height * scale ** 2 * 3 * sampleBytes(depth);
    if (!job.checkpoint && bytes <= IN_MEMORY_BYTES) return memoryShelf(layout);
    this.#shaping.push(this.#open.length === 0 ? await this.#firstShaping() : await this.#shapingBetween(), grid);
    const fingerprint = createHash('sha256').update(JSON.stringify(this.#shaping)).digest('hex').slice(0, 32);
    return openDiskShelf(job.scratchDir, this.#open.length + 1, fingerprint, layout, this.#work.spare);
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
