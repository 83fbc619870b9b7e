/** What everything but the network costs: Temporal, store, journal and API are real, the engine answers at once. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { middleOf, quantile } from '../book.mjs';
import { ask } from '../house.mjs';
import { residentBytes, startCounting } from '../process-cost.mjs';
import { openStage } from '../stage.mjs';

/** People who look at the same batch, and how often each asks. */
const WATCHERS = 10;
const WATCH_EVERY_MS = 200;
const ENOUGH_TO_COUNT = 1000;
const PROCESSES = { server: 'Temporal server', worker: 'worker', api: 'API' };

export const overhead = {
  name: 'overhead',
  title: 'What Darkroom adds to the network',
  settings: { photos: '10,1000', singles: '60', window: '64', lanes: '32', 'photo-bytes': '10', profile: '' },
  about: `A real Temporal server, store, journal, worker and API process; only the engine returns at once, so all that is left is overhead. Single photos are posted one after
the other, from the first byte to the end of the workflow. Batches have a window of 64 photos, and ten people ask for progress five times a second each. Processor time is what the three processes took, divided by photos:
it hardly depends on what else a machine does. Events and bytes of history are those of all runs of the batch's workflow. \`--overhead-photos 100000\` measures the largest batch, \`--overhead-profile DIR\` writes processor profiles of worker and API.`,

  async run({ photos, singles, window, lanes, profile, 'photo-bytes': bytes }) {
    const stage = await openStage({ lanes, serviceMs: 0, profileDir: profile || undefined, photoBytes: Number(bytes) });
    try {
      await timeSingles(stage, 10); // warm: what is used first is compiled first
      const latencies = await timeSingles(stage, Number(singles));
      const rows = [
        { what: 'single photo, POST to result, p50', value: quantile(latencies, 0.5), unit: 'ms' },
        { what: 'single photo, POST to result, p99', value: quantile(latencies, 0.99), unit: 'ms' },
      ];
      for (const total of photos.split(',').map(Number))
        rows.push(...(await measureBatch(stage, total, Number(window))));
      return rows;
    } finally {
      await stage.close();
    }
  },

  reading(lines) {
    const whole = Object.values(PROCESSES).map((name) => middleOf(lines, `CPU a 1,000 photos, ${name}`, 1000));
    if (whole.includes(undefined)) return '';
    const sum = whole.reduce((left, right) => left + right);
    return `A photo costs ${sum.toFixed(1)} ms of one core, all three processes together; two cores that do nothing else could do ${((2 * 1000) / sum).toFixed(0)} photos a second.`;
  },
};

async function timeSingles(stage, count) {
  const photo = new Blob([await readFile(new URL('../../samples/astronaut.jpg', import.meta.url))]);
  const latencies = [];
  for (let at = 0; at < count; at += 1) {
    const form = new FormData();
    form.append('file', photo, 'photo.jpg');
    const startedAt = performance.now();
    const posted = await ask(`${stage.api}/api/v1/enhance?quality_level=fast`, { method: 'POST', body: form });
    await stage.client.workflow.getHandle(posted.operation_id).result();
    latencies.push(performance.now() - startedAt);
  }
  return latencies;
}

async function measureBatch(stage, total, window) {
  const used = await startCounting(stage.processes);
  const startedAt = performance.now();
  const id = await stage.submit(total, { maxWorkers: window });
  const ended = new AbortController();
  const watching = watch(`${stage.api}/api/batch-progress/${id}`, ended.signal);
  await stage.client.workflow.getHandle(id).result();
  const seconds = (performance.now() - startedAt) / 1000;
  ended.abort();
  const latencies = await watching;
  const cost = await used();
  const history = await historyOf(stage, id);
  const row = (what, value, unit) => ({ what, at: total, value, unit });
  const rows = [
    row('photos a second', total / seconds, '/s'),
    row('events of history a photo', history.events / total, ''),
    row('bytes of history a photo', history.bytes / total, 'B'),
  ];
  // A few photos are over before a clock of hundredths of seconds has seen them.
  if (total < ENOUGH_TO_COUNT) return rows;
  for (const [process, name] of Object.entries(PROCESSES)) {
    rows.push(row(`CPU a 1,000 photos, ${name}`, (cost[process] / total) * 1000, 's'));
    rows.push(row(`memory after it, ${name}`, (await residentBytes(stage.processes[process])) / 2 ** 20, 'MiB'));
  }
  rows.push(row('progress over HTTP meanwhile, p50', quantile(latencies, 0.5), 'ms'));
  rows.push(row('progress over HTTP meanwhile, p99', quantile(latencies, 0.99), 'ms'));
  rows.push(row('a page of 500 photos by cursor, p50', quantile(await listPages(stage, id), 0.5), 'ms'));
  return rows;
}

/** Asks again and again until `stop` is aborted; answers the latencies in milliseconds. */
async function watch(url, stop) {
  const latencies = [];
  const watcher = async () => {
    while (!stop.aborted) {
      const asked = performance.now();
      await ask(url);
      latencies.push(performance.now() - asked);
      await sleep(WATCH_EVERY_MS * (0.5 + Math.random()));
    }
  };
  await Promise.all(Array.from({ length: WATCHERS }, watcher));
  return latencies;
}

/** Of all runs of a batch: each goes on as a new one before its history becomes long. What Temporal lists comes a moment late. */
async function historyOf({ client }, id) {
  for (;;) {
    const sum = { events: 0, bytes: 0, closed: false };
    for await (const run of client.workflow.list({ query: `WorkflowId = "${id}"` })) {
      sum.events += run.historyLength;
      sum.bytes += run.historySize;
      sum.closed ||= run.status.name === 'COMPLETED';
    }
    if (sum.closed) return sum;
    await sleep(100);
  }
}

/** Milliseconds of each page, read as a client with a cursor does. */
async function listPages({ api }, id) {
  const times = [];
  for (let cursor = ''; cursor !== null;) {
    const asked = performance.now();
    const page = await ask(`${api}/api/v1/batches/${id}/photos?limit=500${cursor === '' ? '' : `&cursor=${cursor}`}`);
    times.push(performance.now() - asked);
    cursor = page.next_cursor;
  }
  return times;
}
