/** A Temporal server of the bench's own, tuned and with a database file as `darkroom start` runs it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { anyFreePort } from '../dist/cli/supervisor/ports.js';
import { devServerArguments, devServerEnvironment } from '../dist/temporal/dev-server.js';
import { SEARCH_ATTRIBUTE_NAMES } from '../dist/temporal/prepare-namespace.js';
import { provideProgram } from '../dist/temporal/provide-temporal.js';
import { waitUntilServing } from '../dist/temporal/connection.js';

export async function startServer(cacheDir, directory) {
  const signal = AbortSignal.timeout(300_000);
  const { program } = await provideProgram(cacheDir, {
    environment: process.env,
    platform: process.platform,
    architecture: process.arch,
    signal,
  });
  const [port, uiPort] = [await anyFreePort('127.0.0.1'), await anyFreePort('127.0.0.1')];
  const wanted = {
    databaseFile: join(directory, 'temporal.db'),
    host: '127.0.0.1',
    port,
    uiPort,
    namespace: 'default',
  };
  const server = spawn(program, devServerArguments(wanted, SEARCH_ATTRIBUTE_NAMES), {
    env: devServerEnvironment(process.env),
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const kill = () => server.kill('SIGKILL');
  process.once('exit', kill); // also when the bench itself fails
  const address = `127.0.0.1:${port}`;
  await waitUntilServing({ address }, 'default', 30_000, signal);
  return {
    address,
    pid: server.pid,
    async stop() {
      server.kill('SIGTERM');
      await ended;
      process.off('exit', kill);
    },
  };
}
