import { reactive, readonly } from 'vue';
import type { EnhanceChoice } from '../api-shapes.ts';
import { rememberJob, type Job } from '../jobs.ts';
import { chunks, type Photo } from '../photos.ts';
import { keepPreview } from '../preview-shelf.ts';
import { openJob } from './use-route.ts';
import { api, useServer } from './use-server.ts';
import { useTray } from './use-tray.ts';

/** The upload under way, if any: one at a time, in forms of as many photos as the server takes at once. */

interface Sending {
  active: boolean;
  total: number;
  sent: number;
  /** Share of the form under way that has left, 0..1. */
  share: number;
  /** Why it ended early; the photos not sent wait in {@link Sending.rest}. */
  problem: string | undefined;
  rest: Photo[];
  job: Job | undefined;
}

const sending: Sending = reactive({
  active: false,
  total: 0,
  sent: 0,
  share: 0,
  problem: undefined,
  rest: [],
  job: undefined,
});
let lastChoice: EnhanceChoice | undefined;
let stopper = new AbortController();

export function useSending() {
  return { sending: readonly(sending), send, sendRest, stopSending: () => stopper.abort() };
}

/** Sends photos as a new job. Settles when all are sent or one form failed; the outcome is in `sending`. */
async function send(photos: readonly Photo[], choice: EnhanceChoice): Promise<void> {
  if (sending.active) return;
  lastChoice = { ...choice };
  useTray().refused.value = [];
  Object.assign(sending, { total: photos.length, sent: 0, job: undefined });
  await sendAll(photos, lastChoice);
}

/** Takes up what an earlier failure left, in the same job. */
async function sendRest(): Promise<void> {
  if (sending.active || lastChoice === undefined) return;
  await sendAll([...sending.rest], lastChoice);
}

async function sendAll(photos: readonly Photo[], choice: EnhanceChoice): Promise<void> {
  stopper = new AbortController();
  Object.assign(sending, { active: true, share: 0, problem: undefined, rest: [...photos] });
  try {
    for (const form of chunks(photos, useServer().limits.value.filesPerForm)) await sendForm(form, choice);
  } catch (thrown) {
    if (!stopper.signal.aborted) sending.problem = thrown instanceof Error ? thrown.message : String(thrown);
  } finally {
    sending.active = false;
  }
}

async function sendForm(form: readonly Photo[], choice: EnhanceChoice): Promise<void> {
  const answer = await api.submit(
    form.map((photo) => photo.file),
    choice,
    { signal: stopper.signal, onProgress: (share) => (sending.share = share) },
  );
  // Tasks come in the order of the files.
  form.forEach(({ preview }, index) => {
    const taskId = answer.sub_tasks[index];
    if (taskId !== undefined && preview !== undefined) void keepPreview(taskId, preview);
  });
  const gone = new Set(form.map((photo) => photo.key));
  sending.rest = sending.rest.filter((photo) => !gone.has(photo.key));
  sending.sent += form.length;
  sending.share = 0;
  useTray().remove(gone);
  extendJob(answer.batch_task_id, choice);
}

function extendJob(batchId: string, { quality, scale }: EnhanceChoice): void {
  const first = sending.job === undefined;
  sending.job ??= { id: batchId, batches: [], createdAt: Date.now(), total: sending.total, quality, scale };
  sending.job.batches.push(batchId);
  rememberJob(sending.job);
  if (first) openJob(batchId);
}
