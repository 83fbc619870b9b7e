import { Worker } from 'node:worker_threads';
import { DarkroomError } from '../contracts/errors.ts';
import type { NetworkAnswer, NetworkRequest, NetworkThreadSettings, Request } from './network-requests.ts';

/** What onnxruntime and the device drivers say when memory is short. */
const OUT_OF_MEMORY = /failed to allocate memory|bad_alloc|bad allocation|out of memory|alloc_failed|e_outofmemory/i;

/** The line to a thread that owns sessions of the runtime: questions go out at once, and every answer finds the one who asked. */
export class ThreadLine {
  readonly #thread: Worker;
  readonly #answers = new Map<number, (answer: NetworkAnswer) => void>();
  #nextId = 1;

  /**
   * @param settings - for the thread's own start.
   * @param onCrash - the thread is gone, and with it the engine's use.
   */
  constructor(settings: NetworkThreadSettings, onCrash: (error: unknown) => void) {
    this.#thread = new Worker(new URL('./network-thread.js', import.meta.url), { workerData: settings });
    this.#thread.on('message', (answer: NetworkAnswer) => this.#answers.get(answer.id)?.(answer));
    this.#thread.on('error', onCrash);
    this.#thread.on('exit', (code) => onCrash(new Error(`The network thread ended with code ${code}`)));
  }

  /**
   * @throws DarkroomError `out_of_memory`, `engine_crashed` when a session that was opened cannot be run; any other failure with
   *   the thread's own words.
   */
  async ask(request: Request): Promise<NetworkAnswer> {
    const id = this.#nextId;
    this.#nextId += 1;
    const answer = await new Promise<NetworkAnswer>((resolve) => {
      this.#answers.set(id, resolve);
      this.#thread.postMessage({ ...request, id } satisfies NetworkRequest, []);
    });
    this.#answers.delete(id);
    if (answer.error === undefined) return answer;
    const cause = new Error(answer.error);
    if (OUT_OF_MEMORY.test(answer.error)) throw new DarkroomError('out_of_memory', undefined, { cause });
    // It ran when it was opened. Its device or driver may be gone: this process would not get it back.
    if (request.kind === 'run' || request.kind === 'runOther')
      throw new DarkroomError('engine_crashed', undefined, { cause });
    throw cause;
  }
}
