import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram, say } from './command.mjs';

/** The real Temporal server (not the development server) for the proof of the cluster: built once from its Go module, then kept. */

const MODULE = 'go.temporal.io/server';
const VERSION = 'v1.32.1';

/**
 * Paths of the server, of its tool for SQL schemas and of the schemas for PostgreSQL: built before, or built now (a quarter of
 * an hour on two cores, 4 GB of Go's caches). `undefined`, and a line that says why, where they cannot be built.
 */
export async function provideTemporalServer(cacheDir) {
  const folder = join(cacheDir, 'temporal-server', VERSION);
  const provided = { server: join(folder, 'server'), sqlTool: join(folder, 'sql'), schemas: join(folder, 'schemas') };
  if (existsSync(provided.schemas)) return provided;
  mkdirSync(folder, { recursive: true });
  const workshop = mkdtempSync(join(folder, 'build-'));
  try {
    say(`Building the Temporal server ${VERSION}; this takes a quarter of an hour …`);
    const env = { ...process.env, GOBIN: workshop, GOFLAGS: '-buildvcs=false', CGO_ENABLED: '0' };
    const packages = ['cmd/server', 'cmd/tools/sql'].map((path) => `${MODULE}/${path}@${VERSION}`);
    const built = await runProgram('go', ['install', ...packages], { env });
    const modules = await runProgram('go', ['env', 'GOMODCACHE']);
    if (built.code !== 0 || modules.code !== 0) {
      const reason = built.code === 127 ? 'there is no Go on this machine' : built.output.trim().split('\n').at(-1);
      say(`The Temporal server could not be built: ${reason}.`);
      return undefined;
    }
    renameSync(join(workshop, 'server'), provided.server);
    renameSync(join(workshop, 'sql'), provided.sqlTool);
    // Last: that they are there says that all is there.
    const copied = join(workshop, 'schemas');
    cpSync(join(modules.output.trim(), `${MODULE}@${VERSION}`, 'schema/postgresql/v12'), copied, { recursive: true });
    renameSync(copied, provided.schemas);
    return provided;
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}
