import type { ClientOptions } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';
import type { Config } from '../contracts/config.ts';

/** What a process that is traced brings along; processes that are not have none of it. */
export interface Tracing {
  /** For clients of Temporal: what they start carries the trace. */
  readonly clientInterceptors: NonNullable<ClientOptions['interceptors']>;
  /** For workers. */
  readonly interceptors: NonNullable<WorkerOptions['interceptors']>;
  readonly sinks: NonNullable<WorkerOptions['sinks']>;
  /** Sends what is not sent yet; resolves within some seconds, whether or not somebody takes it. */
  close(): Promise<void>;
}

/**
 * Makes this process send traces where the settings say so. The SDK is loaded only then.
 * @param tell - of a collector that is away or refuses, in the SDK's words.
 */
export async function openTracing(
  config: Config,
  part: 'api' | 'worker' | 'command',
  tell: (message: string) => void,
): Promise<Tracing | undefined> {
  if (config.OTEL_EXPORTER_OTLP_ENDPOINT === '') return undefined;
  const { startTracing } = await import('./start-tracing.ts');
  return startTracing(`darkroom-${part}`, tell);
}

/** The run of a workflow that was begun by a traced request may end in a worker that sends no traces. */
export const NO_SINKS: NonNullable<WorkerOptions['sinks']> = { traces: { ended: { fn: () => undefined } } };
