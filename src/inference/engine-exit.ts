import type { ErrorCode } from '../contracts/errors.ts';

/** Why an engine process is gone, and what that means for each photo it was working on. Decides only. */

export type EngineEnd =
  /** It ended by itself: a fault in native code, as a rule. */
  | 'crashed'
  /** Somebody else killed it, and nothing says that memory was the reason. */
  | 'killed'
  | 'out-of-memory'
  | 'hung'
  /** We ended it to stop a cancelled photo. */
  | 'cancelled'
  /** We ended it between photos, to begin afresh. */
  | 'retired'
  | 'closed';

/** A photo as far as blame is concerned. */
export interface Suspect {
  readonly inNetwork: boolean;
  /** Its step took longer than is believable. */
  readonly overdue: boolean;
  /** How often an engine was killed under it before. */
  readonly timesKilled: number;
  readonly halvings: number;
  readonly tileSize: number;
}

export type Verdict =
  | { readonly action: 'again' }
  /** Nothing else may run beside it: if the engine ends once more, it is this photo's doing. */
  | { readonly action: 'again-alone' }
  | { readonly action: 'smaller-tiles'; readonly tileSize: number }
  | { readonly action: 'fail'; readonly code: ErrorCode };

const MOST_HALVINGS = 2;
const SMALLEST_TILE = 64;

export function withSmallerTiles({ halvings, tileSize }: Pick<Suspect, 'halvings' | 'tileSize'>): Verdict {
  const half = Math.floor(tileSize / 2);
  if (halvings >= MOST_HALVINGS || half < SMALLEST_TILE) return { action: 'fail', code: 'out_of_memory' };
  return { action: 'smaller-tiles', tileSize: half };
}

/**
 * An innocent photo is never failed for its neighbour: of two photos in a crashed engine each runs again on its own.
 * A first kill from outside changes no option, so that the result stays the same to the byte; the second is taken for
 * the kernel's, which gives no reason.
 * @param others - the photos that were in the engine too.
 */
export function judge(end: EngineEnd, photo: Suspect, others: readonly Suspect[]): Verdict {
  const blamed = photo.inNetwork || !others.some((other) => other.inNetwork);
  switch (end) {
    case 'cancelled':
    case 'retired':
      return { action: 'again' };
    case 'closed':
      return { action: 'fail', code: 'shutting_down' };
    case 'hung':
      return photo.overdue ? { action: 'fail', code: 'engine_hung' } : { action: 'again' };
    case 'crashed':
      return others.length === 0 ? { action: 'fail', code: 'engine_crashed' } : { action: 'again-alone' };
    case 'killed':
      return blamed && photo.timesKilled > 0 ? withSmallerTiles(photo) : { action: 'again' };
    case 'out-of-memory':
      return blamed ? withSmallerTiles(photo) : { action: 'again' };
  }
}
