import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, type ConnectionOptions } from '@temporalio/client';
import type { Config, Environment } from '../contracts/config.ts';
import { DarkroomError } from '../contracts/errors.ts';
import { loadProfile, type TemporalProfile } from './profile.ts';

const DEFAULT_ADDRESS = '127.0.0.1:7233';

export type TemporalTarget = { readonly address: string } & TemporalProfile['credentials'];

/** Where Temporal is and how to sign in: for `NativeConnection.connect` of a worker as well as for {@link connectTo}. */
export function temporalTarget(config: Config, environment: Environment): TemporalTarget {
  const profile = loadProfile(environment);
  const address = config.TEMPORAL_ADDRESS || profile.address;
  return { address: address ?? DEFAULT_ADDRESS, ...profile.credentials };
}

/**
 * Connects a client; `timeoutMs` bounds the wait for the first answer.
 * @throws DarkroomError `temporal_unavailable` when nothing answers there.
 */
export async function connectTo(target: TemporalTarget, timeoutMs: number): Promise<Connection> {
  try {
    const options: ConnectionOptions = { ...target, connectTimeout: timeoutMs };
    return await Connection.connect(options);
  } catch (error) {
    throw new DarkroomError('temporal_unavailable', `No Temporal server answers at ${target.address}.`, {
      cause: error,
    });
  }
}

/**
 * Waits for a server that is just starting, until it answers for the namespace.
 * @throws DarkroomError `temporal_unavailable` when the deadline passes; the signal's reason when it is aborted first.
 */
export async function waitUntilServing(
  target: TemporalTarget,
  namespace: string,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<void> {
  const attempts = Math.ceil(deadlineMs / 200);
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      const connection = await connectTo(target, 2_000);
      try {
        await connection.workflowService.describeNamespace({ namespace });
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (attempt >= attempts) {
        throw new DarkroomError('temporal_unavailable', `The Temporal server at ${target.address} does not serve.`, {
          cause: error,
        });
      }
    }
    await sleep(200, undefined, { signal });
  }
}
