/**
 * Many clients that follow one batch as server-sent events, through a real Temporal server, worker, store and API process.
 * Some read nothing for a while, some are cut off and come back with Last-Event-ID. Prints memory and file descriptors of the
 * API before, during and after, and fails unless every client heard of every photo and of the end.
 *
 *     npm run bench:events -- [--clients 1000] [--photos 1500] [--service-ms 100] [--lanes 4]
 */
import { readdir } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from './book.mjs';
import { cpuSeconds, residentBytes } from './process-cost.mjs';
import { openStage } from './stage.mjs';

const { values: wanted } = parseArgs({
  options: {
    clients: { type: 'string', default: '1000' },
    photos: { type: 'string', default: '1500' },
    'service-ms': { type: 'string', default: '100' },
    lanes: { type: 'string', default: '4' },
  },
});
const clients = Number(wanted.clients);
const total = Number(wanted.photos);
/** Every so many clients: one that does not read for the middle of the batch, one that is cut off again and again. */
const SLOW_EVERY = 20;
const CUT_EVERY = 10;
const CUT_AFTER_MS = 4000;
const COME_BACK_MS = 500;
const SETTLED = new Set(['completed', 'failed']);

const stage = await openStage({ lanes: wanted.lanes, serviceMs: Number(wanted['service-ms']) });
const { api: pid } = stage.processes;

async function measure() {
  const [rss, handles] = await Promise.all([residentBytes(pid), readdir(`/proc/${pid}/fd`)]);
  return { rss: rss / 2 ** 20, handles: handles.length };
}

/** A client as a browser is one: it keeps the last ID and comes back until it is told not to. */
class Client {
  heard = new Uint8Array(total);
  photos = 0;
  ended = false;
  over = false;
  visits = 0;
  lastEventId;
  #rest = '';

  constructor(url, { cut }) {
    this.url = url;
    this.cut = cut;
  }

  connect() {
    this.visits += 1;
    const headers = this.lastEventId === undefined ? {} : { 'last-event-id': this.lastEventId };
    this.request = get(this.url, { headers, agent: new Agent() }, (response) => {
      this.response = response;
      if (response.statusCode === 204) this.over = true;
      else if (response.statusCode !== 200) this.refusal = response.statusCode;
      response.setEncoding('utf8');
      response.on('data', (text) => this.read(text));
      response.on('error', () => undefined);
      response.on('close', () => this.comeBack());
    });
    this.request.on('error', () => this.response ?? this.comeBack());
    if (this.cut) setTimeout(() => this.request.destroy(), CUT_AFTER_MS * (0.5 + Math.random())).unref();
  }

  comeBack() {
    this.#rest = '';
    this.response = undefined;
    if (!this.over) setTimeout(() => this.connect(), COME_BACK_MS);
  }

  read(text) {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop();
    for (const block of blocks) {
      const id = /^id: (.*)$/m.exec(block)?.[1];
      if (id !== undefined) this.lastEventId = id;
      const name = /^event: (.*)$/m.exec(block)?.[1];
      if (name === 'end') this.ended = true;
      if (name !== 'photo' && name !== 'snapshot') continue;
      const data = JSON.parse(/^data: (.*)$/m.exec(block)?.[1]);
      for (const { index, status } of name === 'photo' ? [data] : data.photos) this.note(index, status);
    }
  }

  note(index, status) {
    if (!SETTLED.has(status) || this.heard[index]) return;
    this.heard[index] = 1;
    this.photos += 1;
  }
}

const row = (name, { rss, handles }) =>
  console.log(`${name.padEnd(34)} ${rss.toFixed(0).padStart(6)} MB ${String(handles).padStart(7)} descriptors`);

async function warmUp() {
  const batchId = await stage.submit(20);
  const client = new Client(`${stage.api}/api/v1/batches/${batchId}/events`, { cut: false });
  client.connect();
  while (!client.over) await sleep(100);
}

await warmUp();
const before = await measure();
row('before', before);

const batchId = await stage.submit(total, { maxWorkers: 8 });
await stage.service.pause(batchId);
const url = `${stage.api}/api/v1/batches/${batchId}/events`;
const all = Array.from({ length: clients }, (_, at) => new Client(url, { cut: at % CUT_EVERY === 1 }));
for (const client of all) {
  client.connect();
  await sleep(1);
}
while (all.some(({ visits, response }) => visits === 1 && response === undefined)) await sleep(50);
await sleep(2000);
row(`${clients} clients, nothing happens`, await measure());

await stage.service.resume(batchId);
const since = Date.now();
const cpuBefore = await cpuSeconds(pid);
const slow = all.filter((_, at) => at % SLOW_EVERY === 2);
const samples = [];
const settled = () => all[0].photos / total;
let paused = false;
while (all.some(({ over }) => !over)) {
  await sleep(1000);
  samples.push(await measure());
  const reads = settled() < 0.2 || settled() >= 0.8;
  if (paused === reads) {
    paused = !reads;
    for (const { response } of slow) {
      if (paused) response?.pause();
      else response?.resume();
    }
  }
}
const seconds = (Date.now() - since) / 1000;
const third = Math.max(1, Math.floor(samples.length / 3));
const median = (part) => ({
  rss: quantile(
    part.map(({ rss }) => rss),
    0.5,
  ),
  handles: quantile(
    part.map(({ handles }) => handles),
    0.5,
  ),
});
row('first third, median', median(samples.slice(0, third)));
row('last third, median', median(samples.slice(-third)));
row('highest', {
  rss: Math.max(...samples.map(({ rss }) => rss)),
  handles: Math.max(...samples.map(({ handles }) => handles)),
});
const cpu = (await cpuSeconds(pid)) - cpuBefore;
await sleep(7000); // idle connections of the clients' 204 are closed after five seconds
row('after', await measure());

const visits = all.reduce((sum, client) => sum + client.visits, 0);
const lost = all.filter(({ photos, ended }) => photos !== total || !ended);
const refused = all.filter(({ refusal }) => refusal !== undefined);
console.log(
  `${total} photos in ${seconds.toFixed(0)} s, ${visits} connections, ${cpu.toFixed(1)} s of CPU in the API; ` +
    `${clients - lost.length} of ${clients} clients heard of every photo and of the end, ${refused.length} were refused.`,
);
if (lost.length > 0) process.exitCode = 1;
await stage.close();
process.exit();
