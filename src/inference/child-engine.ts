import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseFromEngine, type FromEngine, type ToEngine } from './protocol.ts';

/** The compiled program, found from the package's root: this file may itself run from `src` (tests) or from `dist`. */
const PROGRAM = fileURLToPath(new URL('../../dist/inference/engine-process.js', import.meta.url));

const STDERR_TAIL = 4_000;

/**
 * glibc gives every thread an area of its own to allocate in, and each keeps the largest picture it ever held: over 500 photos
 * an engine grew by 11 % instead of 3 %, in the same time. Whoever starts Darkroom may choose otherwise.
 */
const MALLOC_AREAS = { MALLOC_ARENA_MAX: '2' };

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last it wrote to stderr, for the log. */
  readonly stderr: string;
}

export interface ChildListener {
  readonly onMessage: (message: FromEngine) => void;
  readonly onExit: (exit: ChildExit) => void;
}

/** One engine process, seen from its parent. */
export class ChildEngine {
  readonly #child: ChildProcess;
  #stderr = '';

  /** @param poolThreads - of the pool that decodes, encodes and writes: four, libuv's own choice, is the least. */
  constructor(poolThreads: number, { onMessage, onExit }: ChildListener) {
    // No options of our own process (a debugger's, a test runner's) are meant for the engine.
    this.#child = fork(PROGRAM, {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...MALLOC_AREAS, UV_THREADPOOL_SIZE: String(Math.max(4, poolThreads)), ...process.env },
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL);
    });
    let ended = false;
    const end = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (ended) return;
      ended = true;
      onExit({ code, signal, stderr: this.#stderr.trim() });
    };
    this.#child.on('message', (message) => onMessage(parseFromEngine(message)));
    this.#child.on('close', end);
    this.#child.on('error', (error) => {
      this.#stderr += error.message;
      // A process that never started does not close either.
      if (this.#child.pid === undefined) end(null, null);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(message: ToEngine): void {
    // A child that is just ending cannot be written to; its exit says all there is to say.
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** The engine has nothing to put in order, and native code listens to no other signal. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
