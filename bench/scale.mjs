/**
 * One batch of many photos, or many batches at once, through a real Temporal server, the real store, journal and API; only
 * the engine returns at once. Prints photos a second, the CPU that every process took (on a machine that others use as
 * well this tells more), what `progress` costs its callers meanwhile, the longest history, and whether memory stays flat.
 *
 *     npm run bench:scale -- [--photos 100000] [--window 64] [--lanes 32] [--batches 1] [--photo-bytes 10] [--profile DIR]
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { megabytes, residentBytes, startCounting } from './process-cost.mjs';
import { openStage, quantile } from './stage.mjs';

const { values: wanted } = parseArgs({
  options: {
    photos: { type: 'string', default: '100000' },
    window: { type: 'string', default: '64' },
    lanes: { type: 'string', default: '32' },
    batches: { type: 'string', default: '1' },
    'photo-bytes': { type: 'string', default: '10' },
    profile: { type: 'string' },
  },
});
const total = Number(wanted.photos);
const batches = Number(wanted.batches);
const all = total * batches;
/** People who look at the same batch, and how often each asks. */
const WATCHERS = 10;
const WATCH_EVERY_MS = 200;
const SUBMITTED_AT_ONCE = 20;

const stage = await openStage({
  lanes: wanted.lanes,
  serviceMs: 0,
  profileDir: wanted.profile,
  photoBytes: Number(wanted['photo-bytes']),
});

async function submitAll() {
  const ids = [];
  while (ids.length < batches) {
    const group = Array.from({ length: Math.min(SUBMITTED_AT_ONCE, batches - ids.length) }, () =>
      stage.submit(total, { maxWorkers: Number(wanted.window) }),
    );
    ids.push(...(await Promise.all(group)));
  }
  return ids;
}

async function getJson(path) {
  const answer = await fetch(new URL(path, stage.api));
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return await answer.json();
}

/** Photos that are done: of one batch by asking the API as a watcher does, of many by what Temporal counts. */
async function countDone(ids) {
  if (ids.length === 1) return (await getJson(`/api/v1/batches/${ids[0]}`)).completed;
  const query = 'WorkflowType = "enhanceBatch" AND ExecutionStatus = "Completed"';
  return (await stage.client.workflow.count(query)).count * total;
}

/** Asks for progress again and again until `stop` is aborted; answers the latencies in milliseconds. */
async function watch(id, stop) {
  const latencies = [];
  const watcher = async () => {
    while (!stop.aborted) {
      const asked = performance.now();
      await getJson(`/api/batch-progress/${id}`);
      latencies.push(performance.now() - asked);
      await sleep(WATCH_EVERY_MS * (0.5 + Math.random()));
    }
  };
  await Promise.all(Array.from({ length: WATCHERS }, watcher));
  return latencies;
}

async function memoryNow() {
  const sizes = await Promise.all(Object.values(stage.processes).map(residentBytes));
  return Object.keys(stage.processes)
    .map((name, at) => `${name} ${megabytes(sizes[at])}`)
    .join(', ');
}

const perThousand = (seconds, photos) =>
  Object.entries(seconds)
    .map(([name, used]) => `${name} ${((used / photos) * 1000).toFixed(2)}`)
    .join(' + ');

/** Prints a line for every tenth; resolves when all photos are done. */
async function follow(ids, startedAt, cpu) {
  let printed = { completed: 0, at: startedAt };
  for (;;) {
    const completed = await countDone(ids);
    if (completed - printed.completed >= all / 10 || completed >= all) {
      const rate = ((completed - printed.completed) / (performance.now() - printed.at)) * 1000;
      printed = { completed, at: performance.now() };
      console.log(`${String(completed).padStart(7)} photos  ${rate.toFixed(0).padStart(4)}/s  ${await memoryNow()}`);
    }
    if (completed >= all) return { used: await cpu(), seconds: (performance.now() - startedAt) / 1000 };
    await sleep(250);
  }
}

/** Reads the whole batch page by page, as a client with a cursor does. */
async function listPages(id) {
  const times = [];
  let completed = 0;
  for (let cursor = ''; cursor !== null;) {
    const asked = performance.now();
    const page = await getJson(`/api/v1/batches/${id}/photos?limit=500${cursor === '' ? '' : `&cursor=${cursor}`}`);
    times.push(performance.now() - asked);
    completed += page.photos.filter(({ status }) => status === 'completed').length;
    cursor = page.next_cursor;
  }
  return { completed, times };
}

async function longestHistory() {
  let longest = 0;
  for await (const run of stage.client.workflow.list({ query: 'WorkflowType = "enhanceBatch"' }))
    longest = Math.max(longest, run.historyLength ?? 0);
  return longest;
}

const inMs = (values) =>
  `p50 ${quantile(values, 0.5).toFixed(1)} ms, p99 ${quantile(values, 0.99).toFixed(1)} ms, ${values.length} calls`;

try {
  console.log(
    `${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}`,
  );
  const cpu = await startCounting(stage.processes);
  const startedAt = performance.now();
  const ids = await submitAll();
  console.log(`${batches} x ${total} photos submitted in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  const ended = new AbortController();
  const following = follow(ids, startedAt, cpu).finally(() => ended.abort());
  const [{ used, seconds }, latencies] = await Promise.all([following, watch(ids[0], ended.signal)]);
  await Promise.all(ids.map((id) => stage.client.workflow.getHandle(id).result()));
  const sum = Object.values(used).reduce((left, right) => left + right, 0);
  console.log(`${all} photos in ${seconds.toFixed(1)} s: ${(all / seconds).toFixed(0)}/s`);
  console.log(
    `CPU seconds per 1,000 photos: ${perThousand(used, all)} = ${((sum / all) * 1000).toFixed(2)}: enough for ${((all / sum) * 2).toFixed(0)}/s on two cores`,
  );
  console.log(`longest history: ${await longestHistory()} events`);
  console.log(`progress over HTTP, ${WATCHERS} watchers: ${inMs(latencies)}`);
  const { completed, times } = await listPages(ids[0]);
  console.log(`listed ${completed} photos by cursor, 500 a page: ${inMs(times)}`);
} finally {
  await stage.close();
}
