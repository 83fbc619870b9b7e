import type { Config, Environment } from '../../contracts/config.ts';
import type { Workforce } from '../../worker/autoscale/autoscaler.ts';
import { workerPlan } from './plans.ts';
import { SupervisedProcess, type Ready } from './supervised-process.ts';

interface WorkforceParts {
  readonly config: Config;
  readonly environment: Environment;
  readonly script: string;
  readonly say: (line: string) => void;
}

/** The worker processes of a house. The first one is there from the beginning to the end. */
export class HouseWorkforce implements Workforce {
  readonly #parts: WorkforceParts;
  readonly #workers: SupervisedProcess[] = [];

  constructor(parts: WorkforceParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#workers.length;
  }

  /** Numbers of the processes that run at the moment. */
  get pids(): readonly number[] {
    return this.#workers.flatMap(({ pid }) => pid ?? []);
  }

  async hire(signal: AbortSignal): Promise<Ready> {
    const { config, environment, script, say } = this.#parts;
    const worker = new SupervisedProcess(workerPlan(config, environment, script, this.size + 1), say);
    this.#workers.push(worker);
    try {
      return await worker.start(signal);
    } catch (error) {
      this.#workers.splice(this.#workers.indexOf(worker), 1);
      throw error;
    }
  }

  async dismiss(): Promise<void> {
    // It stays on the list until it is gone: whoever stops the house meanwhile must find it.
    await this.#workers.at(-1)?.stop();
    this.#workers.pop();
  }

  /** All at once: each drains what it has under way. */
  async stop(): Promise<void> {
    await Promise.all(this.#workers.map(async (worker) => await worker.stop()));
  }

  kill(): void {
    for (const worker of this.#workers) worker.kill();
  }
}
