import { DarkroomError } from '../contracts/errors.ts';
import type { Network, TileRequest } from './network.ts';
import { looksBroken } from './output-guard.ts';
import type { PixelSource } from './pixel-source.ts';
import type { SpareSamples } from './spare-samples.ts';
import { mirrorOut, spanLength, within, type Pixels, type Slice, type Span, type TileGrid } from './tiles.ts';
import type { Variant } from './variant.ts';

/** Tiles of one photo that are under way beside those that run: one waits, one is being put away. */
const TILES_BESIDE = 2;

export interface TileRun {
  readonly network: Network;
  readonly variant: Variant;
  readonly source: PixelSource;
  readonly grid: TileGrid;
  /** Indices, row by row. */
  readonly tiles: readonly number[];
  /** How many of the first run one after the other, on all cores. */
  readonly alone: number;
  /** How many of the others run side by side. */
  readonly lines: number;
  readonly spare: SpareSamples;
  readonly signal: AbortSignal;
  /** Called when the last tile was handed in. */
  readonly allHandedIn: () => void;
  /** Takes a finished window, of which `columns` and `rows` are to be kept. */
  readonly finished: (index: number, window: Pixels, columns: Span, rows: Span, ms: number) => Promise<void>;
}

/** Runs tiles so that the network always has one waiting. Settles only when none is under way any more. */
export async function runTiles(run: TileRun): Promise<void> {
  const [alone, others] = [run.tiles.slice(0, run.alone), run.tiles.slice(run.alone)];
  await runSome(run, alone, 1);
  await runSome(run, others, run.lines);
  run.signal.throwIfAborted();
}

async function runSome(run: TileRun, tiles: readonly number[], lines: number): Promise<void> {
  const waiting = [...tiles];
  const oneByOne = async (): Promise<void> => {
    for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
      const handedIn = index === run.tiles.at(-1) ? run.allHandedIn : () => undefined;
      try {
        run.signal.throwIfAborted();
        await runTile(run, index, lines > 1, handedIn);
      } catch (error) {
        waiting.length = 0; // the other lanes take no more
        throw error;
      }
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: lines + TILES_BESIDE }, oneByOne));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

async function runTile(run: TileRun, index: number, beside: boolean, handedIn: () => void): Promise<void> {
  const { grid, variant, network, spare } = run;
  const column = grid.columns[index % grid.columns.length];
  const row = grid.rows[Math.floor(index / grid.columns.length)];
  if (column === undefined || row === undefined)
    throw new RangeError(`Expected a tile of the grid but received ${index}`);
  const [wide, tall] = [within(column.window, grid.width), within(row.window, grid.height)];
  const inside = { width: spanLength(wide), height: spanLength(tall), channels: 3 };
  const [width, height] = [spanLength(column.window), spanLength(row.window)];
  const pixels = mirrorOut({ ...inside, data: await run.source.cut(wide, tall) }, width, height);
  const tile = { pixels, width, height };
  const { scale } = variant.model;
  const room = spare.share(variant.depth, width * height * scale ** 2 * inside.channels);
  try {
    const answer = network.run(variant, tile, { room, beside });
    handedIn();
    const first = await answer;
    const sound = looksBroken(tile, first.pixels, scale) ? await secondOpinion(run, tile) : first;
    if (run.signal.aborted) return;
    const output = { width: tile.width * scale, height: tile.height * scale, channels: 3, data: sound.pixels };
    await run.finished(index, output, keptIn(column, scale), keptIn(row, scale), sound.ms);
  } finally {
    // The thread has answered, if only that it failed: it has done with it.
    spare.giveBack(room);
  }
}

async function secondOpinion({ network, variant }: TileRun, tile: TileRequest) {
  const again = await network.runCautiously(variant, tile);
  if (looksBroken(tile, again.pixels, variant.model.scale)) throw new DarkroomError('bad_output');
  return again;
}

/** The kept area inside the window, in pixels of the network's answer. */
const keptIn = ({ kept, window }: Slice, scale: number): Span => ({
  start: (kept.start - window.start) * scale,
  end: (kept.end - window.start) * scale,
});
