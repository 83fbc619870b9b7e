import { pino } from 'pino';
import type { ChildMessage } from '../contracts/child-messages.ts';
import { asDarkroomError } from '../contracts/errors.ts';
import { loadConfig } from '../load-config.ts';
import { runWorker } from './run-worker.ts';

const tellSupervisor = (message: ChildMessage): void => void process.send?.(message);

async function main(): Promise<void> {
  const stop = new AbortController();
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.on(event, () => stop.abort());
  let logger = pino({ base: { part: 'worker' } });
  try {
    const { config, environment } = loadConfig(process.env);
    logger = pino({ level: config.LOG_LEVEL, base: { part: 'worker' } });
    await runWorker({ config, environment, logger, stop: stop.signal, tellSupervisor });
    logger.info('drained');
  } catch (error) {
    logger.fatal({ err: error }, 'the worker cannot work');
    const { message, definition } = asDarkroomError(error);
    tellSupervisor({ type: 'failed', message: `${message} ${definition.hint}` });
    process.exitCode = 1;
  }
}

await main();
// Temporal workers that were made but never ran, because the engines failed, cannot be closed and would keep the process.
process.exit();
