import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { root } from '../../scripts/command.mjs';

const ENDED = new Set(['completed', 'partial_completed', 'failed', 'cancelled', 'rolled_back']);
const UNDONE = new Set(['completed', 'partial_completed', 'failed']);
const BATCH = 6;
const ANSWER_WITHIN_MS = 30_000;
const GIVE_UP_AFTER_MS = 240_000;
const BETWEEN_SINGLES_MS = 1500;
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Traffic of several kinds until `stop`; everything that ended is compared and deleted. Counts and latencies are left in `seen`. */
export class Load {
  seen = {
    completed: 0,
    failed: 0,
    cancelled: 0,
    'rolled back': 0,
    batches: 0,
    followed: 0,
    again: 0,
    /** @type {string[]} */
    lost: [],
    /** @type {string[]} */
    different: [],
  };
  /** Of single photos from sending to done, and of calls that read: `{ at, ms }` each. */
  singles = [];
  calls = [];
  #photos = [];
  /** What each photo became the first time: it must become the same each time. */
  #first = new Map();
  #names = 0;

  constructor({ url, key, random, stop }) {
    Object.assign(this, { url, random, stop, headers: { authorization: `Bearer ${key}` } });
  }

  async run() {
    this.#photos = await makePhotos();
    await Promise.all([this.#sendSingles(), this.#sendBatches(), this.#sendBatches()]);
  }

  async #sendSingles() {
    while (!this.stop.aborted) {
      const photo = this.#pick();
      const since = performance.now();
      const { task_id: task } = await this.#send('/api/v1/enhance?quality_level=fast&scale=2', 'file', [photo]);
      const { status } = await this.#until(`/api/v1/status/${task}`, ({ status }) => ENDED.has(status));
      this.singles.push({ at: since, ms: performance.now() - since });
      await this.#settle({ task_id: task, status, filename: photo.name });
      await this.#remove(task);
      await sleep(BETWEEN_SINGLES_MS * this.random());
    }
  }

  async #sendBatches() {
    while (!this.stop.aborted) {
      const photos = Array.from({ length: BATCH }, () => this.#pick());
      const damaged = this.random() < 0.3;
      if (damaged) photos[2] = { name: 'damaged', bytes: photos[2].bytes.subarray(0, 700) };
      const { batch_task_id: id } = await this.#send(
        '/api/v1/enhance/batch?quality_level=fast&scale=2',
        'files',
        photos,
      );
      this.seen.batches += 1;
      const fate = this.random();
      const following = fate < 0.5 ? this.#follow(id) : undefined;
      if (fate > 0.85) await this.#json(`/api/v1/batches/${id}/cancel`, { method: 'POST' });
      const ended = await this.#until(`/api/v1/batch/status/${id}`, ({ status }) => ENDED.has(status));
      for (const task of ended.sub_tasks) await this.#settle(task);
      if (fate > 0.3 && fate < 0.5) await this.#rollBack(id);
      await following;
      for (const { task_id: task } of ended.sub_tasks) await this.#remove(task);
    }
  }

