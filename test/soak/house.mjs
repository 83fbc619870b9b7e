import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { anyFreePort } from '../../dist/cli/supervisor/ports.js';
import { root } from '../../scripts/command.mjs';

const READY_WITHIN_MS = 180_000;
const END_WITHIN_MS = 60_000;
const PARTS = ['temporal', 'worker', 'api'];

/**
 * `darkroom start` on a data directory below `folder`, as a user runs it; its supervisor starts again what is killed.
 * @param packageDir - of the release that is to run, built
 */
export async function startHouse(folder, key, settings = {}, packageDir = root) {
  const dataDir = join(folder, 'data');
  mkdirSync(dataDir, { recursive: true });
  const [port, temporalPort] = [await anyFreePort('127.0.0.1'), await anyFreePort('127.0.0.1')];
  const child = spawn(process.execPath, [join(packageDir, 'dist/cli/main.js'), 'start'], {
    stdio: 'ignore',
    env: {
      ...process.env,
      DATA_DIR: dataDir,
      PORT: String(port),
      TEMPORAL_ADDRESS: '',
      TEMPORAL_PORT: String(temporalPort),
      TEMPORAL_UI_PORT: '0',
      API_KEYS: key,
      SHUTDOWN_GRACE_MS: '3000',
      HEARTBEAT_TIMEOUT_MS: '5000',
      LOG_LEVEL: 'warn',
      ...settings,
    },
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const house = {
    dataDir,
    url: `http://127.0.0.1:${port}`,
    temporalAddress: `127.0.0.1:${temporalPort}`,
    /** Process IDs by name, of those that run now. */
    processes: () => ({
      supervisor: child.pid,
      ...Object.fromEntries(PARTS.map((part) => [part, pidOf(dataDir, part)]).filter(([, pid]) => pid !== undefined)),
      ...withEngine(pidOf(dataDir, 'worker')),
    }),
    /** @returns whether there was such a process */
    strike(name) {
      const pid = house.processes()[name];
      return pid !== undefined && process.kill(pid, 'SIGKILL');
    },
    async end() {
      child.kill('SIGTERM');
      await Promise.race([ended, sleep(END_WITHIN_MS, undefined, { ref: false })]);
      child.kill('SIGKILL');
    },
  };
  process.once('exit', () => child.kill('SIGTERM'));
  for (const since = performance.now(); ; await sleep(500)) {
    const { status } = await fetch(`${house.url}/health`)
      .then((answer) => answer.json())
      .catch(() => ({}));
    if (status === 'healthy') return house;
    if (child.exitCode !== null || performance.now() - since > READY_WITHIN_MS) {
      await house.end();
      throw new Error(`The house did not become healthy; its logs are in ${join(dataDir, 'logs')}.`);
    }
  }
}

function pidOf(dataDir, part) {
  try {
    return Number(readFileSync(join(dataDir, 'run', `${part}.pid`), 'utf8')) || undefined;
  } catch {
    return undefined; // is just being started
  }
}

/** The engine is the worker's only child. */
function withEngine(worker) {
  if (worker === undefined) return {};
  try {
    const [engine] = readdirSync(`/proc/${worker}/task`)
      .flatMap((thread) => readFileSync(`/proc/${worker}/task/${thread}/children`, 'utf8').trim().split(' '))
      .filter(Boolean);
    return engine ? { engine: Number(engine) } : {};
  } catch {
    return {};
  }
}
