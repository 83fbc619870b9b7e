import { join } from 'node:path';
import type { Environment } from '../../contracts/config.ts';
import { connectTo, waitUntilServing, type TemporalTarget } from '../../temporal/connection.ts';
import { devServerArguments, devServerEnvironment } from '../../temporal/dev-server.ts';
import { ensureRetention, ensureSearchAttributes, SEARCH_ATTRIBUTE_NAMES } from '../../temporal/prepare-namespace.ts';
import { loadProfile } from '../../temporal/profile.ts';
import type { LoadedConfig } from '../../load-config.ts';
import { logFileOf, pidFileOf } from './plans.ts';
import { choosePort } from './ports.ts';
import type { ProcessPlan } from './supervised-process.ts';

/** The Temporal server the house works with, own or foreign, brought into the state the workflows need. */
export interface RunningTemporal {
  readonly own: boolean;
  readonly target: TemporalTarget;
  readonly namespace: string;
  readonly uiUrl: string | undefined;
}

const LOOPBACK = '127.0.0.1';
const SERVING_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 10_000;
/** The server picks ports for its inner services at random and ends when it picks one that is taken: bad luck, no fault. */
const TRIES = 3;
const CONNECT_TIMEOUT_MS = 10_000;
const RETENTION_DAYS = 30;

export const databaseFileOf = (dataDir: string): string => join(dataDir, 'temporal', 'temporal.db');

/** Runs a development server on the database of the data directory. */
export async function startOwnServer(
  { config, isSet }: LoadedConfig,
  environment: Environment,
  program: string,
  start: (plan: ProcessPlan) => Promise<void>,
): Promise<RunningTemporal> {
  const { DATA_DIR, TEMPORAL_NAMESPACE: namespace } = config;
  const port = await choosePort({
    setting: 'TEMPORAL_PORT',
    host: LOOPBACK,
    port: config.TEMPORAL_PORT,
    fixed: isSet('TEMPORAL_PORT'),
  });
  const uiPort = await choosePort(
    { setting: 'TEMPORAL_UI_PORT', host: LOOPBACK, port: config.TEMPORAL_UI_PORT, fixed: isSet('TEMPORAL_UI_PORT') },
    [port],
  );
  const target = { address: `${LOOPBACK}:${port}` };
  const databaseFile = databaseFileOf(DATA_DIR);
  await start({
    title: 'The Temporal server',
    program,
    arguments: devServerArguments({ databaseFile, host: LOOPBACK, port, uiPort, namespace }, SEARCH_ATTRIBUTE_NAMES),
    environment: devServerEnvironment(environment),
    logFile: logFileOf(DATA_DIR, 'temporal'),
    pidFile: pidFileOf(DATA_DIR, 'temporal'),
    untilReady: (signal) => waitUntilServing(target, namespace, SERVING_WITHIN_MS, signal),
    readyWithinMs: SERVING_WITHIN_MS,
    tries: TRIES,
    stopWithinMs: STOP_WITHIN_MS,
  });
  return { own: true, target, namespace, uiUrl: `http://${LOOPBACK}:${uiPort}` };
}

/** A server that somebody else runs, with the credentials of Temporal's profile. */
export function foreignServer(environment: Environment, address: string, namespace: string): RunningTemporal {
  return { own: false, target: { address, ...loadProfile(environment).credentials }, namespace, uiUrl: undefined };
}

/**
 * Gives the namespace its search attributes, and our own server a longer memory.
 * @throws DarkroomError `temporal_unavailable` when the server does not answer.
 */
export async function prepareServer(server: RunningTemporal, say: (line: string) => void): Promise<void> {
  const connection = await connectTo(server.target, CONNECT_TIMEOUT_MS);
  try {
    if (server.own) await ensureRetention(connection, server.namespace, RETENTION_DAYS);
    await ensureSearchAttributes(connection, server.namespace);
  } catch (error) {
    if (server.own) throw error;
    // Some hosted servers let only their owner do this.
    say(
      `The search attributes ${SEARCH_ATTRIBUTE_NAMES.join(', ')} could not be checked on ${server.target.address}: see that they exist (type Keyword).`,
    );
  } finally {
    await connection.close();
  }
}
