import { setTimeout as sleep } from 'node:timers/promises';

const ENDED = new Set(['completed', 'partial_completed', 'failed', 'cancelled']);
const ANSWER_WITHIN_MS = 30_000;

/** A client behind a proxy that sends each call to another API process, and to the next when one does not answer. */
export class Client {
  refused = 0;
  #turn = 0;

  constructor({ urls, key }) {
    this.urls = urls;
    this.headers = { authorization: `Bearer ${key}` };
  }

  /** Tries until an answer below 500 comes: what can be repeated is repeated. */
  async ask(path, init = {}, withinMs = 180_000) {
    for (const since = performance.now(); ; await sleep(300)) {
      const url = this.urls[this.#turn++ % this.urls.length];
      try {
        const headers = { ...this.headers, ...init.headers };
        const answer = await fetch(`${url}${path}`, {
          ...init,
          headers,
          signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        });
        if (answer.status < 500) return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) };
      } catch {
        // cut, or nobody there
      }
      this.refused += 1;
      if (performance.now() - since > withinMs) throw new Error(`No API process answered ${path}`);
    }
  }

  async json(path, init) {
    const { status, bytes } = await this.ask(path, init);
    if (status !== 200) throw new Error(`${path} was answered ${status}: ${bytes.toString()}`);
    return JSON.parse(bytes.toString());
  }

  /** The key makes it one batch however often it has to be sent. @returns its ID */
  async enhance(photos, idempotencyKey) {
    const body = new FormData();
    for (const { name, bytes } of photos) body.append('files', new Blob([bytes]), name);
    const init = { method: 'POST', body, headers: { 'idempotency-key': idempotencyKey } };
    return (await this.json('/api/v1/enhance/batch?quality_level=fast&scale=2&max_workers=6', init)).batch_task_id;
  }

  async ended(batchId, withinMs) {
    for (const since = performance.now(); ; await sleep(500)) {
      const status = await this.json(`/api/v1/batch/status/${batchId}`);
      if (ENDED.has(status.status)) return status;
      if (performance.now() - since > withinMs)
        throw new Error(`Batch ${batchId} has not ended: ${JSON.stringify(status)}`);
    }
  }
}
