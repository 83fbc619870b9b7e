/** The table of the service that Darkroom replaces: one photo, then five at several concurrencies, and whether its API still answers meanwhile. */
import { availableParallelism } from 'node:os';
import { curve, median, middleOf, quantile } from '../book.mjs';
import { ask, startHouse, timeBatch } from '../house.mjs';
import { makePhotos } from '../photos.mjs';
import { plot } from '../plot.mjs';

const PHOTOS = 5;
/** Calls cost the machine that is measured: at one every 20 ms a sixth of it, so that the photos took as much longer. */
const CALL_EVERY_MS = 50;
const CALLED = ['/health', '/api/v1/tasks', '/api/v1/performance', '/api/v1/operations'];
/** What the service that Darkroom replaces says of itself, on a T4: seconds to the first of five results, by concurrency. */
const REFERENCE_FIRST = [
  [1, 4.9],
  [10, 24.8],
];

export const table = {
  name: 'table',
  title: 'One photo, then five at once',
  settings: { width: '1080', height: '1440', quality: 'fast', concurrency: '1,2,5,10' },
  about: `The service that Darkroom replaces publishes this table of itself (on a T4): one photo of 1080 × 1440 in 4.9 s; five in 24.4 to 24.9 s at any concurrency, and the first
result after 4.9 s at concurrency 1 but 24.8 s at 10, because its server stands still while it works; its device is busy 17 % of the time. Here the five are one batch with so many
\`max_workers\`; the first result is timed by when it was published. One photo is sent before each, and the middle of those is its time. All the while four addresses of the API
are called, one every ${CALL_EVERY_MS} ms.
The device is a processor, so it is busy by the share of all cores' time that the house took.`,

  async run({ width, height, quality, concurrency }) {
    const photos = await makePhotos(PHOTOS + 1, { width: Number(width), height: Number(height) });
    const house = await startHouse();
    try {
      const fields = { quality_level: quality };
      await timeBatch(house, await makePhotos(1, { width: 200, height: 200 }), fields); // warm
      const [rows, alone, firsts] = [[], [], new Map()];
      for (const workers of concurrency.split(',').map(Number)) {
        const calling = callApi(house);
        let five;
        try {
          alone.push((await timeBatch(house, photos.slice(PHOTOS), fields)).seconds);
          five = await timeBatch(house, photos.slice(0, PHOTOS), { ...fields, max_workers: workers });
        } finally {
          calling.stop();
        }
        const latencies = await calling.latencies();
        const row = (what, value, unit) => rows.push({ what, at: workers, value, unit });
        row('five photos, all', five.seconds, 's');
        row('five photos, first result', five.first, 's');
        firsts.set(workers, five.first);
        row('API meanwhile, p99', quantile(latencies, 0.99), 'ms');
        row('device busy', (100 * five.cpuSeconds) / (five.seconds * availableParallelism()), '%');
      }
      const one = median(alone);
      rows.unshift({ what: 'one photo', value: one, unit: 's' });
      for (const [at, first] of firsts) {
        rows.push({ what: 'first result against one photo alone', at, value: first / one, unit: 'x' });
      }
      return rows;
    } finally {
      await house.stop();
    }
  },

  plots(lines) {
    const one = middleOf(lines, 'one photo');
    const reference = REFERENCE_FIRST.map(([at, seconds]) => ({ at, median: seconds / REFERENCE_FIRST[0][1] }));
    const ours = curve(lines, 'five photos, first result').map(({ at, ...line }) => ({
      at,
      min: line.min / one,
      median: line.median / one,
      max: line.max / one,
    }));
    return {
      'first-result.svg': plot({
        title: 'Time to the first of five results, in times of one photo alone',
        x: { label: 'photos at once' },
        y: { label: 'times one photo' },
        curves: [
          { name: 'Darkroom', points: ours },
          { name: 'the service it replaces, by its own account', points: reference, dashed: true },
        ],
      }),
    };
  },

  reading(lines) {
    const most = (what) => Math.max(...curve(lines, what).map(({ median }) => median));
    const least = (what) => Math.min(...curve(lines, what).map(({ median }) => median));
    return `Aims: the first result in at most 1.1 times the time of one photo (middle at the worst concurrency: ${most('first result against one photo alone').toFixed(2)}), the API's
p99 below 50 ms (${most('API meanwhile, p99').toFixed(0)} ms), the device busy 95 % of the time (${least('device busy').toFixed(0)} %).`;
  },
};

/** Calls, the next whether or not the last was answered, until it is told to stop; answers milliseconds of each. */
function callApi({ url }) {
  const calls = [];
  const timer = setInterval(() => {
    const startedAt = performance.now();
    const path = CALLED[calls.length % CALLED.length];
    // Settled either way: a failure is thrown where the latencies are asked for.
    calls.push(
      ask(url + path).then(
        () => performance.now() - startedAt,
        (error) => error,
      ),
    );
  }, CALL_EVERY_MS);
  return {
    stop: () => clearInterval(timer),
    async latencies() {
      const all = await Promise.all(calls);
      const failed = all.find((one) => one instanceof Error);
      if (failed) throw failed;
      return all;
    },
  };
}