  /** Reads the batch's events until it ends, taking them up again wherever they break off. */
  async #follow(id) {
    for (let [ended, last] = [false, '']; !ended;) {
      try {
        const headers = { ...this.headers, accept: 'text/event-stream', ...(last ? { 'last-event-id': last } : {}) };
        const answer = await fetch(`${this.url}/api/v1/batches/${id}/events`, {
          headers,
          signal: AbortSignal.timeout(120_000),
        });
        let text = '';
        for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
          text = (text + chunk).slice(-20_000);
          last = /(?:^|\n)id: ?(.*)\n(?![\s\S]*\nid: ?)/.exec(text)?.[1] ?? last;
        }
        // Who comes back after the end is told so (204); a server that stops closes the stream as well.
        ended = text.includes('event: end') || answer.status === 204;
      } catch {
        await sleep(500); // the API was killed
      }
    }
    this.seen.followed += 1;
  }

  async #rollBack(id) {
    const { operation_id: operation } = await this.#json('/api/rollback', {
      method: 'POST',
      body: JSON.stringify({ operation_id: id }),
      headers: { 'content-type': 'application/json' },
    });
    await this.#until(`/api/v1/operations/${operation}`, ({ state }) => UNDONE.has(state));
    this.seen['rolled back'] += 1;
  }

  /** A photo that ended is counted, and its result compared with what it became before. */
  async #settle({ task_id: task, status, filename, error, error_code: code }) {
    if (code === 'cancelled') return void (this.seen.cancelled += 1);
    if (status === 'failed' && filename !== 'damaged') this.seen.different.push(`${task} ${filename} failed: ${error}`);
    if (status === 'completed') {
      const answer = await this.#ask(`/api/v1/download/${task}`);
      if (answer.status !== 200) return void this.seen.lost.push(`${task} ${filename}: ${answer.status}`);
      const sum = sha256(answer.bytes);
      if (!this.#first.has(filename)) this.#first.set(filename, sum);
      if (this.#first.get(filename) !== sum) this.seen.different.push(`${task} ${filename}`);
    } else if (status !== 'failed' && status !== 'cancelled') this.seen.lost.push(`${task} ${filename}: ${status}`);
    this.seen[status] = (this.seen[status] ?? 0) + 1;
  }

  #pick() {
    return this.#photos[Math.floor(this.random() * this.#photos.length)];
  }

  async #remove(task) {
    await this.#ask(`/api/v1/tasks/${task}`, { method: 'DELETE' });
  }

  async #send(path, field, photos) {
    const body = new FormData();
    for (const { name, bytes } of photos) body.append(field, new Blob([bytes]), name);
    const headers = { 'idempotency-key': `soak-${(this.#names += 1)}` };
    return await this.#json(path, { method: 'POST', body, headers });
  }

  async #until(path, is) {
    for (const since = performance.now(); ; await sleep(200)) {
      const asked = performance.now();
      const found = await this.#json(path);
      this.calls.push({ at: asked, ms: performance.now() - asked });
      if (is(found)) return found;
      if (performance.now() - since > GIVE_UP_AFTER_MS) {
        this.seen.lost.push(`${path}: ${found.status ?? found.state} after ${GIVE_UP_AFTER_MS / 1000} s`);
        return { sub_tasks: [], ...found };
      }
    }
  }

  async #json(path, init) {
    const { status, bytes } = await this.#ask(path, init);
    if (status >= 300) throw new Error(`${path} was answered ${status}: ${bytes.toString()}`);
    return JSON.parse(bytes.toString());
  }

  /** Until there is an answer that is not the house's own trouble: everything sent here may be sent twice. */
  async #ask(path, init = {}) {
    for (const since = performance.now(); ; await sleep(300)) {
      try {
        const headers = { ...this.headers, ...init.headers };
        const answer = await fetch(`${this.url}${path}`, {
          ...init,
          headers,
          signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        });
        // 409: the same request, sent before and cut off, is still being worked on.
        if (answer.status < 500 && answer.status !== 409)
          return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) };
      } catch {
        // cut, or nobody there
      }
      this.seen.again += 1;
      if (performance.now() - since > GIVE_UP_AFTER_MS) throw new Error(`Nobody answered ${path}`);
    }
  }
}

/** A dozen, of three sizes, each another part of a sample. */
async function makePhotos() {
  const samples = ['astronaut.jpg', 'chelsea.png', 'coffee.jpg'].map((name) => join(root, 'samples', name));
  return await Promise.all(
    Array.from({ length: 12 }, async (_, index) => {
      const width = [64, 96, 160][Math.floor(index / 3) % 3];
      const area = { left: index * 9, top: index * 7, width, height: (width * 3) / 4 };
      const picture = sharp(samples[index % 3]).extract(area);
      return { name: `photo-${index}`, bytes: await picture.jpeg({ quality: 92 }).toBuffer() };
    }),
  );
}
