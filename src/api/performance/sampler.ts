import type { HostReading } from './host-readings.ts';
import { activePhotos, type Vitals } from '../../checks/vitals.ts';

/** One look at everything, as `/api/v1/performance` shows it. */
export interface PerformanceSample {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly cpuUsage: number | null;
  readonly memoryUsage: number | null;
  readonly gpuUsage: number | null;
  readonly gpuMemory: number | null;
  readonly activeTasks: number;
  readonly queueSize: number | null;
  /** Seconds. */
  readonly avgProcessingTime: number | null;
  readonly totalProcessed: number;
  /** Workers that are ready, and the share of the time their devices ran a network, percent. */
  readonly workers: number;
  readonly deviceBusy: number | null;
}

export interface SamplerParts {
  readonly vitals: () => Promise<Vitals>;
  readonly readHost: () => Promise<HostReading>;
  readonly clock: () => number;
}

const INTERVAL_MS = 2_000;
/** Ten minutes: what the averages are taken over. */
const HISTORY = 300;

/** Samples in the background, so that asking costs nothing and a reading of the processor covers a real interval. */
export class PerformanceSampler {
  readonly #parts: SamplerParts;
  readonly #history: PerformanceSample[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sampling: Promise<PerformanceSample> | undefined;

  constructor(parts: SamplerParts) {
    this.#parts = parts;
  }

  start(): void {
    // A failed look is retried at the next tick; `sample` itself turns missing readings into null.
    const look = (): void => void this.#sample().catch(() => undefined);
    look();
    this.#timer ??= setInterval(look, INTERVAL_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The latest sample; a fresh one when the sampler is not running. */
  async current(): Promise<PerformanceSample> {
    const latest = this.#history.at(-1);
    return latest && this.#parts.clock() - latest.at < 2 * INTERVAL_MS ? latest : this.#sample();
  }

  /** Oldest first. */
  get history(): readonly PerformanceSample[] {
    return this.#history;
  }

  /** Mean of a reading over the history; null when this host never had it. */
  average(reading: (sample: PerformanceSample) => number | null): number | null {
    return mean(this.#history.map(reading));
  }

  #sample(): Promise<PerformanceSample> {
    this.#sampling ??= takeSample(this.#parts)
      .then((sample) => {
        this.#history.push(sample);
        if (this.#history.length > HISTORY) this.#history.shift();
        return sample;
      })
      .finally(() => {
        this.#sampling = undefined;
      });
    return this.#sampling;
  }
}

async function takeSample({ vitals, readHost, clock }: SamplerParts): Promise<PerformanceSample> {
  const [seen, host] = await Promise.all([vitals(), readHost()]);
  const { workers, queue } = seen;
  const totalProcessed = workers.reduce((sum, worker) => sum + worker.totalProcessed, 0);
  const seconds = workers.reduce((sum, worker) => sum + (worker.avgProcessingSeconds ?? 0) * worker.totalProcessed, 0);
  return {
    at: clock(),
    cpuUsage: host.cpuUsage,
    memoryUsage: host.memoryUsage,
    gpuUsage: mean(workers.map(({ gpu }) => gpu?.usage ?? null)),
    gpuMemory: mean(workers.map(({ gpu }) => gpu?.memory ?? null)),
    activeTasks: activePhotos(seen),
    queueSize: queue?.backlog ?? null,
    avgProcessingTime: totalProcessed > 0 ? rounded(seconds / totalProcessed) : null,
    totalProcessed,
    workers: workers.filter(({ state }) => state === 'ready').length,
    deviceBusy: mean(workers.map(({ deviceBusy }) => Math.min(1, Math.max(0, deviceBusy)) * 100)),
  };
}

function mean(readings: readonly (number | null)[]): number | null {
  const known = readings.filter((reading) => reading !== null);
  return known.length > 0 ? rounded(known.reduce((sum, reading) => sum + reading, 0) / known.length) : null;
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
