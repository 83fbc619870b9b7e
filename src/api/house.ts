import type { Logger } from 'pino';
import type { BatchService } from '../batches/batch-service.ts';
import type { BatchHeader, PhotoRecord } from '../contracts/batch.ts';
import type { Compensation } from '../contracts/operations.ts';
import type { Finding } from '../checks/finding.ts';
import type { Surroundings } from '../checks/live-checks.ts';
import { watchReadiness } from '../checks/readiness.ts';
import type { Config } from '../contracts/config.ts';
import type { OutgoingGuard } from '../outgoing/guard.ts';
import type { Buckets } from '../storage/buckets.ts';
import type { Store } from '../storage/store.ts';
import { ArchiveShelf } from './downloads/archive-shelf.ts';
import type { ArchiveSource } from './downloads/build-archive.ts';
import { KeyRing } from './keys/key-ring.ts';
import { EventHub } from './events/event-hub.ts';
import { Repeats } from './idempotency/repeats.ts';
import { Meters } from './metrics/meters.ts';
import { createHostReader } from './performance/host-readings.ts';
import { PerformanceSampler } from './performance/sampler.ts';
import { UploadRoom } from './uploads/upload-room.ts';
import { describeBatch } from './resources/describe-batch.ts';
import { ThumbnailShelf } from './thumbnails/thumbnail-shelf.ts';
import { WaitingRoom } from './waiting.ts';
import { watchVitals, type Vitals } from '../checks/vitals.ts';

/** What of the journal the API reads itself: whose a batch is, and what archives hold. Everything else comes through the service. */
export interface HeaderSource extends ArchiveSource {
  header(batchId: string): Promise<BatchHeader | undefined>;
  photo(batchId: string, index: number): Promise<PhotoRecord | undefined>;
  /** Where a replaced original lies. */
  readonly deliveries: {
    compensation(batchId: string, index: number): Promise<Compensation | undefined>;
  };
  /** Set when uploads and results were removed because their time was over. */
  expired(batchId: string): Promise<object | undefined>;
}

/** What the API is given by its composition root. */
export interface ApiParts {
  readonly config: Config;
  readonly service: BatchService;
  readonly store: Store;
  readonly journal: HeaderSource;
  /** What Temporal says of itself, for `/readyz`. */
  readonly temporal: Surroundings['temporal'];
  readonly logger: Logger;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly random: (bytes: number) => Uint8Array;
  /** Whether a person set KEYS_FILE, rather than its default being used. */
  readonly keysFileNamed: boolean;
  /** Which addresses are asked on behalf of callers. */
  readonly outgoing: OutgoingGuard;
  /** Buckets that orders name. */
  readonly buckets: Buckets;
  /** Folders below which callers may read photos and write results; absolute. */
  readonly sourceRoots: readonly string[];
  /** Where resumable uploads wait for a batch; on the file system of the store, so that none is ever copied. */
  readonly uploadsDir: string;
  /** Directory of the built page; it need not exist. */
  readonly webDir: string;
  readonly version: string;
}

/** What every handler can reach. */
export interface House extends ApiParts {
  /** Workers and queue as they are now, asked at most once a second for all callers. */
  readonly vitals: () => Promise<Vitals>;
  /** Whether this process should be given requests; what was well is believed for ten seconds. */
  readonly readiness: () => Promise<Finding[]>;
  /** Started and stopped by the owner of the application. */
  readonly sampler: PerformanceSampler;
  readonly meters: Meters;
  /** Who may call. */
  readonly keys: KeyRing;
  readonly archives: ArchiveShelf;
  readonly thumbnails: ThumbnailShelf;
  /** Resumable uploads; started and stopped likewise. */
  readonly uploads: UploadRoom;
  /** What was done under which Idempotency-Key. */
  readonly repeats: Repeats;
  /** Event streams, and requests that wait for an end; both let go when the server stops. */
  readonly events: EventHub;
  readonly waiting: WaitingRoom;
}

export function openHouse(parts: ApiParts): House {
  const { service, clock } = parts;
  const vitals = watchVitals(service, clock);
  const sampler = new PerformanceSampler({ vitals, readHost: createHostReader(clock), clock });
  const events = openEvents(parts);
  const autoscalers = async () => await service.autoscalers().catch(() => []);
  return {
    ...parts,
    vitals,
    keys: openKeys(parts),
    readiness: watchReadiness({ ...parts, vitals, now: clock }),
    sampler,
    meters: new Meters({ vitals, autoscalers, streams: () => events.counts.streams }),
    uploads: openUploads(parts),
    archives: new ArchiveShelf(parts.journal),
    thumbnails: new ThumbnailShelf(),
    repeats: new Repeats({ ...parts, header: (batchId) => parts.journal.header(batchId) }),
    events,
    waiting: new WaitingRoom(),
  };
}

/** Ends event streams and waits, so that a server that stops need not cut them. */
export function letGo({ events, waiting }: House): void {
  events.close();
  waiting.close();
}

const openKeys = ({ config, keysFileNamed, clock, logger }: ApiParts): KeyRing =>
  new KeyRing({ configured: config.API_KEYS, file: config.KEYS_FILE, fileNamed: keysFileNamed, clock, logger });

const openEvents = ({ config, service, clock, logger }: ApiParts): EventHub =>
  new EventHub({
    service,
    describe: (view) => describeBatch(view, config),
    now: clock,
    most: config.EVENT_STREAMS_MAX,
    mostPerTenant: config.EVENT_STREAMS_PER_TENANT,
    heartbeatMs: config.EVENT_HEARTBEAT_MS,
    onFault: (error) => logger.warn({ err: error }, 'a batch that is followed could not be looked at'),
  });

function openUploads({ config, service, journal, clock, logger, uploadsDir }: ApiParts): UploadRoom {
  return new UploadRoom({
    directory: uploadsDir,
    maxConcurrent: config.UPLOAD_MAX_CONCURRENT,
    expiryMs: config.UPLOAD_EXPIRY_HOURS * 3_600_000,
    clock,
    logger,
    isTaken: async ({ batchId, additionId }) =>
      additionId === undefined
        ? (await journal.header(batchId)) !== undefined
        : service.hasAddition(batchId, additionId),
  });
}
