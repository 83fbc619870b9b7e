import { createHash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { createEnhanceActivities } from '../../../src/activities/enhance-photo.ts';
import { ScratchShelf } from '../../../src/activities/scratch-shelf.ts';
import type { BatchService } from '../../../src/batches/batch-service.ts';
import { createBatchService } from '../../../src/batches/create-batch-service.ts';
import { DarkroomError } from '../../../src/contracts/errors.ts';
import { recogniseFormat } from '../../../src/contracts/photo-format.ts';
import { finishPhoto, standInEngines } from '../../support/engines.ts';
import { photoModel } from '../../support/models.ts';
import { startTemporal } from '../../support/temporal.ts';
import { type RunningWorkers, startWorkers } from '../../support/workers.ts';
import { startApiOver, type RunningApi } from './running-api.ts';

/** The API over the real service, a real Temporal server and real workers; only the network is a stand-in. */
export interface RealHouse {
  readonly api: RunningApi<BatchService>;
  readonly env: TestWorkflowEnvironment;
  /** The only source root; without links in its path. */
  readonly photosDir: string;
  /** How the stand-in works: how long, the content it fails on, and the picture it makes of everything, with its size, when that matters. */
  readonly engine: {
    ms: number;
    broken: Buffer | undefined;
    picture: Buffer | undefined;
    size?: { width: number; height: number };
  };
  /** Photos that an engine has been given so far. */
  readonly started: () => number;
  stopWorkers(): Promise<void>;
  startWorkers(): Promise<void>;
  close(): Promise<void>;
}

export async function openRealHouse(settings: Record<string, string> = {}): Promise<RealHouse> {
  const engine: RealHouse['engine'] = { ms: 0, broken: undefined, picture: undefined };
  let started = 0;
  const engines = standInEngines(async (job, signal) => {
    started += 1;
    const content = await readFile(job.inputPath);
    await sleep(engine.ms, undefined, { signal });
    if (engine.broken?.equals(content)) throw new DarkroomError('image_unreadable');
    const made = engine.picture ?? `enhanced ${createHash('sha256').update(content).digest('hex')}`;
    const finished = { ...(await finishPhoto(job, made)), ...engine.size };
    return recogniseFormat(content) === 'jpeg'
      ? finished
      : { ...finished, extension: '.png', contentType: 'image/png' };
  });
  const env = await startTemporal();
  const photosDir = await realpath(await mkdtemp(join(tmpdir(), 'darkroom-photos-')));
  const api = await startApiOver<BatchService>(
    (store, journal) =>
      createBatchService({ client: env.client, store, journal, heartbeatTimeoutMs: 3000, now: Date.now }),
    settings,
    [photosDir],
  );
  const model = photoModel();
  const scratch = new ScratchShelf(join(api.root, 'scratch'), randomUUID, Date.now);
  const { root, store, journal } = api;
  const deps = {
    store,
    journal,
    engines,
    buckets: api.house.buckets,
    models: new Map([[model.entry.name, model]]),
    now: Date.now,
    makeNonce: randomUUID,
    scratch,
  };
  const startAll = (): Promise<RunningWorkers> =>
    startWorkers(env, { root, store, journal, close: () => Promise.resolve() }, createEnhanceActivities(deps), {
      settings,
    });
  let workers: RunningWorkers | undefined = await startAll();
  return {
    api,
    env,
    photosDir,
    engine,
    started: () => started,
    async stopWorkers() {
      await workers?.stop();
      workers = undefined;
    },
    async startWorkers() {
      workers ??= await startAll();
    },
    async close() {
      await api.stop();
      await workers?.stop();
      await env.teardown();
      await api.close();
      await rm(photosDir, { recursive: true, force: true });
    },
  };
}

/** Every file below a folder with content, mode and modification time, and every directory, as one hash. */
export async function hashTree(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const found = await stat(join(folder, name), { bigint: true });
    const content = found.isFile() ? await readFile(join(folder, name)) : '';
    hash.update(`${name} ${found.mode} ${found.isFile() ? found.mtimeNs / 1000n : ''} `).update(content);
  }
  return hash.digest('hex');
}

export const send = (method: string, url: string, body?: unknown): Promise<Response> =>
  fetch(url, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });

export async function makeFolder(parent: string): Promise<string> {
  const folder = join(parent, randomUUID());
  await mkdir(folder);
  return folder;
}
