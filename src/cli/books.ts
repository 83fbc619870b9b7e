import { randomUUID } from 'node:crypto';
import { Client, Connection, WorkflowNotFoundError, type WorkflowClientInterceptor } from '@temporalio/client';
import type { BatchService, OperationView } from '../batches/batch-service.ts';
import { createBatchService } from '../batches/create-batch-service.ts';
import { DarkroomError } from '../contracts/errors.ts';
import { isBatchId, isRollbackId } from '../contracts/ids.ts';
import { Journal } from '../storage/journal.ts';
import { isStoreThere, openStore } from '../storage/open-store.ts';
import { findDesk } from './desk.ts';
import type { Invocation } from './invocation.ts';
import { tellUnreadable } from './terminal.ts';

/** The journal as this command can read it. */
export interface Books {
  readonly service: BatchService;
  readonly journal: Journal;
  /** False when no Darkroom runs: then nobody was asked what is under way, and what is open waits. */
  readonly live: boolean;
  /** Of the disk that the store is on. */
  freeBytes(): Promise<number | undefined>;
  close(): Promise<void>;
}

/** Opens the books without starting anything; `undefined` when there are none yet. */
export async function openBooks(invocation: Invocation): Promise<Books | undefined> {
  const desk = await findDesk(invocation).catch((error: unknown) => {
    if (error instanceof DarkroomError && error.code === 'temporal_unavailable') return undefined;
    throw error;
  });
  if (desk !== undefined) {
    const { service, journal, store } = desk;
    const freeBytes = async () => await store.freeBytes();
    return { service, journal, live: true, freeBytes, close: async () => await desk.close() };
  }
  return await openJournal(invocation);
}

/** The journal alone, whatever runs. */
export async function openJournal({ loaded: { config }, terminal }: Invocation): Promise<Books | undefined> {
  if (!isStoreThere(config)) return undefined;
  const store = await openStore(config, randomUUID);
  const journal = new Journal(store);
  const connection = Connection.lazy();
  const { HEARTBEAT_TIMEOUT_MS: heartbeatTimeoutMs } = config;
  const service = createBatchService({
    client: new Client({ connection, interceptors: { workflow: [KNOWS_NOTHING] } }),
    store,
    journal,
    heartbeatTimeoutMs,
    now: Date.now,
    onUnreadable: (record) => tellUnreadable(terminal, record),
  });
  const freeBytes = async () => await store.freeBytes();
  return { service, journal, live: false, freeBytes, close: async () => await connection.close() };
}

/** Answers in Temporal's place, so that nothing is sent: whoever asks for a workflow falls back on the journal at once. */
export const KNOWS_NOTHING: WorkflowClientInterceptor = {
  describe: ({ workflowExecution }) => refuse(workflowExecution.workflowId),
  query: ({ workflowExecution }) => refuse(workflowExecution.workflowId),
};

const refuse = async (workflowId: string | null | undefined): Promise<never> =>
  await Promise.reject(new WorkflowNotFoundError('No Darkroom runs.', workflowId ?? '', undefined));

/**
 * The operation of this ID.
 * @throws DarkroomError `not_found`.
 */
export async function requireOperation(books: Books | undefined, operationId: string): Promise<OperationView> {
  const known = isBatchId(operationId) || isRollbackId(operationId);
  const operation = known ? await books?.service.operation(operationId) : undefined;
  if (operation === undefined) throw new DarkroomError('not_found', `There is no operation ${operationId}.`);
  return operation;
}
