import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { AutoscalerReport } from '../../contracts/autoscaling.ts';
import type { Vitals } from '../../checks/vitals.ts';

/** Where the readings come from; asked when somebody scrapes. */
export interface Gauged {
  readonly vitals: () => Promise<Vitals>;
  readonly autoscalers: () => Promise<readonly AutoscalerReport[]>;
  /** Open event streams. */
  readonly streams: () => number;
}

/** From a status call to an upload over a slow line, seconds. */
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600];

/** What Prometheus may read of this process and, out of the workers' reports, of the whole house. */
export class Meters {
  readonly #registry = new Registry();
  readonly #gauged: Gauged;
  readonly #requests: Histogram<'method' | 'route' | 'status'>;
  readonly #streams: Gauge;
  readonly #showHouse: (vitals: Vitals) => void;
  readonly #showAutoscalers: (reports: readonly AutoscalerReport[]) => void;

  constructor(gauged: Gauged) {
    const registers = [this.#registry];
    this.#gauged = gauged;
    collectDefaultMetrics({ register: this.#registry, prefix: 'darkroom_api_' });
    this.#requests = new Histogram({
      name: 'darkroom_http_request_duration_seconds',
      help: 'Time from the beginning of a request to the end of its answer',
      labelNames: ['method', 'route', 'status'],
      buckets: REQUEST_SECONDS,
      registers,
    });
    const streams = { name: 'darkroom_event_streams', help: 'Event streams that are open in this process' };
    this.#streams = new Gauge({ ...streams, registers });
    this.#showHouse = houseGauges(registers);
    this.#showAutoscalers = autoscalerGauges(registers);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** @param route - as the API describes it, never the address itself: a label for each photo would never end. */
  answered(method: string, route: string, status: number, seconds: number): void {
    this.#requests.observe({ method, route, status: String(status) }, seconds);
  }

  /** Everything as it is now, in Prometheus' text format. */
  async read(): Promise<string> {
    const [vitals, autoscalers] = await Promise.all([this.#gauged.vitals(), this.#gauged.autoscalers()]);
    this.#showHouse(vitals);
    this.#showAutoscalers(autoscalers);
    this.#streams.set(this.#gauged.streams());
    return await this.#registry.metrics();
  }
}

function houseGauges(registers: Registry[]): (vitals: Vitals) => void {
  const labelNames = ['worker', 'host', 'device'] as const;
  const ofWorker = (name: string, help: string) => new Gauge({ name, help, labelNames, registers });
  const active = ofWorker('darkroom_worker_photos_active', 'Photos that a worker has under way');
  const busy = ofWorker('darkroom_worker_device_busy_ratio', 'Share of the time that the device runs a network, 0..1');
  const memory = ofWorker('darkroom_worker_engine_memory_bytes', 'Memory of the engine processes of a worker');
  const seconds = ofWorker('darkroom_worker_photo_seconds', 'Mean time of a photo since the worker was started');
  const total = { name: 'darkroom_worker_photos_total', help: 'Photos that a worker settled since it was started' };
  const processed = new Counter({ ...total, labelNames, registers });
  const states = new Gauge({ name: 'darkroom_workers', help: 'Workers by state', labelNames: ['state'], registers });
  const queued = new Gauge({ name: 'darkroom_queue_photos', help: 'Photos that wait for a device', registers });
  const temporal = new Gauge({ name: 'darkroom_temporal_up', help: '1 when Temporal answers, else 0', registers });
  const store = new Gauge({ name: 'darkroom_store_up', help: '1 when the store answers, else 0', registers });
  return ({ workers, queue, storeAnswers }) => {
    // Workers that are gone must not be told of for ever.
    for (const each of [active, busy, memory, seconds, processed]) each.reset();
    queued.set(queue?.backlog ?? Number.NaN);
    temporal.set(queue ? 1 : 0);
    store.set(storeAnswers ? 1 : 0);
    for (const state of WORKER_STATES) {
      states.set({ state }, workers.filter((worker) => worker.state === state).length);
    }
    for (const report of workers) {
      const labels = { worker: report.workerId, host: report.host, device: report.device };
      active.set(labels, report.activePhotos);
      busy.set(labels, report.deviceBusy);
      processed.inc(labels, report.totalProcessed);
      if (report.engineMemoryBytes !== null) memory.set(labels, report.engineMemoryBytes);
      if (report.avgProcessingSeconds !== null) seconds.set(labels, report.avgProcessingSeconds);
    }
  };
}

const WORKER_STATES = ['starting', 'ready', 'draining', 'failed'] as const;

function autoscalerGauges(registers: Registry[]): (reports: readonly AutoscalerReport[]) => void {
  const labelNames = ['host'] as const;
  const ofHost = (name: string, help: string) => new Gauge({ name, help, labelNames, registers });
  const now = ofHost('darkroom_autoscaler_workers', 'Workers an autoscaler has');
  const most = ofHost('darkroom_autoscaler_max_workers', 'Workers an autoscaler may have');
  const total = { name: 'darkroom_autoscaler_changes_total', help: 'Workers that an autoscaler hired and dismissed' };
  const changes = new Counter({ ...total, labelNames: ['host', 'change'], registers });
  return (reports) => {
    for (const each of [now, most, changes]) each.reset();
    for (const { host, workers, maxWorkers, hired, dismissed } of reports) {
      now.set({ host }, workers);
      most.set({ host }, maxWorkers);
      changes.inc({ host, change: 'hired' }, hired);
      changes.inc({ host, change: 'dismissed' }, dismissed);
    }
  };
}
