import { reactive, readonly } from 'vue';
import { ApiProblem, ServerGone } from '../api.ts';
import type { Options } from '../api-shapes.ts';
import { useI18n } from '../i18n/index.ts';
import { reasonOf } from '../i18n/words.ts';
import type { Chosen } from '../photos.ts';
import { forgetUnsent, rememberUnsent } from '../unsent.ts';
import { keepSentThumb } from '../thumbnails.ts';
import { uploadPhoto } from '../upload-photo.ts';
import { go } from './use-route.ts';
import { api } from './use-server.ts';
import { useTray } from './use-tray.ts';

/** The sending under way, if any: photos travel three at a time into an open batch, and each is worked on as soon as it is there. */

const LANES = 3;
const AGAIN_MS = 1500;

interface Sending {
  active: boolean;
  batchId: string | undefined;
  total: number;
  /** Photos that the batch has taken in. */
  added: number;
  bytes: number;
  bytesSent: number;
  /** Why it ended early; the photos that were not sent are in {@link Sending.rest}. */
  problem: string | undefined;
  rest: Chosen[];
  /** What the server did not take, with its reason. */
  refused: { name: string; code: string; error: string }[];
}

const fresh = (): Sending => ({
  active: false,
  batchId: undefined,
  total: 0,
  added: 0,
  bytes: 0,
  bytesSent: 0,
  problem: undefined,
  rest: [],
  refused: [],
});
const sending = reactive<Sending>(fresh());
let stopper = new AbortController();

/** Uploads that are here and not yet in the batch, and the call that brings them there. */
let arrived: { id: string; photo: Chosen }[] = [];
let adding: Promise<void> | undefined;

export function useSending() {
  return { sending: readonly(sending), send, sendInto, sendRest, stopSending: () => stopper.abort() };
}

/** Sends photos as a new batch. Settles when all are sent or it broke off; the outcome is in `sending`. */
async function send(photos: readonly Chosen[], options: Options): Promise<void> {
  if (sending.active) return;
  Object.assign(sending, fresh(), { active: true });
  try {
    const { batch_id: batchId } = await api.openBatch({ ...options }, crypto.randomUUID());
    useTray().refused.value = [];
    useTray().remove(new Set(photos.map(({ key }) => key)));
    go({ view: 'job', id: batchId });
    sending.active = false;
    await sendInto(batchId, photos);
  } catch (thrown) {
    Object.assign(sending, { active: false, problem: sentenceOf(thrown) });
  }
}

/** Sends photos into a batch that is still open, and seals it when all are there. */
async function sendInto(batchId: string, photos: readonly Chosen[]): Promise<void> {
  if (sending.active) return;
  const bytes = photos.reduce((sum, { file }) => sum + file.size, 0);
  Object.assign(sending, fresh(), { active: true, batchId, total: photos.length, bytes, rest: [...photos] });
  stopper = new AbortController();
  arrived = [];
  rememberUnsent(batchId, photos.length);
  window.addEventListener('beforeunload', warn);
  try {
    const queue = [...photos];
    await Promise.all(Array.from({ length: LANES }, () => runLane(queue)));
    while (arrived.length > 0 || adding !== undefined) await bringIn();
    stopper.signal.throwIfAborted();
  } catch (thrown) {
    if (!(thrown instanceof DOMException)) sending.problem = sentenceOf(thrown);
    stopper.abort(thrown);
  } finally {
    await adding;
    window.removeEventListener('beforeunload', warn);
    sending.active = false;
  }
  if (sending.rest.length === 0) await seal(batchId);
}

/** Takes up what an earlier failure left, in the same batch. */
async function sendRest(): Promise<void> {
  if (sending.batchId !== undefined) await sendInto(sending.batchId, [...sending.rest]);
}

async function runLane(queue: Chosen[]): Promise<void> {
  for (let photo = queue.shift(); photo !== undefined; photo = queue.shift()) {
    const { file, key } = photo;
    let sentOfThis = 0;
    try {
      const id = await uploadPhoto(file, stopper.signal, (bytes) => {
        sending.bytesSent += bytes - sentOfThis;
        sentOfThis = bytes;
      });
      arrived.push({ id, photo });
      void bringIn();
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      sending.refused.push({ name: file.name, code: thrown.code, error: thrown.message });
      sending.bytesSent += file.size - sentOfThis;
      settle(key);
    }
  }
}

/** Lanes go on meanwhile; what cannot be brought in stops them. */
function bringIn(): Promise<void> {
  adding ??= addArrived()
    .catch((thrown: unknown) => stopper.abort(thrown))
    .finally(() => (adding = undefined));
  return adding;
}

/** One call at a time, with all that came while the last one was under way: photos keep the order they arrived in. */
async function addArrived(): Promise<void> {
  while (arrived.length > 0 && sending.batchId !== undefined) {
    const these = arrived.splice(0, 1000);
    const batchId = sending.batchId;
    const key = crypto.randomUUID();
    const ids = these.map(({ id }) => id);
    const tasks = await insist(() => api.addUploads(batchId, ids, key));
    for (const [place, { photo }] of these.entries()) {
      keepSentThumb(tasks[place] ?? '', photo.thumb);
      settle(photo.key);
    }
    sending.added += these.length;
  }
}

async function seal(batchId: string): Promise<void> {
  await insist(() => api.command(batchId, 'seal')).catch((thrown: unknown) => {
    sending.problem = sentenceOf(thrown);
  });
  forgetUnsent(batchId);
}

function settle(key: string): void {
  sending.rest = sending.rest.filter((photo) => photo.key !== key);
}

/** Goes on asking while the server is away or busy: the same call, under the same key, is done once. */
async function insist<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (thrown) {
      const passing =
        thrown instanceof ServerGone ||
        (thrown instanceof ApiProblem &&
          (thrown.status >= 500 || thrown.status === 429 || thrown.code === 'idempotency_in_progress'));
      if (!passing || stopper.signal.aborted) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

/** The photo's own fault, so that the others go on. */
const isRefusal = (thrown: unknown): thrown is ApiProblem =>
  thrown instanceof ApiProblem && [413, 415, 422].includes(thrown.status);

const sentenceOf = (thrown: unknown): string => reasonOf(useI18n().t.value, thrown);

/** Photos that are not sent yet exist only in this tab. */
const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
