import { waitFor } from '../e2e/processes.ts';
import { resultFilesOf } from '../e2e/store-facts.ts';
import { Visitor } from '../e2e/visitor.ts';
import { pick, type Fault, type Scene } from './fault.ts';
import { MOMENTS, momentOf, type Moment } from './moments.ts';

/** The promise is two seconds; machines of continuous integration are shared with others. */
const STOPPED_WITHIN_MS = 6000;

/**
 * Cancelled at every step of a photo, a batch for each. The work stops soon, what was done is kept, cancelling again changes
 * nothing. One batch is resumed and ends as if nobody had disturbed it; the others are rolled back and leave nothing.
 */
const cancelled: Fault = {
  number: 63,
  name: 'cancelled at every step, resumed or rolled back',
  atOnce: true,
  async strike(scene) {
    const { house, batchId, photos, send, roll } = scene;
    const visitor = new Visitor(house.url);
    const resumedAt = pick(MOMENTS, roll);
    const first = await cancelAt(scene, batchId, resumedAt);
    await visitor.resumed(batchId, { kept: first.kept, remaining: photos.length - first.kept });
    await visitor.ended(batchId);
    const took = [first.took];
    for (const moment of MOMENTS.filter((other) => other !== resumedAt)) {
      const other = await send();
      took.push((await cancelAt(scene, other, moment)).took);
      await rollBack(scene, other);
    }
    return `stopped within ${(Math.max(...took) / 1000).toFixed(1)} s; resumed after "${resumedAt}"`;
  },
};

/** @returns how long it took until nothing was under way, in milliseconds, and how many photos were done by then. */
async function cancelAt({ house }: Scene, batchId: string, moment: Moment): Promise<{ took: number; kept: number }> {
  const visitor = new Visitor(house.url);
  await momentOf(house, batchId, moment);
  const from = performance.now();
  await visitor.control(batchId, 'cancel');
  const stopped = await visitor.ended(batchId);
  const took = performance.now() - from;
  if (stopped.status !== 'cancelled') throw new Error(`cancelled ${moment}, the batch is ${stopped.status}`);
  if (took > STOPPED_WITHIN_MS) throw new Error(`cancelled ${moment}, it took ${Math.round(took)} ms to stop`);
  if ((await visitor.control(batchId, 'cancel')).changed) throw new Error(`cancelled twice ${moment}, it changed`);
  return { took, kept: stopped.completed_files };
}

async function rollBack({ house }: Scene, batchId: string): Promise<void> {
  const visitor = new Visitor(house.url);
  const { operation_id: rollbackId } = await visitor.rollBack(batchId);
  await waitFor('the end of the rollback', 60_000, async () =>
    (await visitor.operation(rollbackId)).state === 'completed' ? true : undefined,
  );
  const left = await resultFilesOf(house.dataDir, batchId);
  if (left.size > 0) throw new Error(`${left.size} results are left after the rollback`);
}

export const CANCELS: readonly Fault[] = [cancelled];
