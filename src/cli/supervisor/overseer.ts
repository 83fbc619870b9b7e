import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Client, type Connection } from '@temporalio/client';
import { readQueue, readWorkers } from '../../batches/read-workers.ts';
import type { AutoscalerReport } from '../../contracts/autoscaling.ts';
import type { Config, Environment } from '../../contracts/config.ts';
import { availableCores } from '../../inference/host-limits.ts';
import { openStore } from '../../storage/open-store.ts';
import { autoscalerKey, processName } from '../../storage/keys.ts';
import { connectTo } from '../../temporal/connection.ts';
import { runAutoscaler, type AutoscalerState } from '../../worker/autoscale/autoscaler.ts';
import type { ScalingPolicy } from '../../worker/autoscale/decide-scaling.ts';
import { lookAtLoad } from '../../worker/autoscale/look-at-load.ts';
import type { RunningTemporal } from './temporal-server.ts';
import type { HouseWorkforce } from './workforce.ts';

interface OverseerParts {
  readonly config: Config;
  readonly temporal: RunningTemporal;
  readonly workers: HouseWorkforce;
  /** Execution provider of the first worker. */
  readonly device: string | undefined;
  readonly say: (line: string) => void;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** Looks that must agree: one photo more or less is no trend. */
const AGREEMENT = 3;

/** Workers of a CPU share its cores: engines times threads are never more than those. */
export function sharedThreads({ AUTOSCALE, AUTOSCALE_MAX_WORKERS, ENGINE_THREADS }: Config): Environment {
  if (!AUTOSCALE || ENGINE_THREADS > 0) return {};
  return { ENGINE_THREADS: String(Math.max(1, Math.floor(availableCores() / AUTOSCALE_MAX_WORKERS))) };
}

export function policyOf(config: Config, device: string | undefined): ScalingPolicy {
  const threads = config.ENGINE_THREADS || Number(sharedThreads(config)['ENGINE_THREADS'] ?? 1);
  const bearable = device === 'cpu' ? Math.max(1, Math.floor(availableCores() / threads)) : Number.POSITIVE_INFINITY;
  const maxWorkers = Math.min(config.AUTOSCALE_MAX_WORKERS, bearable);
  return {
    minWorkers: Math.min(config.AUTOSCALE_MIN_WORKERS, maxWorkers),
    maxWorkers,
    queuePerWorker: config.AUTOSCALE_QUEUE_PER_WORKER,
    busyHigh: config.AUTOSCALE_BUSY_HIGH_PERCENT / 100,
    busyLow: config.AUTOSCALE_BUSY_LOW_PERCENT / 100,
    slowSeconds: config.AUTOSCALE_SLOW_MS / 1000,
    cooldownMs: config.AUTOSCALE_COOLDOWN_MS,
    agreement: AGREEMENT,
  };
}

/** Has the autoscaler watch the workers of one house, and ends it with the house. */
export class Overseer {
  readonly #stopping = new AbortController();
  #watching: Promise<void> = Promise.resolve();
  #connection: Connection | undefined;

  /** `undefined` where the number of workers is not to change. */
  static async begin(parts: OverseerParts): Promise<Overseer | undefined> {
    if (!parts.config.AUTOSCALE) return undefined;
    const overseer = new Overseer();
    overseer.#connection = await connectTo(parts.temporal.target, CONNECT_TIMEOUT_MS);
    overseer.#watching = watch(parts, overseer.#connection, overseer.#stopping.signal);
    return overseer;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
    await this.#connection?.close();
  }
}

async function watch(parts: OverseerParts, connection: Connection, stop: AbortSignal): Promise<void> {
  const { config, temporal, workers, device, say } = parts;
  const client = new Client({ connection, namespace: temporal.namespace });
  const store = await openStore(config, randomUUID);
  const key = autoscalerKey(processName(hostname(), process.pid));
  const policy = policyOf(config, device);
  const scaling = {
    policy,
    workforce: workers,
    lookEveryMs: config.AUTOSCALE_INTERVAL_MS,
    now: Date.now,
    say,
    async look() {
      const [reports, queue] = await Promise.all([readWorkers(store, Date.now), readQueue(client, Date.now)]);
      const mine = new Set(workers.pids);
      const own = reports.filter(({ pid, host }) => host === hostname() && mine.has(pid));
      return lookAtLoad(own, queue?.backlog);
    },
    async report(state: AutoscalerState) {
      const { minWorkers, maxWorkers } = policy;
      const by = { host: hostname(), pid: process.pid, writtenAt: Date.now() };
      const report: AutoscalerReport = { ...by, minWorkers, maxWorkers, ...state, events: [...state.events] };
      await store.write(key, Buffer.from(JSON.stringify(report)));
    },
  };
  await runAutoscaler(scaling, stop);
  await store.remove(key).catch(() => undefined);
}
