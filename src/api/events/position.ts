import { EVENT_ID_LENGTH } from '../../contracts/http-events.ts';

/**
 * The ID of an event says what its reader has been told, so that any server can find what is missing from the journal alone:
 *
 *     at.processing.1-a4_0-2_1-1_      (or `end.…` once the stream has ended)
 *
 * is the state of the batch, then how far each photo has settled ({@link settledRanks}) as runs in base 36: rank, number of
 * photos. Photos after the last run had not settled. Where that would be too long, the lowest rank of a stretch stands for
 * all of it: an ID never says more than its reader knows, so what follows may repeat photos but never leaves one out.
 */
export interface Position {
  /** Whether the stream had ended. */
  readonly ended: boolean;
  /** State of the batch. */
  readonly state: string;
  /** What {@link knownRanks} reads. */
  readonly runs: string;
}

/** Leaves room for the state and for whoever puts the ID into an address. */
const RUNS_LENGTH = EVENT_ID_LENGTH - 500;
/** Photos that one rank stands for; the last makes any batch fit. */
const STRETCHES = [1, 10, 100, 500, 1_000_000];

const POSITION = /^(at|end)\.([a-z_]{1,40})\.((?:[0-9a-z]{1,2}-[0-9a-z]{1,5}_)*)$/;

export function writePosition(place: { ended: boolean; state: string; ranks: Uint8Array }): string {
  let runs: string | undefined;
  for (const stretch of STRETCHES) if ((runs = runsOf(place.ranks, stretch)) !== undefined) break;
  return `${place.ended ? 'end' : 'at'}.${place.state}.${runs ?? ''}`;
}

/** `undefined` for anything that {@link writePosition} cannot have made. */
export function readPosition(text: string): Position | undefined {
  const match = text.length <= EVENT_ID_LENGTH ? POSITION.exec(text) : null;
  if (!match?.[1] || !match[2] || match[3] === undefined) return undefined;
  return { ended: match[1] === 'end', state: match[2], runs: match[3] };
}

/** Ranks of photos `from`..`to - 1` that a position says its reader knows. */
export function knownRanks({ runs }: Position, from: number, to: number): Uint8Array {
  const ranks = new Uint8Array(to - from);
  let at = 0;
  for (const run of runs.split('_')) {
    const [rank = '', length = ''] = run.split('-');
    if (length === '' || at >= to) break;
    const end = at + Number.parseInt(length, 36);
    if (end > from) {
      ranks.fill(Math.min(255, Number.parseInt(rank, 36)), Math.max(0, at - from), Math.min(end, to) - from);
    }
    at = end;
  }
  return ranks;
}

function runsOf(ranks: Uint8Array, stretch: number): string | undefined {
  let text = '';
  let rank = 0;
  let length = 0;
  for (let at = 0; at < ranks.length; at += stretch) {
    const end = Math.min(at + stretch, ranks.length);
    const here = lowest(ranks, at, end);
    if (here !== rank && length > 0) {
      text += writeRun(rank, length);
      if (text.length > RUNS_LENGTH) return undefined;
      length = 0;
    }
    rank = here;
    length += end - at;
  }
  return rank > 0 && length > 0 ? text + writeRun(rank, length) : text;
}

const writeRun = (rank: number, length: number): string => `${rank.toString(36)}-${length.toString(36)}_`;

function lowest(ranks: Uint8Array, from: number, to: number): number {
  let found = 255;
  for (let at = from; at < to && found > 0; at++) found = Math.min(found, ranks[at] ?? 0);
  return found;
}
