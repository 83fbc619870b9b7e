import type * as z from 'zod/mini';
import {
  aboutShape,
  addedShape,
  batchShape,
  healthShape,
  modelsShape,
  operationDetailShape,
  operationListShape,
  performanceShape,
  photoPageShape,
  planShape,
  problemShape,
  rightsShape,
  rollbackShape,
  type About,
  type Batch,
  type Health,
  type Models,
  type OperationDetail,
  type OperationList,
  type Options,
  type Performance,
  type PhotoPage,
  type Plan,
  type Rights,
} from './api-shapes.ts';

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

export interface PlanSize {
  name: string;
  width: number;
  height: number;
}

export type Command = 'pause' | 'resume' | 'cancel' | 'retry' | 'seal';

/** Every call the page makes. All reject with {@link ApiProblem} or {@link ServerGone}, or with the signal's reason. */
export interface Api {
  about(signal?: AbortSignal): Promise<About>;
  health(signal?: AbortSignal): Promise<Health>;
  /** Keeps the key as a cookie that this page cannot read. */
  beginSession(key: string): Promise<void>;
  endSession(): Promise<void>;
  rights(signal?: AbortSignal): Promise<Rights>;
  plan(photos: readonly PlanSize[], options: Options, listed: number, signal: AbortSignal): Promise<Plan>;
  openBatch(options: Options, key: string): Promise<Batch>;
  /** @returns the tasks, in the order of the uploads. The same key never adds twice. */
  addUploads(batchId: string, uploadIds: readonly string[], key: string): Promise<string[]>;
  batch(batchId: string, signal?: AbortSignal): Promise<Batch>;
  photos(batchId: string, query: Record<string, string>, signal?: AbortSignal): Promise<PhotoPage>;
  command(batchId: string, command: Command): Promise<void>;
  /** Cancels one photo if it is under way, and removes its upload and result. */
  removePhoto(taskId: string): Promise<void>;
  operations(query: Record<string, string>, signal?: AbortSignal): Promise<OperationList>;
  operation(id: string, signal?: AbortSignal): Promise<OperationDetail>;
  /** @returns the ID of the rollback. */
  rollBack(operationId: string, taskIds: readonly string[] | undefined): Promise<string>;
  performance(signal?: AbortSignal): Promise<Performance>;
  models(signal?: AbortSignal): Promise<Models>;
}

/** What every call tells whoever watches the line: whether the server answered, and whether it wants a key. */
export type Told = (answer: { reached: boolean; needsKey?: boolean }) => void;

export function createApi(tell: Told): Api {
  const send = sender(tell);
  const read = async <S extends z.ZodMiniType>(shape: S, path: string, init: RequestInit = {}): Promise<z.infer<S>> =>
    shape.parse(await (await send(path, init)).json());
  return {
    about: (signal) => read(aboutShape, '/', abortable(signal)),
    // An unwell server says so with 503 and the same body; that body is what the page wants to show.
    health: async (signal) => healthShape.parse(await (await send('/health', abortable(signal), [503])).json()),
    beginSession: async (key) => void (await send(SESSION, post({ key }))),
    endSession: async () => void (await send(SESSION, { method: 'DELETE' })),
    rights: (signal) => read(rightsShape, SESSION, abortable(signal)),
    plan: (photos, options, listed, signal) =>
      read(planShape, `/api/v1/plan?limit=${listed}`, {
        ...post({ source: { kind: 'sizes', photos }, options: told(options) }),
        signal,
      }),
    openBatch: (options, key) =>
      read(batchShape, '/api/v1/batches', post({ open: true, options: told(options) }, { 'Idempotency-Key': key })),
    addUploads: async (batchId, ids, key) => {
      const body = post({ upload_ids: ids }, { 'Idempotency-Key': key });
      return (await read(addedShape, `${batchPath(batchId)}/photos`, body)).task_ids;
    },
    batch: (batchId, signal) => read(batchShape, batchPath(batchId), abortable(signal)),
    photos: (batchId, query, signal) =>
      read(photoPageShape, `${batchPath(batchId)}/photos?${new URLSearchParams(query)}`, abortable(signal)),
    command: async (batchId, command) => void (await send(`${batchPath(batchId)}/${command}`, { method: 'POST' })),
    removePhoto: async (taskId) =>
      void (await send(`/api/v1/tasks/${encodeURIComponent(taskId)}`, { method: 'DELETE' })),
    operations: (query, signal) =>
      read(operationListShape, `/api/v1/operations?${new URLSearchParams(query)}`, abortable(signal)),
    operation: (id, signal) =>
      read(operationDetailShape, `/api/v1/operations/${encodeURIComponent(id)}`, abortable(signal)),
    rollBack: async (operationId, taskIds) => {
      const body = { operation_id: operationId, ...(taskIds === undefined ? {} : { task_ids: taskIds }) };
      return (await read(rollbackShape, '/api/rollback', post(body))).operation_id;
    },
    performance: (signal) => read(performanceShape, '/api/v1/performance?history=true', abortable(signal)),
    models: (signal) => read(modelsShape, '/api/v1/models', abortable(signal)),
  };
}

const post = (body: object, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

/** Who asks what a key may do is told, key or not. */
const SESSION = '/api/v1/session';

const batchPath = (batchId: string): string => `/api/v1/batches/${encodeURIComponent(batchId)}`;

const abortable = (signal: AbortSignal | undefined): RequestInit => (signal ? { signal } : {});

/** What is left to the server is not sent. */
const told = ({ denoise, ...options }: Options): object => (denoise === null ? options : { ...options, denoise });

const sender =
  (tell: Told) =>
  async (path: string, init: RequestInit, welcome: readonly number[] = []): Promise<Response> => {
    const headers = new Headers(init.headers);
    headers.set('Accept', 'application/json');
    const answer = await fetch(path, { ...init, headers, cache: 'no-store' }).catch((cause: unknown) => {
      if (init.signal?.aborted) throw cause;
      tell({ reached: false });
      throw new ServerGone('The server does not answer.', { cause });
    });
    const open = path === '/' || path === '/health' || (path === SESSION && init.method === undefined);
    tell({ reached: true, ...(open ? {} : { needsKey: answer.status === 401 }) });
    if (!answer.ok && !welcome.includes(answer.status)) throw problemOf(answer.status, await answer.text());
    return answer;
  };

/** Reads a problem document; an answer that is none (a proxy's page, say) is told by its status. */
export function problemOf(status: number, text: string): ApiProblem {
  try {
    const problem = problemShape.parse(JSON.parse(text));
    return new ApiProblem(status, problem.code, problem.detail || problem.title || `HTTP ${status}`);
  } catch {
    return new ApiProblem(status, '', `HTTP ${status}`);
  }
}
