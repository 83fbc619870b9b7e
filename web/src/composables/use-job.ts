import { computed, ref, shallowRef, type ComputedRef, type Ref } from 'vue';
import type { BatchStatus } from '../api-shapes.ts';
import { isSettled, readBatch, tellJob, type JobSnapshot } from '../job-snapshot.ts';
import type { Job } from '../jobs.ts';
import { usePolling } from './use-polling.ts';
import { api } from './use-server.ts';

const LIVE_MS = 1000;
/** A tab that nobody looks at, a server that is away, a job that has ended: no hurry. */
const CALM_MS = 5000;

interface LiveJob {
  /** Undefined until the first answer. */
  snapshot: ComputedRef<JobSnapshot | undefined>;
  missing: Ref<boolean>;
  /** The server's sentence when a button did not do what it says. */
  problem: Ref<string | undefined>;
  retryFailed(): Promise<void>;
  command(what: 'pause' | 'resume' | 'cancel'): Promise<void>;
}

/** Watches a job for as long as the component lives. */
export function useJob(job: ComputedRef<Job>): LiveJob {
  const batches = shallowRef(new Map<string, BatchStatus>());
  const missing = ref(false);
  const problem = ref<string>();
  const readAt = ref(Date.now());

  const snapshot = computed(() => {
    const known = job.value.batches.flatMap((id) => batches.value.get(id) ?? []);
    return known.length === 0 ? undefined : tellJob(job.value, known, readAt.value);
  });

  const lookNow = usePolling(async (signal) => {
    try {
      const read = await Promise.all(
        job.value.batches.map(async (id) => [id, await readBatch(api, id, signal)] as const),
      );
      batches.value = new Map(read.flatMap(([id, batch]) => (batch === undefined ? [] : [[id, batch]])));
      missing.value = batches.value.size === 0;
      readAt.value = Date.now();
    } catch {
      return CALM_MS / 2; // the server is away: the page's banner says so, and the last known state stays on show
    }
    const live = [...batches.value.values()].some(({ status }) => !isSettled(status));
    return live && !document.hidden ? LIVE_MS : CALM_MS;
  });

  const forBatches = async (ids: readonly string[], act: (id: string) => Promise<unknown>): Promise<void> => {
    problem.value = undefined;
    try {
      for (const id of ids) await act(id);
    } catch (thrown) {
      problem.value = thrown instanceof Error ? thrown.message : String(thrown);
    }
    lookNow();
  };

  const openBatches = (): string[] =>
    [...batches.value.values()].filter(({ status }) => !isSettled(status)).map(({ batch_task_id: id }) => id);

  return {
    snapshot,
    missing,
    problem,
    retryFailed: () => forBatches(snapshot.value?.failedBatches ?? [], (id) => api.resume(id)),
    command: (what) => forBatches(openBatches(), (id) => (what === 'resume' ? api.resume(id) : api.command(id, what))),
  };
}
