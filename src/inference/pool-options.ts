import type { Logger } from 'pino';
import { TILE_SIZE } from '../contracts/options.ts';
import type { InstalledFaceModel, InstalledModel } from './engine.ts';
import { availableCores, availableMemory } from './host-limits.ts';
import type { EngineModel, EngineSettings } from './protocol.ts';
import type { Windows } from './tiles.ts';

export interface EnginePoolOptions {
  readonly models: readonly InstalledModel[];
  /** For finding and restoring faces; without one of each role faces are left alone. */
  readonly faces?: readonly InstalledFaceModel[];
  /** Names of the models whose sessions are made and run before the pool is ready. */
  readonly warm: readonly string[];
  /** Execution providers of onnxruntime, in order of preference; the first usable one is taken and named. */
  readonly providers: readonly string[];
  /** Devices of that provider, one engine each; default: the first. On a CPU there is one. */
  readonly deviceIds?: readonly number[];
  /** Threads of the network on a CPU; 0: as many as the machine or its control group allows. */
  readonly threads: number;
  /** That most photos ask for: what fixed windows are made ready for. Default: that of a request. */
  readonly tileSize?: number;
  /** How photos are cut; default: by the device. */
  readonly windows?: Windows;
  /** Photos an engine works on at a time; 0 or nothing: two on a processor, on other devices one a core. */
  readonly photosAtOnce?: number;
  /** An engine process is replaced between two photos after this many. */
  readonly recycleAfterPhotos: number;
  /** Memory one engine process may take, in bytes; 0: its share of four fifths of what the machine allows. */
  readonly memoryLimitBytes: number;
  /** Memory one tile may take on a CPU, in bytes; default: half the limit. */
  readonly tileBudgetBytes?: number;
  /** An engine that finishes no step for this long is taken as hung; steps known to be long get five times their time. */
  readonly stallTimeoutMs: number;
  /** How long photos wait here while no engine starts; default: half a minute. */
  readonly patienceMs?: number;
  /** Tiles of jobs with `checkpoint` are kept where the network takes at least this long for a photo. */
  readonly checkpointMinMs: number;
  readonly photoMaxPixels: number;
  readonly resultMaxPixels: number;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** Of what machine and control group allow, the share that engines take when nothing else is configured. */
const MEMORY_SHARE = 0.8;
const TILE_SHARE = 0.5;
const SESSION_SHARE = 0.6;
const PHOTOS_SHARE = 0.5;

export interface PoolPlan {
  readonly models: ReadonlyMap<string, EngineModel>;
  /** One a lane. */
  readonly engines: readonly EngineSettings[];
  readonly memoryLimitBytes: number;
  readonly tileBudgetBytes: number;
}

/** Shares the machine out among the engines. */
export function planPool(options: EnginePoolOptions): PoolPlan {
  const deviceIds = options.deviceIds ?? [0];
  const memoryLimitBytes = options.memoryLimitBytes || (availableMemory() * MEMORY_SHARE) / deviceIds.length;
  const threads = options.threads || Math.max(1, Math.floor(availableCores() / deviceIds.length));
  const models = new Map(options.models.map((model) => [model.entry.name, engineModel(model, options.models)]));
  const engines = deviceIds.map((deviceId) => ({
    models: [...models.values()],
    ...facesOf(options.faces ?? []),
    warm: [...options.warm],
    verdicts: {},
    providers: [...options.providers],
    deviceId,
    threads,
    tileSize: options.tileSize ?? TILE_SIZE.default,
    ...(options.windows && { windows: options.windows }),
    photosAtOnce: options.photosAtOnce ?? 0,
    photosBudgetBytes: memoryLimitBytes * PHOTOS_SHARE,
    sessionBudgetBytes: memoryLimitBytes * SESSION_SHARE,
    checkpointMinMs: options.checkpointMinMs,
    photoMaxPixels: options.photoMaxPixels,
    resultMaxPixels: options.resultMaxPixels,
  }));
  const tileBudgetBytes = options.tileBudgetBytes ?? memoryLimitBytes * TILE_SHARE;
  return { models, engines, memoryLimitBytes, tileBudgetBytes };
}

function engineModel({ entry, graphPath }: InstalledModel, installed: readonly InstalledModel[]): EngineModel {
  const { name, scale, overlap, memory } = entry;
  const twin = installed.find((other) => other.entry.twinOf === name);
  const full = installed.find((other) => other.entry.name === entry.int8?.sameAs);
  return {
    name,
    graphPath,
    scale,
    overlap,
    memory,
    ...(full && { fullPrecision: full.entry.name }),
    ...(twin === undefined
      ? {}
      : {
          twin: {
            name: twin.entry.name,
            graphPath: twin.graphPath,
          },
        }),
  };
}

/** The first of each role, by name. */
function facesOf(installed: readonly InstalledFaceModel[]): Pick<EngineSettings, 'faces'> {
  const [detector, restorer] = (['face-detector', 'face-restorer'] as const).map((role) => {
    const found = installed.find(({ entry }) => entry.role === role);
    return found && { name: found.entry.name, path: found.graphPath, memoryBytes: found.entry.memory.baseBytes };
  });
  return detector && restorer ? { faces: { detector, restorer } } : {};
}
