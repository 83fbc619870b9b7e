import { spawn } from 'node:child_process';
import { DarkroomError } from '../contracts/errors.ts';
import type { Environment } from '../contracts/config.ts';

/** Python's package installer as a program to run; the one client for package indexes that most machines have. */

export interface PipRun {
  readonly arguments: readonly string[];
  readonly environment: Environment;
  readonly signal?: AbortSignal;
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

const PYTHONS = process.platform === 'win32' ? ['python', 'py'] : ['python3', 'python'];
const KEPT_OUTPUT = 16_384;

/**
 * Runs `python3 -m pip …` quietly.
 * @throws DarkroomError `python_missing` without Python or pip, `storage_full`, or `download_failed` with pip's own reason.
 */
export async function runPip(run: PipRun): Promise<void> {
  let pipMissing = false;
  for (const python of PYTHONS) {
    const ended = await runProgram(python, ['-m', 'pip', ...run.arguments], run);
    if (ended === undefined) continue;
    if (ended.code === 0) return;
    if (!/No module named '?pip/.test(ended.output)) throw explain(ended.output);
    pipMissing = true;
  }
  throw pipMissing
    ? new DarkroomError('python_missing', 'Python is there but its package installer pip is not.')
    : new DarkroomError('python_missing', 'Python 3 was not found.');
}

/** @returns undefined when there is no such program. */
async function runProgram(program: string, args: readonly string[], run: PipRun): Promise<Ended | undefined> {
  return await new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...run.environment, PIP_NO_INPUT: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1', PYTHONUNBUFFERED: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(run.signal ? { signal: run.signal } : {}),
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-KEPT_OUTPUT);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'EACCES') resolve(undefined);
      else reject(error);
    });
    child.once('close', (code) => resolve({ code, output }));
  });
}

const OFFLINE =
  /NewConnectionError|ConnectTimeout|Name or service not known|name resolution|Network is unreachable|ProxyError/;

function explain(output: string): DarkroomError {
  const cause = new Error(output.trim());
  if (/No space left on device|Errno 28|Errno 122/.test(output)) {
    return new DarkroomError('storage_full', 'The disk is full.', { cause });
  }
  if (OFFLINE.test(output)) {
    return new DarkroomError('download_failed', 'The package index cannot be reached: there seems to be no network.', {
      cause,
    });
  }
  const reason = output
    .split('\n')
    .filter((line) => line.startsWith('ERROR:'))
    .at(-1);
  return new DarkroomError('download_failed', `pip failed: ${reason?.slice(7).trim() ?? 'it gave no reason'}`, {
    cause,
  });
}
