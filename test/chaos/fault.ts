import type { House } from '../e2e/house.ts';
import type { Photo } from '../e2e/photos.ts';

/** A house with a batch under way in it. */
export interface Scene {
  readonly house: House;
  readonly batchId: string;
  readonly photos: readonly Photo[];
  readonly roll: () => number;
  /** Sends the same photos as another batch. @returns its ID. */
  readonly send: () => Promise<string>;
}

/** Where a fault is played. `main`: the house that stays for all rounds. */
export type Stage = 'main' | 'small disk' | 'own models';

export interface Fault {
  /** In the list of faults that the table names. */
  readonly number: number;
  readonly name: string;
  readonly stage?: Stage;
  /** Set when the fault picks its moment itself; else it strikes at any moment of the batch. */
  readonly atOnce?: true;
  /** Makes the scene ready before the batch is sent; what it answers tidies up after the round. */
  readonly prepare?: (house: House) => Promise<() => Promise<void>>;
  /** May answer a remark for the table. Throws when something was seen that must not be. */
  readonly strike: (scene: Scene) => Promise<string | void>;
}

export const HEARTBEAT_TIMEOUT_MS = 2000;

/** One of several, by chance. */
export function pick<T>(from: readonly [T, ...T[]], roll: () => number): T {
  return from[Math.floor(roll() * from.length)] ?? from[0];
}
