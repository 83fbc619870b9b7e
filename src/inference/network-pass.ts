import type { Canvas } from './canvas.ts';
import type { PhotoJob } from './photo-job.ts';
import { tilesOf } from './photo-plan.ts';
import type { PixelSource } from './pixel-source.ts';
import { RowComposer } from './row-composer.ts';
import { SeamMeter } from './seam-meter.ts';
import { runTiles, type TileRun } from './tile-run.ts';
import type { TileShelf } from './tile-shelf.ts';
import { windowPixels, type Samples, type TileGrid } from './tiles.ts';
import type { Variant } from './variant.ts';

/** One pass of the network over a whole picture, from its source to a canvas. */

/** What composing, and encoding what is composed, may take on a slow machine; only used to judge whether an engine hangs. */
const COMPOSE_MS_PER_MEGAPIXEL = 1_500;

/** For a line. */
const MANY_TILES = 16;

export interface NetworkPass {
  readonly work: Pick<PhotoJob, 'network' | 'signal' | 'report' | 'spare'>;
  readonly variant: Variant;
  readonly grid: TileGrid;
  readonly source: PixelSource;
  readonly shelf: TileShelf;
  readonly canvas: Canvas;
  readonly finish: (rgb: Samples, start: number, end: number) => Promise<Samples>;
  /** Tiles of the whole photo, and those done before this pass. */
  readonly tilesTotal: number;
  readonly tilesBefore: number;
}

export interface PassOutcome {
  readonly networkMs: number;
  readonly reused: number;
  readonly seam: number | null;
}

/** Runs what tiles are missing and puts all of them on the canvas. */
export async function runPass(pass: NetworkPass): Promise<PassOutcome> {
  const { work, variant, grid, shelf, canvas, finish } = pass;
  const { scale } = variant.model;
  const seams = new SeamMeter(grid, scale);
  const composer = new RowComposer({
    layout: { grid, scale, depth: variant.depth },
    shelf,
    canvas,
    seams,
    finish,
    spare: work.spare,
  });
  try {
    const reused = await shelf.finished();
    for (const index of reused) composer.tileFinished(index);
    const networkMs = await runMissing(pass, composer, reused);
    const expectedMs = (grid.width * grid.height * scale ** 2 * COMPOSE_MS_PER_MEGAPIXEL) / 1e6;
    const tilesDone = pass.tilesBefore + tilesOf(grid);
    work.report({ stage: 'enhancing', tilesTotal: pass.tilesTotal, tilesDone, expectedMs });
    await composer.finished();
    return { networkMs, reused: reused.size, seam: seams.score };
  } finally {
    await composer.stop();
  }
}

async function runMissing(pass: NetworkPass, composer: RowComposer, reused: ReadonlySet<number>): Promise<number> {
  const { work, variant, grid, source, shelf, tilesTotal } = pass;
  const { network, signal, report, spare } = work;
  const tiles = Array.from({ length: tilesOf(grid) }, (_, index) => index).filter((index) => !reused.has(index));
  const progress = { stage: 'enhancing' as const, tilesTotal };
  const { largest } = windowPixels(grid);
  let tilesDone = pass.tilesBefore + reused.size;
  let networkMs = 0;
  report({ ...progress, stage: 'waiting', tilesDone, expectedMs: null });
  const allHandedIn = await network.takeTurn();
  try {
    signal.throwIfAborted();
    const left = (): { networkLeftMs?: number } => {
      const perTile = network.expectMs(variant, largest);
      return perTile > 0 ? { networkLeftMs: perTile * (tilesTotal - tilesDone) } : {};
    };
    report({ ...progress, tilesDone, expectedMs: 0, ...left() });
    await network.open(variant);
    const all = network.linesFor(variant);
    const lines = tiles.length < all ? 1 : all;
    // Before the first is through, the photo before has as many under way as this one.
    report({ ...progress, tilesDone, expectedMs: 2 * (lines + 1) * network.expectMs(variant, largest), ...left() });
    // Those that do not share out evenly: at its end, with no other photo behind it, they would leave cores idle. Of many tiles
    // that is little, and a session that has all cores would get memory for a whole tile too.
    const alone = network.isIdle && tiles.length < MANY_TILES * lines ? tiles.length % lines : 0;
    const finished: TileRun['finished'] = async (index, window, columns, rows, ms) => {
      await shelf.put(index, window, columns, rows);
      composer.tileFinished(index);
      tilesDone += 1;
      networkMs += ms;
      report({ ...progress, tilesDone, expectedMs: lines * network.expectMs(variant, largest), ...left() });
    };
    await runTiles({ network, variant, source, grid, tiles, alone, lines, spare, signal, allHandedIn, finished });
  } finally {
    allHandedIn();
  }
  return networkMs;
}
