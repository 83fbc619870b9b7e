import { randomInt } from 'node:crypto';

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Round<Fault> {
  readonly number: number;
  readonly fault: Fault;
  /** When it strikes: share of the time that the undisturbed batch took. */
  readonly moment: number;
  /** Whatever else the fault leaves to chance. */
  readonly roll: () => number;
}

export interface Plan<Fault> {
  readonly seed: number;
  readonly rounds: readonly Round<Fault>[];
}

/**
 * CHAOS_SEED repeats an earlier run. Without CHAOS_ROUNDS one fault of each number strikes, in the order given; with `all` every
 * fault does, once; with a number so many of them by chance.
 */
export function planRounds<Fault extends { readonly number: number }>(
  faults: readonly Fault[],
  environment: NodeJS.ProcessEnv,
): Plan<Fault> {
  const seed = environment['CHAOS_SEED'] ? Number(environment['CHAOS_SEED']) : randomInt(2 ** 31);
  if (!Number.isInteger(seed)) throw new Error('Expected a whole number for CHAOS_SEED');
  const roll = dice(seed);
  const rounds = choose(faults, environment['CHAOS_ROUNDS'] ?? '', roll).map((fault, index): Round<Fault> => ({
    number: index + 1,
    fault,
    moment: roll() * 0.8,
    roll: dice(Math.floor(roll() * 2 ** 31)),
  }));
  return { seed, rounds };
}

function choose<Fault extends { readonly number: number }>(
  faults: readonly Fault[],
  wanted: string,
  roll: () => number,
): Fault[] {
  const oneOf = (some: readonly Fault[]): Fault[] => some.slice(Math.floor(roll() * some.length)).slice(0, 1);
  if (wanted === 'all') return [...faults];
  if (wanted !== '') return Array.from({ length: Number(wanted) }, () => oneOf(faults)).flat();
  const numbers = [...new Set(faults.map(({ number }) => number))];
  return numbers.flatMap((number) => oneOf(faults.filter((fault) => fault.number === number)));
}
