import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import { autoscalerReportSchema, SCALING_STALE_MS, type AutoscalerReport } from '../contracts/autoscaling.ts';
import { workerReportSchema, REPORT_STALE_MS, type WorkerReport } from '../contracts/worker-report.ts';
import { TASK_QUEUES } from '../contracts/workflow-api.ts';
import { AUTOSCALERS, WORKERS } from '../storage/keys.ts';
import { isAlive } from '../storage/temporary-names.ts';
import type { Store } from '../storage/store.ts';

const CALL_TIMEOUT_MS = 2000;
/** `TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY` of Temporal's API. */
const ACTIVITY_QUEUE = 2;

/** Reports of the workers that wrote one lately. */
export async function readWorkers(store: Store, now: () => number): Promise<WorkerReport[]> {
  const reports = await Promise.all(
    (await store.list(WORKERS)).map(async (name) => {
      const bytes = await store.read(`${WORKERS}/${name}`);
      if (!bytes) return undefined;
      const parsed = workerReportSchema.safeParse(JSON.parse(bytes.toString('utf8')));
      return parsed.success ? parsed.data : undefined;
    }),
  );
  return reports
    .filter((report) => report !== undefined)
    .filter((report) => now() - report.writtenAt < REPORT_STALE_MS && !isKnownDead(report));
}

/** A worker of this host that was killed cannot take its report away; of other hosts only the time tells. */
const isKnownDead = ({ host, pid }: { host: string; pid: number }): boolean => host === hostname() && !isAlive(pid);

/** What the autoscalers of all houses on this store last said. */
export async function readAutoscalers(store: Store, now: () => number): Promise<AutoscalerReport[]> {
  const reports = await Promise.all(
    (await store.list(AUTOSCALERS)).map(async (name) => {
      const bytes = await store.read(`${AUTOSCALERS}/${name}`);
      return bytes && autoscalerReportSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data;
    }),
  );
  return reports
    .filter((report) => report !== undefined)
    .filter((report) => now() - report.writtenAt < SCALING_STALE_MS && !isKnownDead(report));
}

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
