// Property: whatever is killed, paused, full, spoilt, cancelled or deployed, at whatever moment, a batch ends with the results of
// an undisturbed run: the same set, the same bytes, each photo published once, the counts right, nothing half-written left
// behind; and a rollback that is killed half-way leaves a folder as it was, byte for byte, with mode and time.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { type House, possible } from '../e2e/house.ts';
import { crops, type Photo } from '../e2e/photos.ts';
import { outcomesOf } from '../e2e/store-facts.ts';
import { Visitor } from '../e2e/visitor.ts';
import type { Fault } from './fault.ts';
import { allFaults } from './faults.ts';
import { examine, unharmed } from './findings.ts';
import { OwnModels } from './own-models.ts';
import { planRounds, type Round } from './plan.ts';
import { proveRollback } from './rollback-proof.ts';
import { Stages } from './stages.ts';
import { drawTable, writeReport, type Proof, type Row } from './table.ts';
import { TileWatch } from './tile-watch.ts';

const PHOTOS = 6;
/** Two tiles each. */
const SIZE = [440, 150] as const;
const QUERY = 'quality_level=fast&tile_size=256';

const models = possible ? await OwnModels.make() : undefined;
const { seed, rounds } = planRounds(models ? allFaults(models) : [], process.env);
console.log(`CHAOS_SEED=${seed} CHAOS_ROUNDS=${rounds.length}`);

describe.skipIf(!models)(`chaos with seed ${seed}`, () => {
  let stages: Stages;
  let folder: string;
  let photos: Photo[];
  let undisturbed: Map<number, string>;
  let undisturbedMs: number;
  const rows: Row[] = [];
  const proofs: Proof[] = [];

  beforeAll(async () => {
    if (!models) throw new Error('Expected models');
    folder = await mkdtemp(join(tmpdir(), 'darkroom-photos-'));
    stages = await Stages.open(models, folder);
    photos = await crops(PHOTOS, ...SIZE);
    const from = performance.now();
    const batchId = await send(stages.main);
    await new Visitor(stages.main.url).ended(batchId);
    undisturbedMs = performance.now() - from;
    undisturbed = await sumsOf(stages.main, batchId);
    expect(undisturbed.size).toBe(PHOTOS);
  });
  afterAll(async () => {
    await stages?.close();
    await rm(folder, { recursive: true, force: true });
    console.log(`CHAOS_SEED=${seed}\n${drawTable(rows, proofs)}`);
    await writeReport({ seed, rows, proofs }, process.env);
  });

  const send = (where: House): Promise<string> => new Visitor(where.url).enhanceBatch(photos, QUERY);

  it.for(rounds)('round $number: [$fault.number] $fault.name', async (round) => {
    const { house, leave } = await stages.set(round);
    onTestFailed(() => console.log(`CHAOS_SEED=${seed}, round ${round.number}`));
    try {
      rows.push(await play(house, round));
    } catch (error) {
      console.log(await house.story());
      throw error;
    } finally {
      await leave();
    }
    expect(rows.at(-1)?.findings).toMatchObject(unharmed(PHOTOS));
  });

  it('a rollback killed half-way puts a whole folder back', async () => {
    const proof = await proveRollback(stages.main, folder, photos);
    proofs.push(proof);
    expect(proof.enhanced).not.toBe(proof.before);
    expect(proof.after).toBe(proof.before);
  });

  async function play(house: House, { fault, moment, roll }: Round<Fault>): Promise<Row> {
    const tidyUp = await fault.prepare?.(house);
    try {
      const from = performance.now();
      const batchId = await send(house);
      const tiles = new TileWatch(house.dataDir, batchId);
      if (!fault.atOnce) await sleep(moment * undisturbedMs);
      const finishedBefore = fault.atOnce ? [] : await outcomesOf(house.dataDir, batchId);
      const remark = await fault.strike({ house, batchId, photos, roll, send: () => send(house) });
      const final = await new Visitor(house.url).ended(batchId);
      const seconds = (performance.now() - from) / 1000;
      const evidence = { dataDir: house.dataDir, batchId, undisturbed, finishedBefore, final, tiles };
      return { fault, findings: await examine(evidence), seconds, remark: remark ?? '' };
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
