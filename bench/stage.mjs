/** What the benches of the batch side share: a Temporal server, a store, and a worker whose engine takes a fixed time. */
import { fork } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { createBatchService } from '../dist/batches/create-batch-service.js';
import { makeBatchId } from '../dist/contracts/ids.js';
import { FileStore } from '../dist/storage/file-store.js';
import { Journal } from '../dist/storage/journal.js';
import { startServer } from './temporal-server.mjs';

export async function openStage({ lanes, serviceMs }) {
  const directory = await mkdtemp(join(tmpdir(), 'darkroom-stage-'));
  const cacheDir = process.env.CACHE_DIR || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'darkroom');
  const server = await startServer(cacheDir, directory);
  const worker = fork(
    fileURLToPath(new URL('./scale-worker.mjs', import.meta.url)),
    [directory, server.address, String(lanes), String(serviceMs)],
    { env: { UV_THREADPOOL_SIZE: '16', ...process.env } },
  );
  const messages = [];
  worker.on('message', (message) => messages.push(message));
  const heard = async (test) => {
    for (;;) {
      const at = messages.findIndex(test);
      if (at >= 0) return messages.splice(at, 1)[0];
      await sleep(20);
    }
  };
  await heard((message) => message === 'ready');
  const store = await FileStore.open(join(directory, 'store'), randomUUID);
  const client = new Client({ connection: await Connection.connect({ address: server.address }) });
  const journal = new Journal(store);
  const service = createBatchService({ client, store, journal, heartbeatTimeoutMs: 10_000, now: Date.now });
  const path = join(directory, 'photo.jpg');
  await writeFile(path, 'photo');
  const { size, mtimeMs } = await stat(path);
  const original = { kind: 'path', path, bytes: size, modifiedMs: mtimeMs };
  return {
    client,
    server,
    service,
    /** Submits a batch of `total` photos and answers its ID. */
    async submit(total, change = {}) {
      const batchId = makeBatchId(new Date(), randomBytes(10));
      const photos = Array.from({ length: total }, (_, index) => ({
        index,
        name: `photo-${index}.jpg`,
        bytes: size,
        kilopixels: 1,
        original,
      }));
      await service.submit({
        batchId,
        kind: 'batch',
        tenant: 'default',
        options: { quality: 'fast', tileSize: 400, scale: 4 },
        maxWorkers: 8,
        checkpointEnabled: true,
        rollbackEnabled: true,
        photos,
        ...change,
      });
      return batchId;
    },
    async workerMemory() {
      worker.send('memory');
      return (await heard((message) => message.rss > 0)).rss;
    },
    async close() {
      worker.kill('SIGKILL');
      await client.connection.close();
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export const quantile = (values, share) => {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
};
