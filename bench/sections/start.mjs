/** How long a worker takes until it can take photos. */
import { fork } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { middleOf } from '../book.mjs';
import { cacheDir, installed } from '../engine-stage.mjs';
import { startServer } from '../temporal-server.mjs';

const WORKER = fileURLToPath(new URL('../../dist/worker/main.js', import.meta.url));
const LEVELS = [
  { level: 'fast', aimSeconds: 2, has: () => true },
  { level: 'medium', aimSeconds: 3, has: (name) => name.startsWith('realesrgan-x4plus') },
];
const lineOf = (level) => `worker ready with ${level}`;

export const start = {
  name: 'start',
  title: 'How long a worker takes to start',
  settings: { starts: '3' },
  about: `A real worker process at a real Temporal server, from its fork to its word that it is ready: checksums of all networks, the engine and its first network opened and run, Temporal connected. The least of three starts
after one that brings the files into memory. With \`fast\` all networks are there, and that of \`fast\` is opened first; with \`medium\` only x4plus is.`,

  needs: () =>
    Promise.resolve(
      installed.some(({ entry }) => entry.name === 'realesrgan-x4plus-int8') ? undefined : 'x4plus is not installed',
    ),

  async run({ starts }) {
    const directory = await mkdtemp(join(tmpdir(), 'darkroom-start-'));
    const server = await startServer(cacheDir, directory);
    try {
      const rows = [];
      for (const { level, has } of LEVELS) {
        const env = {
          ...process.env,
          CACHE_DIR: await shelve(directory, level, has),
          DATA_DIR: join(directory, 'data'),
          TEMPORAL_ADDRESS: server.address,
          LOG_LEVEL: 'warn',
        };
        await startWorker(env);
        const seconds = [];
        for (let each = 0; each < Number(starts); each += 1) seconds.push(await startWorker(env));
        rows.push({ what: lineOf(level), value: Math.min(...seconds), unit: 's' });
      }
      return rows;
    } finally {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    }
  },

  reading(lines) {
    const said = LEVELS.map(({ level, aimSeconds }) => {
      const seconds = middleOf(lines, lineOf(level));
      return `${seconds.toFixed(2)} s with \`${level}\`, ${seconds <= aimSeconds ? 'within' : '**beyond**'} the aim of ${aimSeconds} s`;
    });
    return `In the middle round: ${said.join('; ')}.`;
  },
};

/** A cache directory with some of the networks of the true one. */
async function shelve(directory, level, has) {
  const folder = join(directory, `cache-${level}`);
  await mkdir(join(folder, 'models'), { recursive: true });
  for (const name of (await readdir(join(cacheDir, 'models'))).filter(has))
    await symlink(join(cacheDir, 'models', name), join(folder, 'models', name));
  return folder;
}

/** Seconds until it is ready; then it is ended. */
async function startWorker(env) {
  const startedAt = performance.now();
  const worker = fork(WORKER, { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  const message = await Promise.race([new Promise((resolve) => worker.once('message', resolve)), ended]);
  const seconds = (performance.now() - startedAt) / 1000;
  worker.kill('SIGTERM');
  await ended;
  if (message?.type !== 'ready') throw new Error(`the worker did not become ready: ${JSON.stringify(message)}`);
  return seconds;
}
