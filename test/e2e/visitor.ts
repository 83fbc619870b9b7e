import { createHash } from 'node:crypto';
import {
  batchAcceptedSchema,
  batchStatusSchema,
  problemSchema,
  resumeAnswerSchema,
  taskAcceptedSchema,
  taskStatusSchema,
  type BatchStatus,
  type Problem,
  type ResumeAnswer,
  type TaskStatus,
} from '../../src/contracts/http.ts';
import { batchControlledSchema, type BatchControlled } from '../../src/contracts/http-batches.ts';
import {
  operationDetailSchema,
  rollbackAnswerSchema,
  type OperationDetail,
  type RollbackAnswer,
} from '../../src/contracts/http-operations.ts';
import type { Photo } from './photos.ts';
import { waitFor } from './processes.ts';

const ENDED: ReadonlySet<BatchStatus['status']> = new Set(['completed', 'partial_completed', 'failed', 'cancelled']);

/** A client of a house; it holds every answer against the contract's schema. */
export class Visitor {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async get(path: string): Promise<Response> {
    return await fetch(`${this.#url}${path}`, { signal: AbortSignal.timeout(30_000) });
  }

  async post(path: string, field: string, photos: readonly Photo[]): Promise<Response> {
    const form = new FormData();
    for (const { name, bytes } of photos) form.append(field, new Blob([new Uint8Array(bytes)]), name);
    return await fetch(`${this.#url}${path}`, { method: 'POST', body: form, signal: AbortSignal.timeout(60_000) });
  }

  /** @returns the ID of the task. */
  async enhance(photo: Photo, query: string): Promise<string> {
    const answer = await this.post(`/api/v1/enhance?${query}`, 'file', [photo]);
    return taskAcceptedSchema.parse(await good(answer)).task_id;
  }

  /** @returns the ID of the batch. */
  async enhanceBatch(photos: readonly Photo[], query: string): Promise<string> {
    const answer = await this.post(`/api/v1/enhance/batch?${query}`, 'files', photos);
    return batchAcceptedSchema.parse(await good(answer)).batch_task_id;
  }

  async status(taskId: string): Promise<TaskStatus> {
    return taskStatusSchema.parse(await good(await this.get(`/api/v1/status/${taskId}`)));
  }

  async batch(batchId: string): Promise<BatchStatus> {
    return batchStatusSchema.parse(await good(await this.get(`/api/v1/batch/status/${batchId}`)));
  }

  async settled(taskId: string, withinMs = 60_000): Promise<TaskStatus> {
    return await waitFor(`the end of ${taskId}`, withinMs, async () => {
      const status = await this.status(taskId);
      return status.status === 'completed' || status.status === 'failed' ? status : undefined;
    });
  }

  /** Waits for a batch to end; a house that does not answer meanwhile is asked again. */
  async ended(batchId: string, withinMs = 120_000): Promise<BatchStatus> {
    return await this.until(batchId, 'its end', ({ status }) => ENDED.has(status), withinMs);
  }

  async until(
    batchId: string,
    what: string,
    is: (status: BatchStatus) => boolean,
    withinMs = 120_000,
  ): Promise<BatchStatus> {
    let last = 'no answer yet';
    const ask = async (): Promise<BatchStatus | undefined> => {
      const status = await this.batch(batchId).catch((error: unknown) => {
        last = String(error);
      });
      if (status === undefined) return undefined;
      last = JSON.stringify(status);
      return is(status) ? status : undefined;
    };
    return await waitFor(`batch ${batchId}: ${what}`, withinMs, ask, 50).catch((error: unknown) => {
      throw new Error(`${String(error)}; last seen: ${last}`);
    });
  }

  async send(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<Response> {
    return await fetch(`${this.#url}${path}`, {
      method,
      ...(body ? { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } } : {}),
      signal: AbortSignal.timeout(30_000),
    });
  }

  async control(batchId: string, verb: 'pause' | 'cancel'): Promise<BatchControlled> {
    return batchControlledSchema.parse(await good(await this.send('POST', `/api/v1/batches/${batchId}/${verb}`)));
  }

  /** Takes a batch up again and holds its answer against what it should say. */
  async resumed(batchId: string, said: { kept: number; remaining: number }): Promise<ResumeAnswer> {
    const body = { operation_id: batchId };
    const answer = resumeAnswerSchema.parse(await good(await this.send('POST', '/api/resume-operation', body)));
    const { kept, remaining } = answer;
    if (kept !== said.kept || remaining !== said.remaining) {
      throw new Error(`expected ${JSON.stringify(said)} of the resume but it said ${JSON.stringify(answer)}`);
    }
    return answer;
  }

  async rollBack(operationId: string): Promise<RollbackAnswer> {
    return rollbackAnswerSchema.parse(
      await good(await this.send('POST', '/api/rollback', { operation_id: operationId })),
    );
  }

  async operation(operationId: string): Promise<OperationDetail> {
    return operationDetailSchema.parse(await good(await this.get(`/api/v1/operations/${operationId}`)));
  }

  /** SHA-256 of every result by the photo's name, as downloaded. */
  async results(batchId: string): Promise<Map<string, string>> {
    const sums = new Map<string, string>();
    for (const { task_id, filename, status } of (await this.batch(batchId)).sub_tasks) {
      if (status === 'completed') sums.set(filename, await this.sha256(task_id));
    }
    return sums;
  }

  async sha256(taskId: string): Promise<string> {
    const answer = await this.get(`/api/v1/download/${taskId}`);
    if (!answer.ok) throw new Error(`download answered ${answer.status}: ${await answer.text()}`);
    return sha256Of(Buffer.from(await answer.arrayBuffer()));
  }
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export async function problem(answer: Response): Promise<Problem> {
  return problemSchema.parse(await answer.json());
}

async function good(answer: Response): Promise<unknown> {
  if (!answer.ok) throw new Error(`${answer.url} answered ${answer.status}: ${await answer.text()}`);
  return await answer.json();
}
