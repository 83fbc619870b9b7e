// A supervisor in a process of its own, out of the build, so that it can be killed. Says `open` and `closed` on standard output.
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../../dist/load-config.js';
import { Supervisor } from '../../../dist/cli/supervisor/supervisor.js';

const script = (name) => fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
const say = (line) => console.log(line);
const supervisor = new Supervisor({
  loaded: loadConfig(process.env),
  scripts: { worker: script('worker'), api: script('api') },
  provideModels: async () => [],
  say,
  onDownload() {},
  onPhase() {},
});
await supervisor.open(new AbortController().signal);
say('open');
process.once('SIGTERM', async () => {
  await supervisor.close();
  say('closed');
});
