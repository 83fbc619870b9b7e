import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { main, root } from './command.mjs';
import { ensureBuilt, ensureInstalled, requireNode } from './setup.mjs';

// `npm start`: from a fresh clone to the `darkroom` command. The command runs in this very process, so that signals from a
// terminal, from npm or from a service manager reach it once and need no passing on.
await main(async (args) => {
  requireNode();
  await ensureInstalled();
  await ensureBuilt();
  const command = join(root, 'dist/cli/main.js');
  process.argv = [process.argv[0], command, ...args];
  await import(pathToFileURL(command).href);
  return process.exitCode;
});
