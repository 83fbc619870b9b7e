import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { faceNotices } from '../contracts/faces.ts';
import type { FaceEntry, ModelEntry } from '../contracts/models.ts';
import { QUALITY_LEVELS } from '../contracts/options.ts';
import { chooseLevels } from '../contracts/recipe.ts';
import { REPORT_INTERVAL_MS, type WorkerReport } from '../contracts/worker-report.ts';
import type { EnginePool, InstalledFaceModel, InstalledModel } from '../inference/engine.ts';
import { workerKey } from '../storage/keys.ts';
import type { Store } from '../storage/store.ts';

/** Counts what this worker did, for its reports. */
export class WorkTally {
  active = 0;
  processed = 0;
  #engineSeconds = 0;

  /** Wraps an activity so that it is counted. */
  async count<T>(work: () => Promise<T>, now: () => number): Promise<T> {
    const startedAt = now();
    this.active += 1;
    try {
      const result = await work();
      this.processed += 1;
      this.#engineSeconds += (now() - startedAt) / 1000;
      return result;
    } finally {
      this.active -= 1;
    }
  }

  get meanSeconds(): number | null {
    return this.processed === 0 ? null : this.#engineSeconds / this.processed;
  }
}

export interface Reporter {
  readonly workerId: string;
  readonly host: string;
  readonly pid: number;
  readonly startedAt: number;
  readonly store: Store;
  readonly engines: EnginePool;
  readonly models: ReadonlyMap<string, InstalledModel>;
  readonly faces: readonly InstalledFaceModel[];
  readonly tally: WorkTally;
  readonly now: () => number;
  readonly logger: Logger;
  /** What the worker is up to besides its engines. */
  readonly phase: { readonly current: WorkPhase };
}

export type WorkPhase = 'starting' | 'ready' | 'draining';

export interface Reports {
  /** Writes one now; a store that is away is only worth a warning. */
  write(): Promise<void>;
  /** Ends the writing and takes the report away. */
  end(): Promise<void>;
}

/** Writes a report every two seconds until it is ended. */
export function startReporting(reporter: Reporter): Reports {
  let before = { at: reporter.now(), networkMs: reporter.engines.status().networkMsTotal };
  const ending = new AbortController();
  const write = async (): Promise<void> => {
    const at = reporter.now();
    const { networkMsTotal } = reporter.engines.status();
    const deviceBusy = at > before.at ? Math.min(1, (networkMsTotal - before.networkMs) / (at - before.at)) : 0;
    before = { at, networkMs: networkMsTotal };
    try {
      const report = makeReport(reporter, deviceBusy);
      await reporter.store.write(workerKey(reporter.workerId), Buffer.from(JSON.stringify(report)));
    } catch (error) {
      reporter.logger.warn({ err: error }, 'the report could not be written');
    }
  };
  const writing = (async () => {
    while (!ending.signal.aborted) {
      await write();
      await sleep(REPORT_INTERVAL_MS, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  })();
  return {
    write,
    async end() {
      ending.abort();
      await writing;
      await reporter.store.remove(workerKey(reporter.workerId)).catch(() => undefined);
    },
  };
}

function makeReport(reporter: Reporter, deviceBusy: number): WorkerReport {
  const { tally, models, faces } = reporter;
  const status = reporter.engines.status();
  const levels = chooseLevels(new Set(models.keys()));
  const described = ({ name, title, licence }: ModelEntry | FaceEntry) => ({
    name,
    title,
    licence: licence.spdx,
    resident: status.resident.includes(name),
  });
  const runs = (name: string | undefined) => status.substitutes.find(({ model }) => model === name)?.by ?? name;
  const serves = (name: string) => QUALITY_LEVELS.filter((level) => runs(levels?.choices[level].model) === name);
  return {
    workerId: reporter.workerId,
    host: reporter.host,
    pid: reporter.pid,
    writtenAt: reporter.now(),
    startedAt: reporter.startedAt,
    state: status.state === 'ready' ? reporter.phase.current : status.state,
    notices: [
      ...(levels?.notices ?? ['No model for photos is installed. Run `darkroom models pull`.']),
      ...status.substitutes.map(({ model, by, because }) => `${model} is run as ${by} here: ${because}.`),
      ...faceNotices(faces.map(({ entry }) => entry.role)),
    ],
    device: status.device,
    lanes: status.lanes,
    slots: status.slots,
    activePhotos: tally.active,
    models: [
      ...Array.from(models.values(), ({ entry, weights }) => ({
        ...described(entry),
        weights,
        serves: serves(entry.name),
      })),
      ...faces.map(({ entry }) => ({ ...described(entry), weights: entry.files.onnx.sha256, serves: [] })),
    ],
    networks: status.networks.map((network) => ({
      ...network,
      serves: serves(network.name),
    })),
    totalProcessed: tally.processed,
    avgProcessingSeconds: tally.meanSeconds,
    deviceBusy,
    engineMemoryBytes: status.memoryBytes,
    gpu: null,
  };
}
