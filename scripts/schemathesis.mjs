import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { main, root, runProgram, say, Trouble } from './command.mjs';
import { providePython } from './python.mjs';
import { ensureBuilt, ensureInstalled, requireNode } from './setup.mjs';

/**
 * `npm run test:schemathesis`: asks the API, over a real Temporal server, store and worker, everything that its own description
 * allows and much that it does not. No answer may be a 5xx, and each must be as the description says. `-- --seconds N` bounds
 * it, `-- --seed N` repeats it. Closes with `N passed, N failed`.
 */

/** Left out: `object_level_authorization` wants accounts, and to `positive_data_acceptance` no invented batch or folder exists. */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'unsupported_method',
  'allow_header_conformance',
  'missing_required_header',
  'ignored_auth',
  'use_after_free',
  'ensure_resource_availability',
];

const clients = join(root, 'test/clients');
const READY_WITHIN_MS = 120_000;
/** Longer than `Prefer: wait` may hold an answer back, on a machine that is busy. */
const ANSWER_WITHIN_SECONDS = '120';

/** Darkroom as a user starts it, on ports and a data directory of its own. */
async function openHouse() {
  const folder = mkdtempSync(join(tmpdir(), 'darkroom-schemathesis-'));
  const { anyFreePort } = await import(pathToFileURL(join(root, 'dist/cli/supervisor/ports.js')).href);
  const port = await anyFreePort('127.0.0.1');
  const url = `http://127.0.0.1:${port}`;
  // A copy: an order may ask for results in place.
  cpSync(join(root, 'samples'), join(folder, 'photos'), { recursive: true });
  const settings = {
    DATA_DIR: join(folder, 'data'),
    SOURCE_ROOTS: join(folder, 'photos'),
    QUALITY_LEVEL: 'fast',
    LOG_LEVEL: 'warn',
    TEMPORAL_ADDRESS: '',
    TEMPORAL_PORT: '0',
    TEMPORAL_UI_PORT: '0',
    SHUTDOWN_GRACE_MS: '2000',
    PORT: String(port),
  };
  const child = spawn(process.execPath, [join(root, 'dist/cli/main.js'), 'start'], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const close = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (const until = Date.now() + READY_WITHIN_MS; ;) {
    const ready = await fetch(`${url}/readyz`).catch(() => undefined);
    if (ready?.ok) return { url, folder, close };
    if (child.exitCode !== null || Date.now() > until) {
      await close();
      throw new Trouble('Darkroom could not be started for schemathesis: see the lines above.');
    }
    await sleep(300);
  }
}

function commandLine(url, { seconds, seed, examples }) {
  const config = ['--config-file', join(clients, 'schemathesis.toml')];
  const amount = ['--seed', seed, '--max-examples', examples, ...(seconds === '0' ? [] : ['--max-time', seconds])];
  const manner = ['--request-timeout', ANSWER_WITHIN_SECONDS, '--continue-on-failure', '--warnings', 'off'];
  const what = ['run', `${url}/openapi.json`, '--checks', CHECKS.join(',')];
  return ['-m', 'schemathesis.cli', ...config, ...what, ...amount, ...manner];
}

await main(async (args) => {
  requireNode();
  await ensureInstalled();
  await ensureBuilt();
  const { values: wanted } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '0' },
      seed: { type: 'string', default: '1' },
      examples: { type: 'string', default: '50' },
    },
  });
  const python = await providePython('schemathesis', join(clients, 'schemathesis-requirements.txt'), 'schemathesis');
  if (!python) {
    console.log('0 passed, 0 failed, 1 skipped');
    return process.env.CI ? 1 : 0;
  }
  const house = await openHouse();
  try {
    const { code, output } = await runProgram(python, commandLine(house.url, wanted), {
      env: {
        ...process.env,
        // Of the hooks beside the tests, and nothing else of this machine.
        PYTHONPATH: clients,
        PYTHONDONTWRITEBYTECODE: '1',
        SCHEMATHESIS_HOOKS: 'schemathesis_hooks',
        HYPOTHESIS_STORAGE_DIRECTORY: house.folder,
        NO_COLOR: '1',
      },
    });
    say(output);
    console.log(code === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed');
    return code === 0 ? 0 : 1;
  } finally {
    await house.close();
  }
});
