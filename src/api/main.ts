import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { pino, type Logger } from 'pino';
import { createBatchService } from '../batches/create-batch-service.ts';
import type { ChildMessage } from '../contracts/child-messages.ts';
import { ConfigurationError } from '../contracts/config.ts';
import { asDarkroomError } from '../contracts/errors.ts';
import { loadConfig, type LoadedConfig } from '../load-config.ts';
import { Journal } from '../storage/journal.ts';
import { openGuard } from '../outgoing/guard.ts';
import { openBuckets } from '../storage/buckets.ts';
import { openStore } from '../storage/open-store.ts';
import { temporalTarget } from '../temporal/connection.ts';
import { createTemporalProbe } from '../temporal/probe.ts';
import { openTracing } from '../tracing/open-tracing.ts';
import { createApp } from './app.ts';
import { letGo, openHouse } from './house.ts';
import { listen } from './server.ts';
import { chooseRoots } from './sources/roots.ts';

/** Secrets never reach the log, whatever someone logs one day. */
const REDACTED = ['*.authorization', '*.headers.authorization', '*["x-api-key"]', '*.headers["x-api-key"]', '*.cookie'];

/** The API process from its first line to its last; resolves when it has stopped. */
async function runApi({ config, isSet }: LoadedConfig, logger: Logger, stop: AbortSignal): Promise<void> {
  const tracing = await openTracing(config, 'api', (message) => logger.warn({ from: 'opentelemetry' }, message));
  const store = await openStore(config, randomUUID);
  const journal = new Journal(store);
  // Lazy: the API starts and answers while Temporal is away, and finds it when it comes back.
  const connection = Connection.lazy(temporalTarget(config, process.env));
  const service = createBatchService({
    client: new Client({
      connection,
      namespace: config.TEMPORAL_NAMESPACE,
      ...(tracing ? { interceptors: tracing.clientInterceptors } : {}),
    }),
    store,
    journal,
    heartbeatTimeoutMs: config.HEARTBEAT_TIMEOUT_MS,
    now: Date.now,
    onUnreadable: ({ key, cause }) => logger.error({ key, err: cause }, 'Left a damaged record out of a listing'),
  });
  const house = openHouse({
    config,
    service,
    store,
    journal,
    temporal: createTemporalProbe(connection, config.TEMPORAL_NAMESPACE, Date.now),
    logger,
    clock: Date.now,
    random: randomBytes,
    keysFileNamed: isSet('KEYS_FILE'),
    outgoing: openGuard(config),
    buckets: openBuckets(config),
    sourceRoots: chooseRoots(config, process.cwd()),
    uploadsDir: join(config.DATA_DIR, 'uploads'),
    webDir: fileURLToPath(new URL('../web', import.meta.url)),
    version: readVersion(),
  });
  await house.keys.refresh();
  await house.uploads.start();
  const server = await listen(createApp(house), config, () => letGo(house), house.keys.required);
  house.sampler.start();
  try {
    logger.info({ url: server.url }, 'ready');
    tellSupervisor({ type: 'ready', url: server.url });
    await untilAborted(stop);
    await server.close();
  } finally {
    house.sampler.stop();
    await house.uploads.stop();
    await tracing?.close();
  }
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const named =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : undefined;
  return typeof named === 'string' ? named : 'unknown';
}

const tellSupervisor = (message: ChildMessage): void => void process.send?.(message);

async function main(): Promise<void> {
  const stop = new AbortController();
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.on(event, () => stop.abort());
  let logger = pino({ base: { part: 'api' } });
  try {
    const loaded = loadConfig(process.env);
    const { config } = loaded;
    logger = pino({ level: config.LOG_LEVEL, base: { part: 'api' }, redact: REDACTED });
    await runApi(loaded, logger, stop.signal);
    logger.info('stopped');
  } catch (error) {
    const message = error instanceof ConfigurationError ? error.message : asDarkroomError(error).message;
    logger.fatal({ err: error }, message);
    tellSupervisor({ type: 'failed', message });
    process.exitCode = 1;
  }
}

await main();
// The connection to Temporal is left to the end of the process: the SDK's retries throw when their channel is closed.
process.exit();
