import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { main, say } from '../../scripts/command.mjs';
import { seeded } from '../cluster/faults.mjs';
import { startHouse } from './house.mjs';
import { Load } from './load.mjs';
import { drawPicture } from './picture.mjs';
import { startPrometheus } from './prometheus.mjs';
import { longestHistory, quantile, readDisk, readProcesses } from './readings.mjs';
import { findGrowth, markdownTable, writeReport } from './table.mjs';

/** `npm run test:soak [-- --minutes 10 --seed 1 --report --picture --autoscale]`: nothing may be lost, different, or grow. */

const LOOK_EVERY_MS = 2000;
const TENTHS_WITH_FAULTS = 6;
/** Two workers at most, on the device of one: what is to be seen is their coming and going. */
const AUTOSCALED = { AUTOSCALE: 'true', AUTOSCALE_MAX_WORKERS: '2' };
/** Who is struck how often, of ten times. */
const LOTS = ['worker', 'worker', 'worker', 'engine', 'engine', 'engine', 'api', 'api', 'temporal', 'temporal'];

/** Strikes now and then until the time is over; never before the house had time to stand up again. */
async function strike(house, random, untilMs, strikes) {
  while (performance.now() < untilMs) {
    await sleep(20_000 + random() * 30_000);
    const name = LOTS[Math.floor(random() * LOTS.length)];
    if (performance.now() < untilMs && house.strike(name)) strikes[name] = (strikes[name] ?? 0) + 1;
  }
}

/** Looks again and again for a tenth. @returns the row of the table */
async function watchTenth({ tenth, house, load, untilMs, strikes, client }) {
  const since = performance.now();
  const looks = [];
  do {
    await sleep(LOOK_EVERY_MS);
    looks.push(readProcesses(house.processes()));
  } while (performance.now() < untilMs);
  const names = new Set(looks.flatMap((look) => Object.keys(look)));
  const median = (name, what) =>
    quantile(
      looks.flatMap((look) => look[name]?.[what] ?? []),
      0.5,
    );
  const times = (list) => {
    const those = list.filter(({ at }) => at >= since).map(({ ms }) => ms);
    return { p50: quantile(those, 0.5), p95: quantile(those, 0.95) };
  };
  return {
    tenth,
    strikes: Object.values(strikes).reduce((sum, count) => sum + count, 0),
    photos: load.seen.completed,
    single: times(load.singles),
    call: times(load.calls),
    processes: Object.fromEntries(
      [...names].map((name) => [name, { MiB: median(name, 'MiB'), files: median(name, 'files') }]),
    ),
    disk: readDisk(house.dataDir),
    longest: await longestHistory(client).catch(() => 0), // Temporal may just be away
  };
}

await main(async (args) => {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      report: { type: 'boolean' },
      picture: { type: 'boolean' },
      autoscale: { type: 'boolean' },
    },
  });
  const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
  const folder = mkdtempSync(join(tmpdir(), 'darkroom-soak-'));
  const key = randomBytes(24).toString('hex');
  const house = await startHouse(folder, key, values.autoscale ? AUTOSCALED : {});
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => house.end().finally(() => process.exit(1)));
  let prometheus;
  try {
    if (values.picture) prometheus = await startPrometheus(folder, { url: house.url, key });
    const from = Date.now() / 1000;
    const client = new Client({ connection: Connection.lazy({ address: house.temporalAddress }) });
    const load = new Load({ url: house.url, key, random: seeded(seed), stop: stopping.signal });
    const strikes = {};
    const rows = [];
    const since = performance.now();
    const at = (tenths) => since + tenths * minutes * 6000;
    const running = load.run();
    running.catch(() => stopping.abort()); // told below
    const striking = strike(house, seeded(seed + 1), at(TENTHS_WITH_FAULTS), strikes);
    const report = (growth) =>
      writeReport({
        minutes,
        seed,
        rows,
        strikes,
        growth,
        seen: load.seen,
        date: new Date().toISOString().slice(0, 10),
        machine: `${availableParallelism()} cores, ${cpus()[0]?.model.trim()}`,
      });
    for (let tenth = 1; tenth <= 10 && !stopping.signal.aborted; tenth += 1) {
      rows.push(await watchTenth({ tenth, house, load, untilMs: at(tenth), strikes, client }));
      say(
        markdownTable(rows.slice(-1))
          .split('\n')
          .at(tenth === 1 ? 0 : -1),
      );
      if (tenth === 1) say(markdownTable(rows).split('\n').at(-1));
      if (values.report) report(tenth < 10 ? [`Still running after ${tenth} tenths.`] : findGrowth(rows));
    }
    if (prometheus) {
      const caption = `The house of docs/soak.md, seed ${seed}: members killed in the first six tenths of ${minutes} minutes.`;
      for (const bare of await drawPicture(prometheus, { from, to: Date.now() / 1000 }, caption))
        say(`Nothing to draw: ${bare}`);
    }
    stopping.abort();
    await Promise.all([running, striking]);
    const { lost, different } = load.seen;
    const growth = findGrowth(rows);
    if (values.report) report(growth);
    for (const line of [
      ...lost.map((what) => `lost: ${what}`),
      ...different.map((what) => `different: ${what}`),
      ...growth,
    ])
      console.log(line);
    console.log(
      `killed ${JSON.stringify(strikes)}; ${JSON.stringify({ ...load.seen, lost: lost.length, different: different.length })}`,
    );
    const good = lost.length + different.length + growth.length === 0 && load.seen.completed > 0;
    console.log(good ? '1 passed, 0 failed' : '0 passed, 1 failed');
    return good ? 0 : 1;
  } finally {
    stopping.abort();
    prometheus?.end();
    await house.end();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});
