import { cp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { packageDir } from '../e2e/house.ts';
import { Visitor } from '../e2e/visitor.ts';
import type { Fault } from './fault.ts';
import { momentOf } from './moments.ts';

/** What changes under running batches: the code, and the time. */

const release = join(tmpdir(), `darkroom-release-${process.pid}`);

/** A release whose batches take a step more, behind `patched()`: the running one ends on its old path. */
const newRelease: Fault = {
  number: 64,
  name: 'a new release under a running batch',
  atOnce: true,
  // Built before the batch begins: a fast network would have ended it meanwhile.
  async prepare() {
    await buildRelease(release);
    return async () => await rm(release, { recursive: true, force: true });
  },
  async strike({ house, batchId }) {
    await momentOf(house, batchId, 'in the network');
    await house.end('SIGTERM');
    await house.begin({ command: join(release, 'dist/cli/main.js') });
    await new Visitor(house.url).ended(batchId);
    await house.end('SIGTERM');
    await house.begin();
  },
};

async function buildRelease(release: string): Promise<void> {
  for (const part of ['dist', 'models', 'package.json']) {
    await cp(join(packageDir, part), join(release, part), { recursive: true });
  }
  await symlink(join(packageDir, 'node_modules'), join(release, 'node_modules'));
  const workflowsPath = fileURLToPath(new URL('../fixtures/upgrade/patched.ts', import.meta.url));
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  await writeFile(join(release, 'dist/workflow-bundle.js'), code);
}

const HOUR_MS = 3_600_000;
const PRELOADED = new URL('shifted-clock.mjs', import.meta.url).href;

/** An hour on, then two back, in every process of the house but the Temporal server, and another time zone. */
const clockJumps: Fault = {
  number: 64,
  name: 'clock an hour ahead, then an hour behind',
  atOnce: true,
  async prepare(house) {
    const clock = join(house.dataDir, 'clock');
    await house.restart({ NODE_OPTIONS: `--import=${PRELOADED}`, CHAOS_CLOCK: clock, TZ: 'Europe/Berlin' });
    return async () => {
      await rm(clock, { force: true });
      await house.restart();
    };
  },
  async strike({ house, batchId }) {
    const visitor = new Visitor(house.url);
    const seen: number[] = [];
    const ended = visitor.until(batchId, 'its end', ({ progress, status }) => {
      seen.push(progress);
      return status === 'completed';
    });
    for (const hours of [1, -1, 0]) {
      await writeFile(join(house.dataDir, 'clock'), String(hours * HOUR_MS));
      await sleep(1200);
    }
    await ended;
    if (seen.some((progress, at) => progress < (seen[at - 1] ?? 0)))
      throw new Error(`progress went back: ${seen.join()}`);
  },
};

export const DEPLOYS: readonly Fault[] = [newRelease, clockJumps];
