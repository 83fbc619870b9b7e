import { setTimeout as sleep } from 'node:timers/promises';
import { Link } from './link.mjs';

/** A generator of numbers from 0 up to 1 that repeats itself with its seed (mulberry32). */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Who is struck how often, of twenty times: workers and their way to Temporal most, since they hold the photos. */
const SHARES = { workers: 8, links: 4, apis: 3, temporal: 2, store: 2, postgres: 1 };
/** After so many strikes a new release is brought out. */
const DEPLOY_EVERY = 6;
/** Longer than HEARTBEAT_TIMEOUT_MS of the cluster: the photos of a worker that is cut off go to another, and it finishes them too. */
const CUT_MS = 6_000;

/**
 * Kills one member after the other with SIGKILL, lets it lie for up to three seconds and starts it again, or cuts a worker off
 * from Temporal; never two of those that there is only one of at a time. In between all workers and API processes are replaced
 * one by one, as a rolling deploy does it. @returns `stop`, which waits until everybody runs again and answers what was done
 */
export function beginFaults(cluster, seed) {
  const random = seeded(seed);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const lots = Object.entries(SHARES).flatMap(([kind, count]) => Array.from({ length: count }, () => kind));
  const stopping = new AbortController();
  const done = [];
  const striking = (async () => {
    const since = performance.now();
    const note = (name, what) => done.push({ atMs: Math.round(performance.now() - since), name, what });
    while (!stopping.signal.aborted) {
      await sleep(500 + random() * 1500, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      if (done.length % DEPLOY_EVERY === DEPLOY_EVERY - 1) {
        note('all', 'replaced one by one');
        await deploy(cluster, stopping.signal);
      } else await strike(pick([cluster[pick(lots)]].flat()), random(), note);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await striking;
      return done;
    },
  };
}

async function strike(member, chance, note) {
  const downMs = Math.round((member instanceof Link ? CUT_MS : 300) + chance * 2700);
  if (member instanceof Link) {
    note(member.name, `cut for ${downMs} ms`);
    member.cut();
    await sleep(downMs);
    member.mend();
  } else {
    note(member.name, `killed, away for ${downMs} ms`);
    await member.kill();
    await sleep(downMs);
    await member.start();
  }
}

/** Each drains (SIGTERM) and is back before the next goes. */
async function deploy({ workers, apis }, signal) {
  for (const member of [...workers, ...apis]) {
    if (signal.aborted) return;
    await member.end();
    await member.start();
    member.deploys += 1;
  }
}
