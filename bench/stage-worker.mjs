/**
 * A worker whose engine returns at once: everything around the network is real (store, journal, Temporal). Started by
 * stage.mjs with the store's directory and Temporal's address.
 */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { pino } from 'pino';
import { createAnnounceActivities } from '../dist/activities/announce-photos.js';
import { createAnnouncer } from '../dist/activities/announcer.js';
import { createEnhanceActivities } from '../dist/activities/enhance-photo.js';
import { createJournalActivities } from '../dist/activities/journal-activities.js';
import { createRetentionActivities } from '../dist/activities/retention-activities.js';
import { createRollbackActivities } from '../dist/activities/rollback-activities.js';
import { ScratchShelf } from '../dist/activities/scratch-shelf.js';
import { createWebhookActivities } from '../dist/activities/webhook-activities.js';
import { startDelivery, watchPhotos } from '../dist/batches/deliver-webhook.js';
import { isOpen, stopWork } from '../dist/batches/stop-work.js';
import { parseConfig } from '../dist/contracts/config.js';
import { readCatalogue } from '../dist/models/catalogue.js';
import { openGuard } from '../dist/outgoing/guard.js';
import { FileStore } from '../dist/storage/file-store.js';
import { Journal } from '../dist/storage/journal.js';
import { RollbackJournal } from '../dist/storage/rollback-journal.js';
import { WebhookLog } from '../dist/storage/webhook-log.js';
import { createWorkers } from '../dist/worker/create-workers.js';
import { installTemporalRuntime } from '../dist/worker/temporal-log.js';

const [directory, address, lanes, serviceMs, photoBytes, oneAtATime] = process.argv.slice(2);
const store = await FileStore.open(join(directory, 'store'), randomUUID);
const journal = new Journal(store);
const connection = await Connection.connect({ address });
const client = new Client({ connection });
const catalogue = await readCatalogue();
const models = new Map(
  catalogue.map((entry) => [entry.name, { entry, graphPath: '', weights: entry.files.bin.sha256 }]),
);
const deps = { store, journal, rollbacks: new RollbackJournal(store), now: Date.now, makeNonce: randomUUID };

const MAKING = {
  steps: [{ kind: 'network', from: { width: 10, height: 10 }, to: { width: 40, height: 40 }, tiles: 1 }],
  summary: 'One pass of the network.',
  depth: 8,
  denoise: null,
  measures: { seam: null },
};

const result = Buffer.alloc(Number(photoBytes), 'enhanced');

/** What each device will have done, one promise a device; the photo that comes next takes the next device. */
const devices = Array.from({ length: Number(lanes) }, () => Promise.resolve());
let next = 0;

/** The time a device takes for a photo, and with `oneAtATime` the time until it is free. */
async function serve() {
  const work = () => sleep(Number(serviceMs));
  if (oneAtATime !== 'true') return work();
  const device = next++ % devices.length;
  devices[device] = devices[device].then(work);
  await devices[device];
}

const engines = {
  async enhance(job) {
    if (Number(serviceMs) > 0) await serve();
    const path = join(job.scratchDir, 'result.jpg');
    await writeFile(path, result);
    const timings = { decodeMs: 0, networkMs: 0, encodeMs: 0, totalMs: 0 };
    const original = { width: 10, height: 10, format: 'jpeg' };
    return {
      path,
      model: job.model,
      contentType: 'image/jpeg',
      extension: '.jpg',
      width: 40,
      height: 40,
      original,
      timings,
      tiles: 1,
      tilesReused: 0,
      tileSize: 400,
      device: 'cpu',
      making: MAKING,
      warnings: [],
    };
  },
};

// Where webhooks.mjs has its receiver.
const config = parseConfig({ OUTGOING_RANGES: '127.0.0.2/32' });
const telling = {
  ...deps,
  config,
  guard: openGuard(config),
  webhooks: new WebhookLog(store),
  startDelivery: (input) => startDelivery(client, input, { again: false }),
  watchPhotos: (...look) => watchPhotos(client, ...look),
  isOpen: (batchId) => isOpen(client, batchId),
};
const announcer = createAnnouncer(telling);

installTemporalRuntime(pino({ level: 'error' }), '');
const workers = await createWorkers({
  connection: await NativeConnection.connect({ address }),
  namespace: 'default',
  identity: `scale-${process.pid}`,
  workflowBundlePath: fileURLToPath(new URL('../dist/workflow-bundle.js', import.meta.url)),
  ioActivities: {
    ...createAnnounceActivities(telling),
    ...createRetentionActivities({
      ...deps,
      retentionMs: 3_600_000,
      readExecution: async () => ({ open: true, closedAt: undefined }),
    }),
    ...createJournalActivities({ ...deps, announcer }),
    ...createRollbackActivities({ ...deps, announcer, stopWork: (...work) => stopWork(client, ...work) }),
  },
  fetchActivities: { fetchPhoto: () => Promise.reject(new Error('Expected no photo with a URL')) },
  webhookActivities: createWebhookActivities(telling),
  enhanceActivities: createEnhanceActivities({
    ...deps,
    engines,
    models,
    scratch: new ScratchShelf(join(directory, 'scratch'), randomUUID, Date.now),
  }),
  capacity: Promise.resolve({ lanes: Number(lanes), slots: 2 * Number(lanes) }),
  shutdownGraceMs: 1000,
});
process.on('disconnect', () => process.exit(0));
const running = Promise.all(workers.map((worker) => worker.run()));
process.send({ type: 'ready' });
await running;
