import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../contracts/config.ts';
import { houseMark, isWorkerName, pidFileOf, type ProcessName } from './plans.ts';
import { commandLineOf, identifyProcess } from './process-identity.ts';
import { databaseFileOf } from './temporal-server.ts';

const LOOK_AGAIN_MS = 100;

/**
 * Ends what an earlier supervisor of this data directory left running. A number in a pid file is believed only if the command
 * line names this data directory: numbers are given out again.
 * @returns the titles of what there was to end.
 */
export async function endOrphans(config: Config, signal: AbortSignal): Promise<string[]> {
  const { DATA_DIR, SHUTDOWN_GRACE_MS } = config;
  const possible = [
    { name: 'api', title: 'The API', mark: houseMark(DATA_DIR) },
    ...(await workerNames(DATA_DIR)).map((name) => ({ name, title: 'The worker', mark: houseMark(DATA_DIR) })),
    { name: 'temporal', title: 'The Temporal server', mark: databaseFileOf(DATA_DIR) },
  ] as const;
  const ended: string[] = [];
  for (const { name, title, mark } of possible) {
    const pidFile = pidFileOf(DATA_DIR, name);
    const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
    if (Number.isInteger(pid) && pid > 1 && (await commandLineOf(pid)).includes(mark)) {
      await endProcess(pid, SHUTDOWN_GRACE_MS, signal);
      ended.push(title);
    }
    await rm(pidFile, { force: true });
  }
  return ended;
}

/** There were as many workers as the load called for. */
async function workerNames(dataDir: string): Promise<ProcessName[]> {
  const files = await readdir(join(dataDir, 'run')).catch(() => []);
  return files.map((file) => file.replace(/\.pid$/, '')).filter(isWorkerName);
}

async function endProcess(pid: number, patienceMs: number, signal: AbortSignal): Promise<void> {
  const identity = await identifyProcess(pid);
  const isThere = async (): Promise<boolean> => identity !== undefined && (await identifyProcess(pid)) === identity;
  send(pid, 'SIGTERM');
  for (let waited = 0; waited < patienceMs && (await isThere()); waited += LOOK_AGAIN_MS) {
    await sleep(LOOK_AGAIN_MS, undefined, { signal });
  }
  if (!(await isThere())) return;
  send(-pid, 'SIGKILL'); // it leads a group of its own
  while (await isThere()) await sleep(LOOK_AGAIN_MS, undefined, { signal });
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // gone in between
  }
}
