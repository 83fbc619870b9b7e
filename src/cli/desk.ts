import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import type { BatchService } from '../batches/batch-service.ts';
import { createBatchService } from '../batches/create-batch-service.ts';
import { DarkroomError } from '../contracts/errors.ts';
import { Journal } from '../storage/journal.ts';
import { openStore } from '../storage/open-store.ts';
import type { Store } from '../storage/store.ts';
import { connectTo } from '../temporal/connection.ts';
import { loadProfile } from '../temporal/profile.ts';
import { openTracing } from '../tracing/open-tracing.ts';
import { fetchDefaultModels } from './fetch-models.ts';
import type { Invocation } from './invocation.ts';
import { readRunFile } from './supervisor/run-file.ts';
import { Supervisor } from './supervisor/supervisor.ts';
import { downloadBar, tellUnreadable } from './terminal.ts';

/** The same as of API calls without keys, so that the page shows the batches of the command line too. */
export const TENANT = 'local';

/** Where work is handed in: at a Darkroom that runs on this data directory already, or at one opened for the purpose. */
export interface Desk {
  readonly service: BatchService;
  readonly store: Store;
  readonly journal: Journal;
  /** True when it was opened for the purpose: it closes with the command. */
  readonly own: boolean;
  /** Execution provider of a worker that is there; `undefined` when none has said. */
  readonly device: string | undefined;
  readonly notices: readonly string[];
  /** False when the Darkroom whose guest we are has gone. */
  isOpen(): Promise<boolean>;
  close(): Promise<void>;
}

/** The Darkroom at whose desk we were a guest has stopped. */
export class DeskClosed extends Error {
  override readonly name = 'DeskClosed';
}

const CONNECT_TIMEOUT_MS = 10_000;
const STARTING_LOOKS = 240;
const LOOK_AGAIN_MS = 500;

/** Starts what is missing. `onSupervisor` is told of a supervisor before it starts anything, so that it can be killed. */
export async function openDesk(
  invocation: Invocation,
  signal: AbortSignal,
  onSupervisor: (supervisor: Supervisor) => void,
): Promise<Desk> {
  for (let look = 0; ; look += 1) {
    const guest = await visit(invocation);
    if (guest !== undefined) return guest;
    try {
      return await openOwn(invocation, signal, onSupervisor);
    } catch (error) {
      // Somebody holds the data directory and cannot be visited yet: it is just starting.
      const starting = error instanceof DarkroomError && error.code === 'already_running' && look < STARTING_LOOKS;
      if (!starting) throw error;
      if (look === 0) invocation.terminal.line('Another Darkroom is just starting here; waiting for it.');
      await sleep(LOOK_AGAIN_MS, undefined, { signal });
    }
  }
}

/**
 * A desk for what needs no Darkroom of its own: at the one that runs on this data directory, or at the Temporal server that
 * the configuration names. @returns `undefined` when there is neither.
 */
export async function findDesk(invocation: Invocation): Promise<Desk | undefined> {
  const guest = await visit(invocation);
  if (guest !== undefined) return guest;
  const { config, environment } = invocation.loaded;
  const profile = loadProfile(environment);
  const address = config.TEMPORAL_ADDRESS || profile.address;
  if (address === undefined) return undefined;
  return await connectAsGuest(invocation, address, profile.namespace ?? config.TEMPORAL_NAMESPACE, async () =>
    Promise.resolve(true),
  );
}

async function visit(invocation: Invocation): Promise<Desk | undefined> {
  const { DATA_DIR } = invocation.loaded.config;
  const running = await readRunFile(DATA_DIR);
  if (running === undefined) return undefined;
  const isOpen = async (): Promise<boolean> => (await readRunFile(DATA_DIR))?.pid === running.pid;
  return await connectAsGuest(invocation, running.temporalAddress, running.namespace, isOpen);
}

async function connectAsGuest(
  invocation: Invocation,
  address: string,
  namespace: string,
  isOpen: () => Promise<boolean>,
): Promise<Desk> {
  const desk = await connectDesk(invocation, address, namespace);
  const [worker] = await desk.service.workers();
  return {
    ...desk,
    own: false,
    device: worker?.device,
    notices: worker?.notices ?? [],
    isOpen,
    close: desk.disconnect,
  };
}

async function openOwn(
  invocation: Invocation,
  signal: AbortSignal,
  onSupervisor: (supervisor: Supervisor) => void,
): Promise<Desk> {
  const { loaded, scripts, terminal } = invocation;
  const supervisor = new Supervisor({
    loaded,
    scripts: { worker: scripts.worker },
    provideModels: (given) => fetchDefaultModels(invocation, given),
    say: (line) => terminal.line(line),
    onDownload: downloadBar(terminal),
    onPhase: (text) => terminal.passing(text),
  });
  onSupervisor(supervisor);
  const house = await supervisor.open(signal);
  terminal.endBar();
  try {
    const desk = await connectDesk(invocation, house.temporalAddress, house.namespace);
    return {
      ...desk,
      own: true,
      device: house.device,
      notices: house.notices,
      isOpen: async () => await Promise.resolve(true),
      async close() {
        await desk.disconnect();
        await supervisor.close();
      },
    };
  } catch (error) {
    await supervisor.close();
    throw error;
  }
}

async function connectDesk({ loaded, terminal }: Invocation, address: string, namespace: string) {
  const { credentials } = loadProfile(loaded.environment);
  const connection = await connectTo({ address, ...credentials }, CONNECT_TIMEOUT_MS);
  const tracing = await openTracing(loaded.config, 'command', (message) => terminal.line(`Traces: ${message}`));
  const store = await openStore(loaded.config, randomUUID);
  const journal = new Journal(store);
  const service = createBatchService({
    client: new Client({ connection, namespace, ...(tracing ? { interceptors: tracing.clientInterceptors } : {}) }),
    store,
    journal,
    heartbeatTimeoutMs: loaded.config.HEARTBEAT_TIMEOUT_MS,
    now: Date.now,
    onUnreadable: (record) => tellUnreadable(terminal, record),
  });
  const disconnect = async (): Promise<void> => {
    await connection.close();
    await tracing?.close();
  };
  return { service, store, journal, disconnect };
}
