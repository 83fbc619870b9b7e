import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { Environment } from '../contracts/config.ts';
import { DarkroomError } from '../contracts/errors.ts';

type ConnectConfig = ReturnType<typeof loadClientConnectConfig>;

/** Temporal's own configuration: its environment variables over its profile file (`temporal.toml`). */
export interface TemporalProfile {
  /** Host and port; `undefined` when nobody named a server. */
  readonly address: string | undefined;
  readonly namespace: string | undefined;
  /** TLS, API key and headers, as every connection of the SDK takes them. */
  readonly credentials: Pick<ConnectConfig['connectionOptions'], 'tls' | 'apiKey' | 'metadata'>;
}

/** @throws DarkroomError `temporal_unavailable` when the profile file cannot be read or names what it has not got. */
export function loadProfile(environment: Environment): TemporalProfile {
  try {
    const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars: present(environment) });
    const { address, tls, apiKey, metadata } = connectionOptions;
    return {
      address: address === '' ? undefined : address,
      namespace,
      credentials: {
        ...(tls === undefined ? {} : { tls }),
        ...(apiKey === undefined ? {} : { apiKey }),
        ...(metadata === undefined ? {} : { metadata }),
      },
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DarkroomError('temporal_unavailable', `Temporal's configuration profile cannot be used: ${reason}`, {
      cause: error,
    });
  }
}

/** An empty variable counts as not set, as everywhere in Darkroom. */
const present = (environment: Environment): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => (entry[1] ?? '').trim() !== ''),
  );
