import { House } from '../e2e/house.ts';
import { HEARTBEAT_TIMEOUT_MS, type Fault } from './fault.ts';
import type { OwnModels } from './own-models.ts';
import type { Round } from './plan.ts';
import { SmallDisk } from './small-disk.ts';

const SETTINGS = { HEARTBEAT_TIMEOUT_MS: String(HEARTBEAT_TIMEOUT_MS), DISK_RESERVE_BYTES: '0' };
/** A supervisor waits longer and longer before it starts again what ends again and again: a new one has no such memory. */
const ROUNDS_A_SUPERVISOR = 8;

/** The houses that faults are played in: one that stays, one with spoilt networks that stays, a new one for each full disk. */
export class Stages {
  readonly main: House;
  readonly #models: OwnModels;
  #withOwnModels: House | undefined;
  #rounds = 0;

  private constructor(main: House, models: OwnModels) {
    this.main = main;
    this.#models = models;
  }

  /** @param sourceRoot - folder that batches may read and write. */
  static async open(models: OwnModels, sourceRoot: string): Promise<Stages> {
    return new Stages(await House.start({ ...SETTINGS, SOURCE_ROOTS: sourceRoot }), models);
  }

  async set({ fault: { stage = 'main' } }: Round<Fault>): Promise<{ house: House; leave: () => Promise<void> }> {
    if (stage === 'small disk') return await onSmallDisk();
    const house = stage === 'main' ? this.main : await this.#ownModels();
    this.#rounds += 1;
    if (stage === 'main' && this.#rounds % ROUNDS_A_SUPERVISOR === 0) await house.end('SIGTERM');
    if (!house.isRunning) await house.begin();
    return { house, leave: () => house.becomesHealthy() };
  }

  async #ownModels(): Promise<House> {
    this.#withOwnModels ??= await House.start({ ...SETTINGS, CACHE_DIR: this.#models.cacheDir });
    return this.#withOwnModels;
  }

  async close(): Promise<void> {
    await Promise.all([this.main.close(), this.#withOwnModels?.close()]);
    await this.#models.remove();
  }
}

async function onSmallDisk(): Promise<{ house: House; leave: () => Promise<void> }> {
  const disk = SmallDisk.mount();
  const house = await House.start(SETTINGS, disk.path).catch(async (error: unknown) => {
    await disk.unmount();
    throw error;
  });
  const leave = async (): Promise<void> => {
    await house.close();
    await disk.unmount();
  };
  return { house, leave };
}
