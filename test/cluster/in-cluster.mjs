import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { say } from '../../scripts/command.mjs';
import { openCluster } from './cluster.mjs';
import { provide } from './provide.mjs';

/**
 * Opens a cluster for `prove`, which answers whether all was good, and ends it afterwards. Only logs of what was not good are kept.
 * @returns the exit code
 */
export async function inCluster(prove) {
  const parts = { ...(await provide()), folder: mkdtempSync(join(tmpdir(), 'darkroom-cluster-')) };
  const cluster = await openCluster(parts);
  // Ended half-way, it takes its members along: one left behind would get in the way of the next run.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.once(signal, () => cluster.close().finally(() => process.exit(1)));
  let good = false;
  try {
    say(`The cluster runs in ${parts.folder}: PostgreSQL, Temporal, an S3 server, 2 API processes, 3 workers.`);
    good = await prove(cluster, parts);
    console.log(good ? '1 passed, 0 failed' : '0 passed, 1 failed');
    return good ? 0 : 1;
  } finally {
    await cluster.close();
    if (good) rmSync(parts.folder, { recursive: true, force: true });
    else say(`Logs are kept in ${join(parts.folder, 'logs')}.`);
  }
}
