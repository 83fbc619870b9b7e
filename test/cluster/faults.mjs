import { setTimeout as sleep } from 'node:timers/promises';

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

/** Who is struck how often, of twenty kills: workers most, since they hold the photos. */
const SHARES = { workers: 10, apis: 4, temporal: 3, store: 2, postgres: 1 };

/**
 * Kills one member after the other with SIGKILL, lets it lie for up to three seconds and starts it again; never two of those
 * that there is only one of at a time. @returns `stop`, which waits until everybody runs again and answers what was done
 */
export function beginKilling(cluster, seed) {
  const random = seeded(seed);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const lots = Object.entries(SHARES).flatMap(([kind, count]) => Array.from({ length: count }, () => kind));
  const stopping = new AbortController();
  const done = [];
  const killing = (async () => {
    const since = performance.now();
    while (!stopping.signal.aborted) {
      await sleep(500 + random() * 1500, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      const member = pick([cluster[pick(lots)]].flat());
      const downMs = Math.round(300 + random() * 2700);
      done.push({ atMs: Math.round(performance.now() - since), name: member.name, downMs });
      await member.kill();
      await sleep(downMs);
      await member.start();
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await killing;
      return done;
    },
  };
}
