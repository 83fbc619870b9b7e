/**
 * One batch of many photos through a real Temporal server, the real store and journal; only the engine returns at once.
 * Prints photos a second, what `progress` costs meanwhile, the longest history, and whether memory stays flat.
 *
 *     npm run bench:scale -- [--photos 100000] [--window 64] [--lanes 32] [--batches 1]
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStage, quantile } from './stage.mjs';

const { values: wanted } = parseArgs({
  options: {
    photos: { type: 'string', default: '100000' },
    window: { type: 'string', default: '64' },
    lanes: { type: 'string', default: '32' },
    batches: { type: 'string', default: '1' },
  },
});
const total = Number(wanted.photos);
const megabytes = (bytes) => `${Math.round(bytes / 2 ** 20)} MB`;
const stage = await openStage({ lanes: wanted.lanes, serviceMs: 0 });

/** Many batches at once, each watched through its first. */
async function submitAll() {
  const ids = [];
  for (let left = Number(wanted.batches); left > 0; left -= 20) {
    const group = Array.from({ length: Math.min(20, left) }, () =>
      stage.submit(total, { maxWorkers: Number(wanted.window) }),
    );
    ids.push(...(await Promise.all(group)));
  }
  return ids;
}

async function countDone(ids) {
  if (ids.length === 1) return (await stage.client.workflow.getHandle(ids[0]).query('progress')).completed;
  const { count } = await stage.client.workflow.count(
    'WorkflowType = "enhanceBatch" AND ExecutionStatus = "Completed"',
  );
  return count * total;
}

try {
  const submittedAt = performance.now();
  const ids = await submitAll();
  const startedAt = performance.now();
  const all = total * ids.length;
  console.log(
    `${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}`,
  );
  console.log(`${ids.length} x ${total} photos submitted in ${((startedAt - submittedAt) / 1000).toFixed(1)} s`);
  const latencies = [];
  let printed = 0;
  for (;;) {
    const asked = performance.now();
    const completed = await countDone(ids);
    latencies.push(performance.now() - asked);
    if (completed - printed >= all / 10 || completed >= all) {
      printed = completed;
      const rate = (completed / (performance.now() - submittedAt)) * 1000;
      const memory = `worker ${megabytes(await stage.workerMemory())}, this process ${megabytes(process.memoryUsage.rss())}, server ${megabytes(await stage.server.rss())}`;
      console.log(`${String(completed).padStart(7)} photos  ${rate.toFixed(0).padStart(4)}/s  ${memory}`);
    }
    if (completed >= all) break;
    await sleep(500);
  }
  await Promise.all(ids.map((id) => stage.client.workflow.getHandle(id).result()));
  const seconds = (performance.now() - submittedAt) / 1000;
  let longest = 0;
  for await (const run of stage.client.workflow.list({ query: 'WorkflowType = "enhanceBatch"' }))
    longest = Math.max(longest, run.historyLength ?? 0);
  console.log(
    `${all} photos in ${seconds.toFixed(1)} s: ${(all / seconds).toFixed(0)}/s, longest history ${longest} events`,
  );
  console.log(
    `progress: p50 ${quantile(latencies, 0.5).toFixed(1)} ms, p99 ${quantile(latencies, 0.99).toFixed(1)} ms`,
  );
  const listedAt = performance.now();
  let listed = 0;
  for (let from = 0; from < total; from += 500) {
    const page = await stage.service.photos(ids[0], from, 500);
    listed += page.filter(({ status }) => status === 'completed').length;
  }
  console.log(`listed ${listed} photos page by page in ${((performance.now() - listedAt) / 1000).toFixed(1)} s`);
} finally {
  await stage.close();
}
