import { join } from 'node:path';
import type { Config, Environment } from '../../contracts/config.ts';
import type { ProcessPlan } from './supervised-process.ts';

/** How each process of the house is run and where its traces are. */

export type ProcessName = 'temporal' | 'worker' | `worker-${number}` | 'api';

const WORKER_READY_MS = 300_000; // loading and warming networks on a slow disk and CPU
const API_READY_MS = 60_000;
/** On top of the grace that a process gives to what is under way. */
const STOP_MARGIN_MS = 8_000;

export const logFileOf = (dataDir: string, name: ProcessName): string => join(dataDir, 'logs', `${name}.log`);
export const pidFileOf = (dataDir: string, name: ProcessName): string => join(dataDir, 'run', `${name}.pid`);

/** The first worker is `worker`, the others have their numbers. */
export const workerName = (number: number): ProcessName => (number === 1 ? 'worker' : `worker-${number}`);

export const isWorkerName = (name: string): name is ProcessName => /^worker(?:-\d+)?$/.test(name);

/** Part of the command line that tells in `ps`, and to the next start, whose process it is. */
export const houseMark = (dataDir: string): string => `--house=${dataDir}`;

export function workerPlan(config: Config, environment: Environment, script: string, number: number): ProcessPlan {
  // Flushing files to the disk takes a thread each; with Node's own four, photos would wait for each other's.
  const threads = { UV_THREADPOOL_SIZE: '16', ...environment };
  const title = number === 1 ? 'The worker' : `Worker ${number}`;
  return { title, readyWithinMs: WORKER_READY_MS, ...nodePlan(config, threads, script, workerName(number)) };
}

export function apiPlan(config: Config, environment: Environment, script: string): ProcessPlan {
  return { title: 'The API', readyWithinMs: API_READY_MS, ...nodePlan(config, environment, script, 'api') };
}

function nodePlan(config: Config, environment: Environment, script: string, name: ProcessName) {
  return {
    program: process.execPath,
    arguments: [script, houseMark(config.DATA_DIR)],
    environment,
    logFile: logFileOf(config.DATA_DIR, name),
    pidFile: pidFileOf(config.DATA_DIR, name),
    stopWithinMs: config.SHUTDOWN_GRACE_MS + STOP_MARGIN_MS,
  };
}
