import { ref, type Ref } from 'vue';
import { readBatch, tellJob, type JobSnapshot } from '../job-snapshot.ts';
import { batchOfTask, forgetJob, rememberedJobs, unknownJob, type Job } from '../jobs.ts';
import { findPreview } from '../preview-shelf.ts';
import { usePolling } from './use-polling.ts';
import { api } from './use-server.ts';

const SHOWN = 8;
const THUMBS = 4;
const AGAIN_MS = 5000;

export interface RecentJob {
  job: Job;
  /** Known only to the server: another browser or a program sent it. */
  elsewhere: boolean;
  /** Undefined until read; `missing` when the server has it no more. */
  snapshot: JobSnapshot | 'missing' | undefined;
  thumbs: string[];
}

/** What this browser sent, and what the server has besides, newest first. */
export function useRecent(): { recent: Ref<RecentJob[]>; forget(id: string): void } {
  const recent = ref<RecentJob[]>(
    rememberedJobs()
      .slice(0, SHOWN)
      .map((job) => ({ job, elsewhere: false, snapshot: undefined, thumbs: [] })),
  );

  usePolling(async (signal) => {
    try {
      const jobs = await findJobs(signal);
      recent.value = await Promise.all(jobs.map((job) => readRecent(job, signal)));
    } catch {
      // The server is away; what the browser remembers stays on show.
    }
    return AGAIN_MS;
  });

  const forget = (id: string): void => {
    forgetJob(id);
    recent.value = recent.value.filter(({ job }) => job.id !== id);
  };
  return { recent, forget };
}

async function findJobs(signal: AbortSignal): Promise<Job[]> {
  const mine = rememberedJobs();
  const known = new Set(mine.flatMap((job) => job.batches));
  const { tasks } = await api.tasks(signal);
  const others = new Map<string, Job>();
  for (const task of tasks) {
    const batchId = batchOfTask(task.task_id);
    if (!known.has(batchId)) others.set(batchId, { ...unknownJob(batchId), createdAt: task.created_at * 1000 });
  }
  return [...mine, ...others.values()].sort((a, b) => b.createdAt - a.createdAt).slice(0, SHOWN);
}

async function readRecent(job: Job, signal: AbortSignal): Promise<RecentJob> {
  const read = await Promise.all(job.batches.map((id) => readBatch(api, id, signal)));
  const batches = read.filter((batch) => batch !== undefined);
  const snapshot = batches.length === 0 ? 'missing' : tellJob(job, batches, Date.now());
  const tasks = snapshot === 'missing' ? [] : snapshot.photos.slice(0, THUMBS);
  const previews = await Promise.all(tasks.map((task) => findPreview(task.task_id)));
  const elsewhere = !rememberedJobs().some(({ id }) => id === job.id);
  return { job, elsewhere, snapshot, thumbs: previews.flatMap((preview) => preview?.thumb ?? []) };
}
