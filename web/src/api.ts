import type * as z from 'zod/mini';
import {
  aboutShape,
  batchStatusShape,
  healthShape,
  problemShape,
  submittedShape,
  taskShape,
  tasksShape,
  type About,
  type BatchStatus,
  type EnhanceChoice,
  type Health,
  type Submitted,
  type Task,
  type Tasks,
} from './api-shapes.ts';
import { postForm, type UploadWatch } from './upload.ts';

/** The server answered, and the answer was no. `message` is its own sentence. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, sentence: string) {
    super(sentence);
    this.status = status;
    this.code = code;
  }
}

/** No answer at all: the server is stopped, or the line is down. */
export class ServerGone extends Error {
  override readonly name = 'ServerGone';
}

type BatchCommand = 'pause' | 'cancel';

/** Every call the page makes. All reject with {@link ApiProblem} or {@link ServerGone}, or with the signal's reason. */
export interface Api {
  about(signal?: AbortSignal): Promise<About>;
  health(signal?: AbortSignal): Promise<Health>;
  submit(files: readonly File[], choice: EnhanceChoice, watch: UploadWatch): Promise<Submitted>;
  batchStatus(batchId: string, options?: { cursor?: string; signal?: AbortSignal }): Promise<BatchStatus>;
  task(taskId: string, signal?: AbortSignal): Promise<Task>;
  /** Continues a paused batch, or tries the failed photos of a finished one again. */
  resume(batchId: string): Promise<void>;
  command(batchId: string, command: BatchCommand): Promise<void>;
  tasks(signal?: AbortSignal): Promise<Tasks>;
}

export const resultUrl = (taskId: string): string => `/api/v1/download/${encodeURIComponent(taskId)}`;
export const zipUrl = (batchId: string): string => `/api/v1/batch/download/${encodeURIComponent(batchId)}`;

/** @param onReached told after every call whether the server answered at all. */
export function createApi(onReached: (reached: boolean) => void): Api {
  const read = async <S extends z.ZodMiniType>(shape: S, path: string, init: RequestInit = {}): Promise<z.infer<S>> => {
    const answer = await send(path, init, onReached);
    return shape.parse(await answer.json());
  };

  return {
    about: (signal) => read(aboutShape, '/', abortable(signal)),
    async health(signal) {
      // An unwell server says so with 503 and the same body; that body is what the page wants to show.
      const answer = await send('/health', abortable(signal), onReached, [503]);
      return healthShape.parse(await answer.json());
    },
    async submit(files, choice, watch) {
      const answer = await postForm('/api/v1/enhance/batch', formOf(files, choice), watch).catch((cause: unknown) => {
        if (!watch.signal.aborted) onReached(false);
        throw watch.signal.aborted ? watch.signal.reason : new ServerGone('The upload broke off.', { cause });
      });
      onReached(true);
      if (answer.status >= 400) throw problemOf(answer.status, answer.text);
      return submittedShape.parse(JSON.parse(answer.text));
    },
    batchStatus: (batchId, { cursor, signal } = {}) => {
      const query = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;
      return read(batchStatusShape, `/api/v1/batch/status/${encodeURIComponent(batchId)}${query}`, abortable(signal));
    },
    task: (taskId, signal) => read(taskShape, `/api/v1/status/${encodeURIComponent(taskId)}`, abortable(signal)),
    async resume(batchId) {
      const body = JSON.stringify({ operation_id: batchId });
      const headers = { 'Content-Type': 'application/json' };
      await send('/api/resume-operation', { method: 'POST', headers, body }, onReached);
    },
    async command(batchId, command) {
      await send(`/api/v1/batches/${encodeURIComponent(batchId)}/${command}`, { method: 'POST' }, onReached);
    },
    tasks: (signal) => read(tasksShape, '/api/v1/tasks', abortable(signal)),
  };
}

const abortable = (signal: AbortSignal | undefined): RequestInit => (signal ? { signal } : {});

function formOf(files: readonly File[], choice: EnhanceChoice): FormData {
  const form = new FormData();
  form.set('quality_level', choice.quality);
  form.set('tile_size', String(choice.tileSize));
  form.set('scale', String(choice.scale));
  for (const file of files) form.append('files', file, file.name);
  return form;
}

async function send(
  path: string,
  init: RequestInit,
  onReached: (reached: boolean) => void,
  welcome: readonly number[] = [],
): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('Accept', 'application/json');
  const answer = await fetch(path, { ...init, headers, cache: 'no-store' }).catch((cause: unknown) => {
    if (init.signal?.aborted) throw cause;
    onReached(false);
    throw new ServerGone('The server does not answer.', { cause });
  });
  onReached(true);
  if (!answer.ok && !welcome.includes(answer.status)) throw problemOf(answer.status, await answer.text());
  return answer;
}

/** Reads a problem document; an answer that is none (a proxy's page, say) is told by its status. */
function problemOf(status: number, text: string): ApiProblem {
  try {
    const problem = problemShape.parse(JSON.parse(text));
    return new ApiProblem(status, problem.code, problem.detail || problem.title || `HTTP ${status}`);
  } catch {
    return new ApiProblem(status, '', `HTTP ${status}`);
  }
}
