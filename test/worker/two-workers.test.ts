/** Property: of two workers that have nothing to do, each takes one of two photos, over a real Temporal server. */
import { randomUUID } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEnhanceActivities } from '../../src/activities/enhance-photo.ts';
import { ScratchShelf } from '../../src/activities/scratch-shelf.ts';
import { createBatchService } from '../../src/batches/create-batch-service.ts';
import { parseConfig } from '../../src/contracts/config.ts';
import { openBuckets } from '../../src/storage/buckets.ts';
import { PhotoSlots } from '../../src/worker/photo-slots.ts';
import { finishPhoto, standInEngines } from '../support/engines.ts';
import { makeOrder, makeRecord, openHouse } from '../support/journal-fixtures.ts';
import { photoModel } from '../support/models.ts';
import { startTemporal } from '../support/temporal.ts';
import { type RunningWorkers, startWorkers } from '../support/workers.ts';

const ROUNDS = 5;
const PHOTO_MS = 700;

let env: TestWorkflowEnvironment;
let house: Awaited<ReturnType<typeof openHouse>>;
let workers: RunningWorkers[];
const connections: NativeConnection[] = [];
/** Photos that each worker has enhanced. */
const done = [0, 0];

/** A worker with one engine, which says with its first photo that it wants no other. */
async function startWorker(which: 0 | 1): Promise<RunningWorkers> {
  let here = 0;
  let changed = (): void => undefined;
  const photoSlots = new PhotoSlots({
    places: 2,
    wanted: () => (here === 0 ? 1 : 0),
    onChange: (listener) => (changed = listener),
  });
  const engines = standInEngines(async (job, signal) => {
    here += 1;
    await sleep(PHOTO_MS, undefined, { signal });
    done[which] = (done[which] ?? 0) + 1;
    here -= 1;
    changed();
    return finishPhoto(job);
  });
  const model = photoModel();
  const enhance = createEnhanceActivities({
    ...house,
    engines,
    openStay: () => photoSlots.openStay(),
    buckets: openBuckets(parseConfig({})),
    models: new Map([[model.entry.name, model]]),
    scratch: new ScratchShelf(join(house.root, `scratch-${which}`), randomUUID, Date.now),
    now: Date.now,
    makeNonce: randomUUID,
  });
  // The SDK wants one connection for each worker of a queue.
  const own = await NativeConnection.connect({ address: env.address });
  connections.push(own);
  const ofWorker = Object.create(env, { nativeConnection: { value: own } }) as TestWorkflowEnvironment;
  return startWorkers(ofWorker, house, enhance, { photoSlots });
}

beforeAll(async () => {
  [env, house] = await Promise.all([startTemporal(), openHouse()]);
  workers = await Promise.all([startWorker(0), startWorker(1)]);
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await Promise.all(connections.map((connection) => connection.close()));
  await env.teardown();
  await house.close();
});

it('are shared out, again and again', async () => {
  const service = createBatchService({ client: env.client, ...house, heartbeatTimeoutMs: 3000, now: Date.now });
  const path = join(house.root, 'photo.jpg');
  await writeFile(path, 'original');
  const { mtimeMs: modifiedMs } = await stat(path);
  const photos = [0, 1].map((index) => makeRecord(index, { original: { kind: 'path', path, bytes: 8, modifiedMs } }));
  for (let round = 1; round <= ROUNDS; round += 1) {
    const order = makeOrder(photos);
    await service.submit(order);
    expect(await env.client.workflow.getHandle(order.batchId).result()).toMatchObject({ completed: 2 });
    expect(done).toEqual([round, round]);
  }
});
