import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import type { z } from 'zod';
import { autoscalerReportSchema, SCALING_STALE_MS, type AutoscalerReport } from '../contracts/autoscaling.ts';
import { workerReportSchema, REPORT_STALE_MS, type WorkerReport } from '../contracts/worker-report.ts';
import { TASK_QUEUES } from '../contracts/workflow-api.ts';
import { listDated } from '../storage/list-dated.ts';
import { leaveOutUnreadable, readRecord } from '../storage/json-records.ts';
import { AUTOSCALERS, WORKERS } from '../storage/keys.ts';
import { isAlive } from '../storage/temporary-names.ts';
import type { Store } from '../storage/store.ts';

const CALL_TIMEOUT_MS = 2000;
/** The store's clock and ours: further apart is a fault that the doctor tells of. */
const CLOCKS_APART_MS = 60_000;
/** `TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY` of Temporal's API. */
const ACTIVITY_QUEUE = 2;

/** Reports of the workers that wrote one lately. */
export const readWorkers = (store: Store, now: () => number): Promise<WorkerReport[]> =>
  readReports(store, WORKERS, workerReportSchema, now() - REPORT_STALE_MS);

/** What the autoscalers of all houses on this store last said. */
export const readAutoscalers = (store: Store, now: () => number): Promise<AutoscalerReport[]> =>
  readReports(store, AUTOSCALERS, autoscalerReportSchema, now() - SCALING_STALE_MS);

type Report = { readonly host: string; readonly pid: number; readonly writtenAt: number };

async function readReports<T extends Report>(
  store: Store,
  folder: string,
  schema: z.ZodType<T>,
  since: number,
): Promise<T[]> {
  const lately = (await listDated(store, folder)).filter(({ modifiedAt }) => modifiedAt > since - CLOCKS_APART_MS);
  const reports = await Promise.all(
    lately.map(({ name }) =>
      // One that a full disk cut off, or another release wrote, says nothing; the next is due in seconds.
      leaveOutUnreadable(readRecord(store, `${folder}/${name}`, schema), () => undefined),
    ),
  );
  return reports
    .filter((report) => report !== undefined)
    .filter((report) => report.writtenAt > since && !isKnownDead(report));
}

/** A process of this host that was killed cannot take its report away; of other hosts only the time tells. */
const isKnownDead = ({ host, pid }: Report): boolean => host === hostname() && !isAlive(pid);

/** Photos that wait for a device, and workers that ask for them; `undefined` when Temporal does not answer. */
export async function readQueue(
  client: Client,
  now: () => number,
): Promise<{ backlog: number; pollers: number } | undefined> {
  try {
    const answer = await client.withDeadline(now() + CALL_TIMEOUT_MS, () =>
      client.workflowService.describeTaskQueue({
        namespace: client.options.namespace,
        taskQueue: { name: TASK_QUEUES.enhance },
        taskQueueType: ACTIVITY_QUEUE,
        reportStats: true,
      }),
    );
    return { backlog: Number(answer.stats?.approximateBacklogCount ?? 0), pollers: answer.pollers?.length ?? 0 };
  } catch {
    return undefined;
  }
}
