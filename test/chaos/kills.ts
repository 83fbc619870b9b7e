import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { SHUTDOWN_GRACE_MS, type House } from '../e2e/house.ts';
import type { Photo } from '../e2e/photos.ts';
import { listProcesses, waitFor } from '../e2e/processes.ts';
import { storedFiles } from '../e2e/store-facts.ts';
import { problem, Visitor } from '../e2e/visitor.ts';
import { pick, type Fault } from './fault.ts';
import { Follower } from './followers.ts';
import { momentOf, type Moment } from './moments.ts';

/** Processes that end without a word, or with one. */

type Part = Parameters<House['signal']>[0];

const kill = (number: number, name: string, part: Part, signal: NodeJS.Signals): Fault => ({
  number,
  name,
  async strike({ house }) {
    await house.signal(part, signal);
  },
});

const KILLED_WHILE = ['claimed', 'in the network', 'encoding', 'publishing'] as const satisfies readonly Moment[];

/** Before, during and after the network, and between a file and its name: each has its own half-done things to leave. */
const workerKilledWhile: Fault = {
  number: 52,
  name: 'worker killed at a chosen step of a photo',
  atOnce: true,
  async strike({ house, batchId, roll }) {
    const moment = pick(KILLED_WHILE, roll);
    await momentOf(house, batchId, moment);
    await house.signal('worker', 'SIGKILL');
    return moment;
  },
};

const everything: Fault = {
  number: 52,
  name: 'everything killed, started again',
  async strike({ house }) {
    await house.killEverything();
    await house.begin();
  },
};

/** It says how long its photos may take, and holds to that: what is not done by then goes on elsewhere. */
const drained: Fault = {
  number: 54,
  name: 'worker told to stop',
  async strike({ house }) {
    const from = performance.now();
    const worker = await house.signal('worker', 'SIGTERM');
    await waitFor('the end of the worker', 60_000, async () =>
      (await listProcesses()).some(({ pid }) => pid === worker) ? undefined : true,
    );
    const took = performance.now() - from;
    // Then engines and connections are closed, on a machine that has other work.
    if (took > SHUTDOWN_GRACE_MS + 10_000) throw new Error(`the worker took ${Math.round(took)} ms to stop`);
    return `stopped after ${(took / 1000).toFixed(1)} s`;
  },
};

/** CHAOS_AWAY_MS: how long the server stays away; the long form takes a minute. */
const AWAY_MS = Number(process.env['CHAOS_AWAY_MS'] ?? '') || 3000;

/** Killed as often as it comes back. New work is taken, or refused with the reason. */
const temporalAway: Fault = {
  number: 55,
  name: 'Temporal killed, again and again',
  async strike({ house, photos }) {
    const visitor = new Visitor(house.url);
    const batches = async (): Promise<number> =>
      (await storedFiles(house.dataDir)).filter((name) => name.endsWith('/header.json')).length;
    const before = await batches();
    let [taken, refused] = [0, 0];
    const until = performance.now() + AWAY_MS;
    const killing = (async () => {
      while (performance.now() < until) {
        await house.signal('temporal', 'SIGKILL');
        await sleep(100);
      }
    })();
    while (performance.now() < until) {
      const answer = await visitor.post('/api/v1/enhance/batch?quality_level=fast', 'files', photos.slice(0, 1));
      if (answer.ok) taken += 1;
      else {
        const { status, code } = await problem(answer);
        if (status !== 503 || code !== 'temporal_unavailable') throw new Error(`refused with ${status} ${code}`);
        refused += 1;
      }
    }
    await killing;
    await house.becomesHealthy();
    // One that the server may have heard of before it died stays in the history, where it can be resumed.
    const uncertain = (await batches()) - before - taken;
    if (uncertain < 0 || uncertain > refused) throw new Error(`${uncertain} batches more than were taken`);
    return `${refused} refused (${uncertain} of them perhaps begun), ${taken} taken`;
  },
};

/** A second client is in the middle of sending a photo when the API dies. */
const upload: Fault = {
  number: 56,
  name: 'API killed in an upload',
  async strike({ house, photos }) {
    const sending = startUpload(house.url, photos[0]);
    await sleep(300);
    await house.signal('api', 'SIGKILL');
    await sending.ended;
  },
};

function startUpload(url: string, photo: Photo | undefined): { ended: Promise<void> } {
  const boundary = 'chaos';
  const outgoing = request(`${url}/api/v1/enhance`, {
    method: 'POST',
    headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}`, 'Content-Length': '10000000' },
  });
  const ended = new Promise<void>((resolve) => {
    outgoing.once('error', () => resolve()).once('response', () => resolve());
  });
  outgoing.write(`--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="half.jpg"\r\n\r\n`);
  outgoing.write(photo?.bytes ?? Buffer.alloc(0));
  return { ended };
}

const FOLLOWERS = 5;

const followed: Fault = {
  number: 56,
  name: 'API killed while clients follow the batch',
  atOnce: true,
  async strike({ house, batchId, photos }) {
    const followers = Array.from({ length: FOLLOWERS }, () => new Follower(house, batchId));
    await Promise.all(followers.map((follower) => follower.listens()));
    await house.signal('api', 'SIGKILL');
    await Promise.all(followers.map((follower) => follower.heardAll(photos.length)));
    const streams = followers.map((follower) => follower.streams);
    return `${FOLLOWERS} clients were told of every photo and once of the end, over ${Math.max(...streams)} streams`;
  },
};

export const KILLS: readonly Fault[] = [
  kill(52, 'worker killed', 'worker', 'SIGKILL'),
  workerKilledWhile,
  kill(53, 'engine killed', 'engine', 'SIGKILL'),
  drained,
  kill(55, 'Temporal killed', 'temporal', 'SIGKILL'),
  temporalAway,
  kill(56, 'API killed', 'api', 'SIGKILL'),
  upload,
  followed,
  everything,
];
