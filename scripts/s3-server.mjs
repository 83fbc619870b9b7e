import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram, say } from './command.mjs';

/** A real S3 server for tests and trials: versitygw keeps buckets as folders. Built once from its Go module, then kept. */

const MODULE = 'github.com/versity/versitygw/cmd/versitygw';
const VERSION = 'v1.8.0';

/**
 * The path of the server's program: VERSITYGW, one that was built before, or one that is built now (a minute or two).
 * `undefined`, and a line that says why, where there is neither the program nor Go.
 */
export async function provideS3Server(cacheDir) {
  const { VERSITYGW } = process.env;
  if (VERSITYGW) return VERSITYGW;
  const folder = join(cacheDir, 's3-server');
  const program = join(folder, `versitygw-${VERSION}`);
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  const workshop = mkdtempSync(join(folder, 'build-'));
  try {
    say(`Building the S3 server ${VERSION} for tests …`);
    const env = { ...process.env, GOBIN: workshop, GOFLAGS: '-buildvcs=false' };
    const { code, output } = await runProgram('go', ['install', `${MODULE}@${VERSION}`], { env });
    if (code !== 0) {
      const reason = code === 127 ? 'there is no Go on this machine' : output.trim().split('\n').at(-1);
      say(`Tests with a real S3 server are skipped: ${reason}. VERSITYGW may name a program of versitygw ${VERSION}.`);
      return undefined;
    }
    renameSync(join(workshop, 'versitygw'), program);
    return program;
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}
