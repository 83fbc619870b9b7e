import type { Connection } from '@temporalio/client';
import { TASK_QUEUES } from '../contracts/workflow-api.ts';
import { SEARCH_ATTRIBUTE_NAMES } from './prepare-namespace.ts';

/** What Temporal says about what the house needs of it; each call throws when it does not answer. */
export interface TemporalProbe {
  /** Name and version of the server, and how long it keeps closed workflows. */
  describe(): Promise<{ version: string; retentionHours: number }>;
  /** Search attributes that are not registered; `undefined` when the server keeps that to itself. */
  missingSearchAttributes(): Promise<readonly string[] | undefined>;
  /** Task queues that no worker asks for work. */
  idleQueues(): Promise<readonly string[]>;
}

/** `TaskQueueType` of Temporal's API. */
const WORKFLOW_QUEUE = 1;
const ACTIVITY_QUEUE = 2;
const QUEUE_KINDS = [
  { name: TASK_QUEUES.orchestration, taskQueueType: WORKFLOW_QUEUE },
  { name: TASK_QUEUES.io, taskQueueType: ACTIVITY_QUEUE },
  { name: TASK_QUEUES.enhance, taskQueueType: ACTIVITY_QUEUE },
];
/** The server lists whoever asked in the last five minutes; a poll lasts one, so who has not asked for longer is gone. */
const POLL_STALE_MS = 90_000;
const REFUSALS = new Set([7, 12, 16]); // PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED

export function createTemporalProbe(connection: Connection, namespace: string, now: () => number): TemporalProbe {
  const { workflowService, operatorService } = connection;
  return {
    async describe() {
      const [{ serverVersion }, { config }] = await Promise.all([
        workflowService.getSystemInfo({}),
        workflowService.describeNamespace({ namespace }),
      ]);
      const seconds = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0);
      return { version: serverVersion ?? 'unknown', retentionHours: seconds / 3600 };
    },
    async missingSearchAttributes() {
      try {
        const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
        return SEARCH_ATTRIBUTE_NAMES.filter((name) => !Object.hasOwn(customAttributes ?? {}, name));
      } catch (error) {
        if (error instanceof Error && 'code' in error && REFUSALS.has(Number(error.code))) return undefined;
        throw error;
      }
    },
    async idleQueues() {
      const polled = await Promise.all(
        QUEUE_KINDS.map(async ({ name, taskQueueType }) => {
          const { pollers } = await workflowService.describeTaskQueue({
            namespace,
            taskQueue: { name },
            taskQueueType,
          });
          return (pollers ?? []).some(
            ({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000 > now() - POLL_STALE_MS,
          );
        }),
      );
      return QUEUE_KINDS.filter((_, index) => !polled[index]).map(({ name }) => name);
    },
  };
}
