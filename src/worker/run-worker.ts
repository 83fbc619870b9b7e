import type { Logger } from 'pino';
import type { ChildMessage } from '../contracts/child-messages.ts';
import type { Config, Environment } from '../contracts/config.ts';
import { faceNotices } from '../contracts/faces.ts';
import { openTracing } from '../tracing/open-tracing.ts';
import { startReporting, type WorkPhase, WorkTally } from './report.ts';
import { openWorkerHouse } from './worker-house.ts';

export interface WorkerProcess {
  readonly config: Config;
  readonly environment: Environment;
  readonly logger: Logger;
  /** Aborted when the process is told to stop. */
  readonly stop: AbortSignal;
  readonly tellSupervisor: (message: ChildMessage) => void;
}

/** A worker from its first line to its last; resolves when it has drained. It polls only once its engines are warm. */
export async function runWorker(worker: WorkerProcess): Promise<void> {
  const { config, logger, stop, tellSupervisor } = worker;
  const house = await openWorkerHouse(config, logger);
  const tally = new WorkTally();
  const phase: { current: WorkPhase } = { current: 'starting' };
  const reports = startReporting({ ...house, pid: process.pid, startedAt: house.now(), tally, logger, phase });
  const tracing = await openTracing(config, 'worker', (message) => logger.warn({ from: 'opentelemetry' }, message));
  // Temporal's SDK takes half a second to load, and its workers as long to be made: meanwhile the engines open their networks.
  const { joinTemporal } = await import('./join-temporal.ts');
  const joining = joinTemporal(worker, house, tally, tracing);
  joining.catch(() => undefined);
  try {
    await house.engines.ready();
    const { workers } = await joining;
    const shutDown = (): void => {
      phase.current = 'draining';
      for (const each of workers) each.shutdown();
    };
    phase.current = 'ready';
    await reports.write(); // before anyone is told: whoever asks now finds a worker
    const { device } = house.engines.status();
    logger.info({ device, models: [...house.models.keys()] }, 'ready');
    tellSupervisor({
      type: 'ready',
      device,
      notices: [...house.levels.notices, ...faceNotices(house.faces.map(({ entry }) => entry.role))],
    });
    const running = Promise.all(workers.map((each) => each.run()));
    if (stop.aborted) shutDown();
    else stop.addEventListener('abort', shutDown, { once: true });
    await running;
  } finally {
    await Promise.all([house.engines.close(), reports.end()]);
    await (await joining.catch(() => undefined))?.leave();
    await tracing?.close();
  }
}
