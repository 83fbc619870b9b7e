/** The whole house as `darkroom start` runs it, in a folder of its own, driven over HTTP as a client drives it. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { anyFreePort } from '../dist/cli/supervisor/ports.js';
import { familyCpuSeconds } from './process-cost.mjs';

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const READY_WITHIN_MS = 120_000;
const POLL_EVERY_MS = 500;
/** The longer something takes, the less often it is asked after: what is measured is the house, not the asking. */
const POLL_SHARE = 0.05;
const POLL_SELDOM_MS = 3000;
/** An engine that is ready still opens the other networks while it has nothing to do; this much of a core is nothing. */
const QUIET_CORES = 0.15;

/**
 * @param engines workers with an engine each, which share the cores.
 * @returns the house when it has come to rest; `startMs` is the time until it was ready.
 */
export async function startHouse({ engines = 1, env = {} } = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'darkroom-bench-'));
  const ports = [await anyFreePort('127.0.0.1'), await anyFreePort('127.0.0.1'), await anyFreePort('127.0.0.1')];
  const several = engines > 1 && {
    AUTOSCALE: 'true',
    AUTOSCALE_MIN_WORKERS: String(engines),
    AUTOSCALE_MAX_WORKERS: String(engines),
  };
  const child = spawn(process.execPath, [MAIN, 'start'], {
    env: {
      ...process.env,
      DATA_DIR: dataDir,
      PORT: String(ports[0]),
      TEMPORAL_PORT: String(ports[1]),
      TEMPORAL_UI_PORT: String(ports[2]),
      BATCH_FORM_MAX_FILES: '1000',
      LOG_LEVEL: 'warn',
      ...several,
      ...env,
    },
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill); // also when the bench itself fails
  const startedAt = performance.now();
  const house = {
    url: `http://127.0.0.1:${ports[0]}`,
    pid: child.pid,
    cpuSeconds: () => familyCpuSeconds(child.pid),
    async stop() {
      child.kill('SIGTERM');
      await ended;
      process.off('exit', kill);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  try {
    await untilReady(house, engines);
    const startMs = performance.now() - startedAt;
    await untilQuiet(house);
    return { ...house, startMs };
  } catch (error) {
    await house.stop();
    throw error;
  }
}

async function untilReady({ url }, engines) {
  const until = performance.now() + READY_WITHIN_MS;
  while (performance.now() < until) {
    const { workers } = await ask(`${url}/api/v1/performance`).catch(() => ({ workers: [] }));
    if (workers.filter(({ state }) => state === 'ready').length >= engines) return;
    await sleep(POLL_EVERY_MS);
  }
  throw new Error(`the house does not become healthy with ${engines} engines`);
}

async function untilQuiet(house) {
  const until = performance.now() + READY_WITHIN_MS;
  while (performance.now() < until) {
    const before = await house.cpuSeconds();
    await sleep(1000);
    if ((await house.cpuSeconds()) - before < QUIET_CORES) return;
  }
  throw new Error('the house does not come to rest');
}

export async function ask(url, init) {
  const answer = await fetch(url, init);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return await answer.json();
}

/** Sends photos as one batch; answers its ID. */
export async function submit({ url }, photos, fields) {
  const form = new FormData();
  photos.forEach((photo, index) => form.append('files', new Blob([photo]), `photo-${index}.jpg`));
  for (const [name, value] of Object.entries(fields)) form.set(name, String(value));
  return (await ask(`${url}/api/v1/enhance/batch`, { method: 'POST', body: form })).batch_task_id;
}

/** Waits for the end of a batch; answers its photos as the API lists them. */
export async function photosOf({ url }, id) {
  const startedAt = performance.now();
  for (;;) {
    const { status, message } = await ask(`${url}/api/v1/batch/status/${id}`);
    if (status === 'completed') break;
    if (['failed', 'partial_completed', 'cancelled'].includes(status)) throw new Error(message);
    await sleep(Math.min(POLL_SELDOM_MS, Math.max(POLL_EVERY_MS, POLL_SHARE * (performance.now() - startedAt))));
  }
  return (await ask(`${url}/api/v1/batches/${id}/photos?limit=500`)).photos;
}

/**
 * Seconds from the first byte of the upload to the first and the last result, by the time at which each was published: a
 * poll more or less does not count.
 */
export async function timeBatch(house, photos, fields) {
  const [startedAt, usedBefore] = [Date.now() / 1000, await house.cpuSeconds()];
  const done = await photosOf(house, await submit(house, photos, fields));
  const finished = done.map((photo) => photo.finished_at - startedAt);
  return {
    seconds: Math.max(...finished),
    first: Math.min(...finished),
    cpuSeconds: (await house.cpuSeconds()) - usedBefore,
    photos: done,
  };
}
