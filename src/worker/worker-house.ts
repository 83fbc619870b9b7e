import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { ScratchShelf } from '../activities/scratch-shelf.ts';
import type { Config } from '../contracts/config.ts';
import { DarkroomError } from '../contracts/errors.ts';
import { parsePhotoId } from '../contracts/ids.ts';
import { chooseLevels, type Levels } from '../contracts/recipe.ts';
import { createEnginePool } from '../inference/engine-pool.ts';
import type { EnginePool, InstalledFaceModel, InstalledModel } from '../inference/engine.ts';
import { readCatalogue } from '../models/catalogue.ts';
import { readInstalledFaceModels } from '../models/face-models.ts';
import { readInstalledModels } from '../models/installed-models.ts';
import { Journal } from '../storage/journal.ts';
import { processName } from '../storage/keys.ts';
import { openBuckets, type Buckets } from '../storage/buckets.ts';
import { openStore } from '../storage/open-store.ts';
import { RollbackJournal } from '../storage/rollback-journal.ts';
import type { Store } from '../storage/store.ts';
import { sweepReports } from './sweep-reports.ts';

const HOUR_MS = 3_600_000;
/** What a crash left in the store, unfinished, and nobody has touched for so long belongs to nobody. */
const LEFT_BEHIND_AFTER_MS = 24 * HOUR_MS;
/** Tiles of photos that are not done: a machine that was off over a weekend, or whose clock was set, goes on from them. */
const TILES_WANTED_MS = 14 * 24 * HOUR_MS;

/** Everything a worker works with besides Temporal. */
export interface WorkerHouse {
  readonly workerId: string;
  readonly host: string;
  readonly store: Store;
  readonly journal: Journal;
  /** Buckets that orders name. */
  readonly buckets: Buckets;
  readonly rollbacks: RollbackJournal;
  readonly scratch: ScratchShelf;
  readonly models: ReadonlyMap<string, InstalledModel>;
  readonly faces: readonly InstalledFaceModel[];
  readonly levels: Levels;
  readonly engines: EnginePool;
  readonly now: () => number;
  readonly makeNonce: () => string;
}

/**
 * Opens the store and starts the engines; they are not warm yet.
 * @throws DarkroomError `model_missing`, `model_corrupt`: a worker without a network for photos must not poll.
 */
export async function openWorkerHouse(config: Config, logger: Logger): Promise<WorkerHouse> {
  const now = Date.now;
  const store = await openStore(config, randomUUID);
  const scratch = new ScratchShelf(config.SCRATCH_DIR, randomUUID, now);
  const journal = new Journal(store);
  // A store that is away is no reason not to start: photos wait for it, and the next start sweeps.
  const passed = (error: unknown): void => logger.warn({ err: error }, 'what was left behind could not be swept');
  const tidyScratch = (): Promise<unknown> =>
    scratch.sweep(now() - TILES_WANTED_MS, (photo) => isSettled(journal, photo)).catch(passed);
  const deadline = now() - LEFT_BEHIND_AFTER_MS;
  await Promise.all([store.sweep(deadline).catch(passed), sweepReports(store, deadline).catch(passed), tidyScratch()]);
  setInterval(() => void tidyScratch(), HOUR_MS).unref();
  const installed = await readInstalledModels(config.CACHE_DIR, await readCatalogue(), ({ name }) =>
    logger.warn(
      { model: name, hint: `darkroom models pull ${name}` },
      'an installed network was made by another version of Darkroom: it is left out until it is made anew',
    ),
  );
  const faces = await readInstalledFaceModels(config.CACHE_DIR);
  const models = new Map(installed.map((model) => [model.entry.name, model]));
  const levels = chooseLevels(new Set(models.keys()));
  if (!levels) {
    throw new DarkroomError('model_missing', 'No model for photos is installed.');
  }
  return {
    workerId: processName(hostname(), process.pid),
    host: hostname(),
    store,
    journal,
    buckets: openBuckets(config),
    rollbacks: new RollbackJournal(store),
    scratch,
    models,
    faces,
    levels,
    engines: startEngines(config, logger, { models: installed, faces }, levels),
    now,
    makeNonce: randomUUID,
  };
}

/** Whether nobody will ask for a photo's tiles again; a failed one may be retried. */
async function isSettled(journal: Journal, photo: string): Promise<boolean> {
  const parsed = parsePhotoId(photo);
  const outcome = parsed && (await journal.outcome(parsed.batchId, parsed.index));
  return outcome?.status === 'completed' || outcome?.status === 'removed';
}

function startEngines(
  config: Config,
  logger: Logger,
  { models, faces }: { models: InstalledModel[]; faces: InstalledFaceModel[] },
  levels: Levels,
): EnginePool {
  return createEnginePool({
    models,
    faces,
    warm: [...new Set(Object.values(levels.choices).map(({ model }) => model))],
    providers: config.EXECUTION_PROVIDERS,
    threads: config.ENGINE_THREADS,
    tileSize: config.TILE_SIZE,
    photosAtOnce: config.ENGINE_PHOTOS,
    recycleAfterPhotos: config.ENGINE_RECYCLE_PHOTOS,
    memoryLimitBytes: config.ENGINE_MEMORY_BYTES,
    stallTimeoutMs: config.ENGINE_STALL_TIMEOUT_MS,
    checkpointMinMs: config.CHECKPOINT_MIN_MS,
    photoMaxPixels: config.PHOTO_MAX_PIXELS,
    resultMaxPixels: config.RESULT_MAX_PIXELS,
    logger,
  });
}
