/** The same as run_peer.py for Darkroom's engine: `node run-darkroom.mjs NETWORK FROM TO`. Memory is that of the engine's process. */
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enhance, memoryOf, modelsFor, openPool } from '../engine-stage.mjs';

const [model, from, to] = process.argv.slice(2);
const pool = await openPool(modelsFor(model));
const scratch = await mkdtemp(join(tmpdir(), 'darkroom-peers-'));
const startedAt = Date.now() / 1000;
const saved = [];
for (const name of (await readdir(from)).toSorted()) {
  const scratchDir = join(scratch, name);
  const made = await enhance(pool, { inputPath: join(from, name), scratchDir, model, fields: { output_quality: 95 } });
  if (made.model !== model) throw new Error(`Expected ${model} and it ran ${made.model}`);
  await copyFile(made.path, join(to, name));
  saved.push(Date.now() / 1000);
}
const { most } = memoryOf(pool.status().pids[0]);
await pool.close();
await rm(scratch, { recursive: true, force: true });
console.log(
  JSON.stringify({
    seconds: saved.at(-1) - startedAt,
    later: saved.at(-1) - saved[0],
    firstAt: saved[0],
    peakMB: most,
  }),
);
