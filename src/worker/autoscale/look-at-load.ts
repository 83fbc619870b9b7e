import { slotsOf, type WorkerReport } from '../../contracts/worker-report.ts';
import type { LoadLook } from './decide-scaling.ts';

/** What a worker process takes besides its engine, bytes: measured 190 MB after a day of photos. */
const PROCESS_BYTES = 250e6;

/**
 * The load out of the workers' own reports and the length of the queue.
 * @param reports - of the workers that the autoscaler may dismiss.
 */
export function lookAtLoad(
  reports: readonly WorkerReport[],
  queue: number | undefined,
): Omit<LoadLook, 'at' | 'workers'> {
  const ready = reports.filter(({ state }) => state === 'ready');
  const sum = (of: (report: WorkerReport) => number): number => ready.reduce((total, report) => total + of(report), 0);
  const processed = sum(({ totalProcessed }) => totalProcessed);
  const seconds = sum(({ totalProcessed, avgProcessingSeconds }) => totalProcessed * (avgProcessingSeconds ?? 0));
  const engines = ready.flatMap(({ engineMemoryBytes }) => engineMemoryBytes ?? []);
  return {
    ready: ready.length,
    queue,
    active: sum(({ activePhotos }) => activePhotos),
    slots: sum(slotsOf),
    devices: sum(({ lanes }) => lanes),
    busy: ready.length === 0 ? 0 : sum(({ deviceBusy }) => deviceBusy) / ready.length,
    photoSeconds: processed === 0 ? null : seconds / processed,
    workerBytes: engines.length === 0 ? null : Math.max(...engines) + PROCESS_BYTES,
    freeBytes: process.availableMemory(),
  };
}
