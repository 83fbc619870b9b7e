import { setTimeout as sleep } from 'node:timers/promises';
import { signal, waitFor } from '../e2e/processes.ts';
import { Visitor } from '../e2e/visitor.ts';
import { HEARTBEAT_TIMEOUT_MS, type Fault } from './fault.ts';
import { momentOf } from './moments.ts';
import { SecondWorker } from './second-worker.ts';

/** Workers that fall silent: gone for a while, or frozen and back when nobody counts on them any more. */

/** Longer than the heartbeat time-out, so that Temporal has given its photos up; at most three times as long. */
const pauseOf = (roll: () => number): number => HEARTBEAT_TIMEOUT_MS * (1.3 + roll() * 1.7);

const workerPaused: Fault = {
  number: 58,
  name: 'worker paused beyond its heartbeat',
  async strike({ house, roll }) {
    await house.signal('worker', 'SIGSTOP');
    try {
      await sleep(pauseOf(roll));
    } finally {
      await house.signal('worker', 'SIGCONT');
    }
  },
};

const twoWorkers: Fault = {
  number: 58,
  name: 'paused worker races a second one',
  async prepare(house) {
    const second = await SecondWorker.start(house);
    return () => second.stop();
  },
  strike: (scene) => workerPaused.strike(scene),
};

/** Killed as often as it comes back, until the API has said what it still knows, and that it is not ready. */
const noWorker: Fault = {
  number: 57,
  name: 'no worker at all for a while',
  atOnce: true,
  async strike({ house, batchId }) {
    const visitor = new Visitor(house.url);
    await momentOf(house, batchId, 'in the network');
    let [stale, unready] = [false, false];
    await waitFor('an answer out of the journal and the end of readiness', 60_000, async () => {
      const worker = await house.pid('worker');
      if (worker !== undefined) signal(worker, 'SIGKILL');
      stale ||= (await visitor.batch(batchId)).stale;
      unready ||= (await visitor.get('/readyz')).status === 503;
      return stale && unready ? true : undefined;
    });
  },
};

export const SILENCES: readonly Fault[] = [noWorker, workerPaused, twoWorkers];
