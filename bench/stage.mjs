/**
 * What the benches of the batch side share: a Temporal server, a store, a worker whose engine takes a fixed time, and the
 * real API process.
 */
import { fork } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { createBatchService } from '../dist/batches/create-batch-service.js';
import { makeBatchId } from '../dist/contracts/ids.js';
import { enhanceOptionsSchema } from '../dist/contracts/options.js';
import { FileStore } from '../dist/storage/file-store.js';
import { Journal } from '../dist/storage/journal.js';
import { ANONYMOUS } from '../dist/api/request-context.js';
import { startServer } from './temporal-server.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * `photoBytes` is the size of every photo and of every result. A lane has two slots, as in an engine; `oneAtATime` lets only one
 * of them work while the other waits.
 */
export async function openStage({ lanes, serviceMs, profileDir, photoBytes = 10, oneAtATime = false }) {
  const directory = await mkdtemp(join(tmpdir(), 'darkroom-stage-'));
  const cacheDir = process.env.CACHE_DIR || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'darkroom');
  const server = await startServer(cacheDir, directory);
  const profile = profileDir ? ['--cpu-prof', `--cpu-prof-dir=${profileDir}`] : [];
  const worker = await startProcess(here('./stage-worker.mjs'), {
    args: [directory, server.address, String(lanes), String(serviceMs), String(photoBytes), String(oneAtATime)],
    execArgv: profile,
    env: { UV_THREADPOOL_SIZE: '16', ...process.env },
  });
  const api = await startProcess(here('../dist/api/main.js'), {
    execArgv: profile,
    env: {
      ...process.env,
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: directory,
      TEMPORAL_ADDRESS: server.address,
      LOG_LEVEL: 'warn',
    },
  });
  const store = await FileStore.open(join(directory, 'store'), randomUUID);
  const client = new Client({ connection: await Connection.connect({ address: server.address }) });
  const journal = new Journal(store);
  const service = createBatchService({ client, store, journal, heartbeatTimeoutMs: 10_000, now: Date.now });
  const makePhotos = await photoMaker(directory, photoBytes);
  return {
    client,
    server,
    service,
    api: api.ready.url,
    /** Process IDs by name. */
    processes: { server: server.pid, worker: worker.pid, api: api.pid },
    /** Submits a batch of `total` photos and answers its ID. */
    async submit(total, change = {}) {
      const batchId = makeBatchId(new Date(), randomBytes(10));
      await service.submit({
        batchId,
        kind: 'batch',
        tenant: ANONYMOUS,
        options: OPTIONS,
        maxWorkers: 8,
        checkpointEnabled: true,
        rollbackEnabled: true,
        photos: makePhotos(total),
        ...change,
      });
      return batchId;
    },
    async close() {
      await Promise.all([worker.end(), api.end()]);
      await client.connection.close();
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const OPTIONS = enhanceOptionsSchema.parse({ quality: 'fast', tileSize: 400, scale: 4 });

async function photoMaker(directory, photoBytes) {
  const path = join(directory, 'photo.jpg');
  await writeFile(path, Buffer.alloc(photoBytes, 'photo'));
  const { size, mtimeMs } = await stat(path);
  const original = { kind: 'path', path, bytes: size, modifiedMs: mtimeMs };
  return (total) =>
    Array.from({ length: total }, (_, index) => ({
      index,
      name: `photo-${index}.jpg`,
      bytes: size,
      kilopixels: 1,
      original,
    }));
}

/** Starts a Node process of the house and waits until it says that it is ready. */
async function startProcess(script, { args = [], execArgv, env }) {
  const child = fork(script, args, { execArgv, env });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const ready = await Promise.race([
    new Promise((resolve) => child.once('message', resolve)),
    ended.then((code) => Promise.reject(new Error(`${script} ended with ${code} before it was ready`))),
  ]);
  return {
    pid: child.pid,
    ready,
    async end() {
      if (child.connected) child.disconnect();
      const reluctant = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(reluctant);
    },
  };
}
