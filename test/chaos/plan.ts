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
 * CHAOS_SEED repeats an earlier run. Without CHAOS_ROUNDS every fault strikes once, in the order given; with it, so many times
 * one of them by chance.
 */
export function planRounds<Fault>(faults: readonly Fault[], environment: NodeJS.ProcessEnv): Plan<Fault> {
  const seed = environment['CHAOS_SEED'] ? Number(environment['CHAOS_SEED']) : randomInt(2 ** 31);
  if (!Number.isInteger(seed)) throw new Error('Expected a whole number for CHAOS_SEED');
  const roll = dice(seed);
  const count = Number(environment['CHAOS_ROUNDS'] ?? '') || faults.length;
  const byChance = count !== faults.length;
  const rounds = Array.from({ length: count }, (_, index): Round<Fault> => {
    const chosen = faults[byChance ? Math.floor(roll() * faults.length) : index];
    if (chosen === undefined) throw new Error('Expected at least one fault');
    return { number: index + 1, fault: chosen, moment: roll() * 0.8, roll: dice(Math.floor(roll() * 2 ** 31)) };
  });
  return { seed, rounds };
}
