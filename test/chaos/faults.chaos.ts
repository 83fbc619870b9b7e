// Property: whatever is killed, paused or full, at whatever moment, a batch ends with the results of an undisturbed run: the same
// set, the same bytes, each photo published once, the counts right, nothing half-written left behind.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { House, possible } from '../e2e/house.ts';
import { crops, type Photo } from '../e2e/photos.ts';
import { waitFor } from '../e2e/processes.ts';
import { outcomesOf } from '../e2e/store-facts.ts';
import { Visitor } from '../e2e/visitor.ts';
import { FAULTS, HEARTBEAT_TIMEOUT_MS, type Fault } from './faults.ts';
import { examine, unharmed } from './findings.ts';
import { planRounds, type Round } from './plan.ts';
import { SmallDisk } from './small-disk.ts';
import { drawTable, type Row } from './table.ts';

const PHOTOS = 8;
const SETTINGS = { HEARTBEAT_TIMEOUT_MS: String(HEARTBEAT_TIMEOUT_MS), DISK_RESERVE_BYTES: '0' };
/** A supervisor waits longer and longer before it starts again what ends again and again: a new one has no such memory. */
const ROUNDS_A_SUPERVISOR = 8;

const { seed, rounds } = planRounds(FAULTS, process.env);
console.log(`CHAOS_SEED=${seed} CHAOS_ROUNDS=${rounds.length}`);

describe.skipIf(!possible)(`chaos with seed ${seed}`, () => {
  let house: House;
  let photos: Photo[];
  let undisturbed: Map<number, string>;
  let undisturbedMs: number;
  const rows: Row[] = [];

  beforeAll(async () => {
    house = await House.start(SETTINGS);
    photos = await crops(PHOTOS);
    const from = performance.now();
    const batchId = await send(house);
    await new Visitor(house.url).ended(batchId);
    undisturbedMs = performance.now() - from;
    undisturbed = await sumsOf(house, batchId);
    expect(undisturbed.size).toBe(PHOTOS);
  });
  afterAll(async () => {
    await house?.close();
    console.log(`CHAOS_SEED=${seed}\n${drawTable(rows)}`);
  });

  const send = (where: House): Promise<string> => new Visitor(where.url).enhanceBatch(photos, 'quality_level=fast');

  it.for(rounds)('round $number: $fault.name', async (round) => {
    const { house: stage, leave } = await setStage(round);
    onTestFailed(() => console.log(`CHAOS_SEED=${seed}, round ${round.number}`));
    try {
      rows.push(await play(stage, round));
    } catch (error) {
      console.log(await stage.story());
      throw error;
    } finally {
      await leave();
    }
    expect(rows.at(-1)?.findings).toMatchObject(unharmed(PHOTOS));
  });

  /** The house that stays for all rounds, or one on a disk of its own. */
  async function setStage({ fault, number }: Round<Fault>): Promise<{ house: House; leave: () => Promise<void> }> {
    if (fault.onSmallDisk) {
      const disk = SmallDisk.mount();
      const other = await House.start(SETTINGS, disk.path).catch(async (error: unknown) => {
        await disk.unmount();
        throw error;
      });
      const leave = async (): Promise<void> => {
        await other.close();
        await disk.unmount();
      };
      return { house: other, leave };
    }
    if (number % ROUNDS_A_SUPERVISOR === 0) await house.end('SIGTERM');
    if (!house.isRunning) await house.begin();
    return { house, leave: async () => await healthy(house) };
  }

  async function play(stage: House, { fault, moment, roll }: Round<Fault>): Promise<Row> {
    const tidyUp = await fault.prepare?.(stage);
    try {
      const from = performance.now();
      const batchId = await send(stage);
      await sleep(moment * undisturbedMs);
      const finishedBefore = await outcomesOf(stage.dataDir, batchId);
      await fault.strike({ house: stage, photos, roll });
      const final = await new Visitor(stage.url).ended(batchId);
      const seconds = (performance.now() - from) / 1000;
      await tidyUp?.();
      const findings = await examine({ dataDir: stage.dataDir, batchId, undisturbed, finishedBefore, final });
      return { fault: fault.name, findings, seconds };
    } finally {
      await tidyUp?.();
    }
  }
});

/** SHA-256 of every result by the photo's index, as a client downloads it. */
async function sumsOf(house: House, batchId: string): Promise<Map<number, string>> {
  const sums = [...(await new Visitor(house.url).results(batchId))].toSorted(([a], [b]) => a.localeCompare(b));
  return new Map(sums.map(([, sum], index) => [index, sum]));
}

async function healthy(house: House): Promise<void> {
  await waitFor('health after the round', 60_000, async () => {
    if (!house.isRunning) throw new Error('the house was stopped by somebody else than this test');
    return (await house.health()) === 'healthy' ? true : undefined;
  });
}
