// Property: `darkroom api` and `darkroom worker` leave no process behind, not even when the command itself is killed.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anyFreePort } from '../../src/cli/supervisor/ports.ts';
import { built } from './support/command.ts';

const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

let folder: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'darkroom-process-'));
});
afterEach(async () => {
  child?.kill('SIGTERM');
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});

describe.skipIf(!built)('darkroom api', () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)('is gone after %s of the command', async (signal) => {
    const port = await anyFreePort('127.0.0.1');
    // No Temporal is there: the API starts and answers all the same.
    const settings = {
      DATA_DIR: folder,
      PORT: String(port),
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      SHUTDOWN_GRACE_MS: '500',
    };
    child = spawn(process.execPath, [command, 'api'], { env: { ...process.env, ...settings }, stdio: 'ignore' });
    const answers = async (): Promise<boolean> =>
      await fetch(`http://127.0.0.1:${port}/livez`).then(
        () => true,
        () => false,
      );
    await expect.poll(answers, { timeout: 30_000, interval: 100 }).toBe(true);
    child.kill(signal);
    await expect.poll(answers, { timeout: 15_000, interval: 100 }).toBe(false);
  });
});
