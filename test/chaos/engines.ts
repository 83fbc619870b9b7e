import { statSync } from 'node:fs';
import { join } from 'node:path';
import { CANVAS_NAME } from '../../src/inference/drafts.ts';
import type { House } from '../e2e/house.ts';
import { waitFor } from '../e2e/processes.ts';
import { Visitor } from '../e2e/visitor.ts';
import { pick, type Fault } from './fault.ts';
import { momentOf, namesIn } from './moments.ts';
import type { OwnModels } from './own-models.ts';

/** Networks that are not what they should be, and engines that get no memory. */

const SPOILT = ['missing', 'truncated', 'altered'] as const;

/** The worker is killed and finds its network spoilt: it must say so and not work, while the API goes on. */
const modelSpoilt = (models: OwnModels): Fault => ({
  number: 60,
  name: 'network missing, cut off or altered',
  stage: 'own models',
  atOnce: true,
  async strike({ house, batchId, roll }) {
    const how = pick(SPOILT, roll);
    await momentOf(house, batchId, 'in the network');
    const before = house.said.length;
    await models.spoil(how);
    await house.signal('worker', 'SIGKILL');
    await waitFor('the sentence about the network', 60_000, async () =>
      house.said.slice(before).includes('is damaged') ? true : await Promise.resolve(undefined),
    );
    const { status } = await new Visitor(house.url).batch(batchId);
    if (status !== 'processing' && status !== 'queued') throw new Error(`the batch is ${status} without a worker`);
    await models.mend();
    return how;
  },
});

/** No black picture is ever a result; with the network mended, a resume does them all. */
const blackOutput = (models: OwnModels): Fault => ({
  number: 62,
  name: 'network answers black, then is mended',
  stage: 'own models',
  atOnce: true,
  async prepare(house) {
    await models.blacken();
    await restartWorker(house);
    return async () => await models.mend();
  },
  async strike({ house, batchId, photos }) {
    const visitor = new Visitor(house.url);
    const failed = await visitor.ended(batchId);
    const codes = new Set(failed.sub_tasks.map(({ error_code }) => error_code));
    if (failed.failed_files !== photos.length || [...codes].join() !== 'bad_output') {
      throw new Error(`expected bad_output for every photo but found ${JSON.stringify(failed)}`);
    }
    await models.mend();
    await restartWorker(house);
    await visitor.resumed(batchId, { kept: 0, remaining: photos.length });
    return 'all failed with bad_output, then resumed';
  },
});

async function restartWorker(house: House): Promise<void> {
  const before = await house.signal('worker', 'SIGTERM');
  await waitFor('another worker', 60_000, async () => {
    const pid = await house.pid('worker');
    return pid !== undefined && pid !== before && (await house.health()) === 'healthy' ? true : undefined;
  });
}

const GIVEN_UP_WITHIN_MS = 120_000;

/**
 * Killed whenever a photo is in the network, as the kernel does when memory is short: the tiles are halved, twice, then that
 * photo fails with a clear code and the others are done. With memory enough again, a resume does it too.
 */
const noMemory: Fault = {
  number: 61,
  name: 'engine killed for memory until a photo is given up',
  atOnce: true,
  async strike({ house, batchId, photos }) {
    const visitor = new Visitor(house.url);
    let [kills, lastKill] = [0, 0];
    const until = performance.now() + GIVEN_UP_WITHIN_MS;
    for (;;) {
      const { sub_tasks: tasks } = await visitor.batch(batchId);
      if (tasks.some(({ status }) => status === 'failed')) break;
      if (performance.now() > until) throw new Error(`no photo was given up after ${kills} kills`);
      if (!isCanvasNewerThan(house, batchId, lastKill)) continue;
      const engine = await house.signal('engine', 'SIGKILL');
      kills += 1;
      await waitFor('the end of the engine', 10_000, async () =>
        (await house.engines()).includes(engine) ? undefined : true,
      );
      lastKill = Date.now(); // nothing that the dead one wrote is newer
    }
    const final = await visitor.ended(batchId);
    const codes = final.sub_tasks.flatMap(({ error_code }) => error_code ?? []);
    if (codes.some((code) => code !== 'out_of_memory'))
      throw new Error(`expected out_of_memory but found ${codes.join()}`);
    await visitor.resumed(batchId, { kept: photos.length - codes.length, remaining: codes.length });
    return `${codes.length} failed with out_of_memory after ${kills} kills, then resumed`;
  },
};

/** The canvas of a photo is opened anew by each attempt, just before its tiles go to the network. */
function isCanvasNewerThan({ dataDir }: House, batchId: string, moment: number): boolean {
  const scratch = join(dataDir, 'scratch');
  const desks = namesIn(scratch).filter((name) => name.startsWith(`${batchId}.`));
  const canvases = desks.flatMap((desk) =>
    namesIn(join(scratch, desk))
      .filter((name) => name.startsWith(CANVAS_NAME))
      .map((name) => join(scratch, desk, name)),
  );
  return canvases.some((path) => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > moment);
}

export const enginesOf = (models: OwnModels): readonly Fault[] => [modelSpoilt(models), noMemory, blackOutput(models)];
