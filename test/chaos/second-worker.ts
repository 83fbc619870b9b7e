import { spawn, type ChildProcess } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { workerReportSchema } from '../../src/contracts/worker-report.ts';
import { packageDir, type House } from '../e2e/house.ts';
import { waitFor } from '../e2e/processes.ts';

const READY_WITHIN_MS = 60_000;

/** Another worker on the same data directory, as a second machine on shared storage would be. */
export class SecondWorker {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(house: House): Promise<SecondWorker> {
    const { temporalAddress } = JSON.parse(await readFile(join(house.dataDir, 'run/darkroom.json'), 'utf8'));
    const script = join(packageDir, 'dist/worker/main.js');
    const child = spawn(process.execPath, [script, `--house=${house.dataDir}`], {
      env: { ...house.environment, TEMPORAL_ADDRESS: temporalAddress },
      stdio: 'ignore',
    });
    const second = new SecondWorker(child);
    try {
      await waitFor('the second worker', READY_WITHIN_MS, async () => {
        if (child.exitCode !== null) throw new Error('the second worker ended before it was ready');
        return (await isReady(house.dataDir, child.pid)) ? true : undefined;
      });
      return second;
    } catch (error) {
      await second.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const gone = async () => (this.#child.exitCode !== null || this.#child.signalCode !== null ? true : undefined);
    this.#child.kill('SIGTERM');
    await waitFor('the end of the second worker', 15_000, gone).catch(() => this.#child.kill('SIGKILL'));
  }
}

async function isReady(dataDir: string, pid: number | undefined): Promise<boolean> {
  const directory = join(dataDir, 'store/workers');
  for (const name of await readdir(directory)) {
    const text = await readFile(join(directory, name), 'utf8').catch(() => '{}');
    const report = workerReportSchema.safeParse(JSON.parse(text)).data;
    if (report?.pid === pid && report?.state === 'ready') return true;
  }
  return false;
}
