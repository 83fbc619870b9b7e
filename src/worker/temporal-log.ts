import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';

/** Names and units that Prometheus' conventions ask for. */
const NAMED_AS_USUAL = { countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true };

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/**
 * Sends what the Temporal SDK has to say to our log, and keeps it from handling signals: how a worker stops is decided
 * in one place, `main.ts`.
 */
export function installTemporalRuntime(logger: Logger, metricsAddress: string): void {
  const forTemporal = logger.child({ part: 'temporal-sdk' });
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => forTemporal[LEVELS[level]]({ meta }, message)),
    telemetryOptions: {
      logging: { filter: { core: 'WARN', other: 'WARN' }, forward: {} },
      ...(metricsAddress === '' ? {} : { metrics: { prometheus: { bindAddress: metricsAddress, ...NAMED_AS_USUAL } } }),
    },
  });
}
