import type { Logger } from 'pino';
import type { BatchService } from '../batches/batch-service.ts';
import type { BatchHeader } from '../contracts/batch.ts';
import type { Config } from '../contracts/config.ts';
import type { Store } from '../storage/store.ts';
import { createHostReader } from './performance/host-readings.ts';
import { PerformanceSampler } from './performance/sampler.ts';
import { watchVitals, type Vitals } from './performance/vitals.ts';

/** What of the journal the API reads itself: whose a batch is. Everything else comes through the service. */
export interface HeaderSource {
  header(batchId: string): Promise<BatchHeader | undefined>;
  /** Set when uploads and results were removed because their time was over. */
  expired(batchId: string): Promise<object | undefined>;
}

/** What the API is given by its composition root. */
export interface ApiParts {
  readonly config: Config;
  readonly service: BatchService;
  readonly store: Store;
  readonly journal: HeaderSource;
  readonly logger: Logger;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly random: (bytes: number) => Uint8Array;
  /** Folders below which callers may read photos and write results; absolute. */
  readonly sourceRoots: readonly string[];
  /** Directory of the built page; it need not exist. */
  readonly webDir: string;
  readonly version: string;
}

/** What every handler can reach. */
export interface House extends ApiParts {
  /** Workers and queue as they are now, asked at most once a second for all callers. */
  readonly vitals: () => Promise<Vitals>;
  /** Started and stopped by the owner of the application. */
  readonly sampler: PerformanceSampler;
}

export function openHouse(parts: ApiParts): House {
  const { service, clock } = parts;
  const vitals = watchVitals(service, clock);
  return { ...parts, vitals, sampler: new PerformanceSampler({ vitals, readHost: createHostReader(clock), clock }) };
}
