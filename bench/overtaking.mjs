/**
 * How long a single photo takes when nothing else is to do, and when it comes into a batch of thousands; and how two tenants
 * share a device. The engine takes a fixed time, so that waiting is all that differs.
 *
 *     node bench/overtaking.mjs [--photos 10000] [--service-ms 200] [--singles 30]
 */
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStage, quantile } from './stage.mjs';

const { values: wanted } = parseArgs({
  options: {
    photos: { type: 'string', default: '10000' },
    'service-ms': { type: 'string', default: '200' },
    singles: { type: 'string', default: '30' },
  },
});
const serviceMs = Number(wanted['service-ms']);
// One lane has two slots; a window of 200 keeps far more than those waiting in the queue.
const stage = await openStage({ lanes: 1, serviceMs });
const result = (id) => stage.client.workflow.getHandle(id).result();

async function timeSingles() {
  const latencies = [];
  for (let count = 0; count < Number(wanted.singles); count++) {
    const startedAt = performance.now();
    await result(await stage.submit(1, { kind: 'single' }));
    latencies.push(performance.now() - startedAt);
    await sleep(50);
  }
  return latencies;
}

const say = (what, values) =>
  console.log(
    `${what.padEnd(40)} p50 ${quantile(values, 0.5).toFixed(0)} ms, p90 ${quantile(values, 0.9).toFixed(0)} ms, max ${Math.max(...values).toFixed(0)} ms`,
  );

try {
  await timeSingles();
  const idle = await timeSingles();
  say('single photo, nothing else to do', idle);
  const batch = await stage.submit(Number(wanted.photos), { maxWorkers: 200 });
  await sleep(3000);
  const busy = await timeSingles();
  say(`single photo, ${wanted.photos} photos queued`, busy);
  const bound = 1.5 * quantile(idle, 0.5) + serviceMs;
  console.log(
    `bound: 1.5 x idle + one photo under way = ${bound.toFixed(0)} ms; p50 is ${quantile(busy, 0.5) <= bound ? 'within' : 'BEYOND'} it`,
  );

  const startedAt = performance.now();
  const other = await stage.submit(60, { tenant: 'other', maxWorkers: 200, priority: 4 });
  await result(other);
  const seconds = (performance.now() - startedAt) / 1000;
  const alone = (60 * serviceMs) / 1000 / 2;
  console.log(
    `60 photos of another tenant beside the first: ${seconds.toFixed(1)} s (alone on two slots: ${alone.toFixed(1)} s; an equal share: ${(2 * alone).toFixed(1)} s)`,
  );
  await stage.client.workflow.getHandle(batch).terminate('the bench is over');
} finally {
  await stage.close();
}
