import { chmod, mkdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { statSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { batchCreatedSchema } from '../../src/contracts/http-batches.ts';
import type { House } from '../e2e/house.ts';
import type { Photo } from '../e2e/photos.ts';
import { waitFor } from '../e2e/processes.ts';
import { filesBelow } from '../e2e/store-facts.ts';
import { Visitor } from '../e2e/visitor.ts';
import type { Proof } from './table.ts';

const OLD_SECONDS = 1_600_000_000.25;
const WITHIN_MS = 60_000;

/**
 * A folder of photos is enhanced in place and rolled back; the worker is killed as soon as the first original is back.
 * @returns the hash of the whole tree before, in between and after.
 */
export async function proveRollback(house: House, root: string, photos: readonly Photo[]): Promise<Proof> {
  const folder = join(root, 'holiday');
  const paths = await fill(folder, photos);
  const before = await hashTree(folder);
  const visitor = new Visitor(house.url);
  const answer = await visitor.send('POST', '/api/v1/batches', {
    source: { kind: 'folder', path: folder },
    destination: { kind: 'in_place' },
    options: { quality_level: 'fast' },
  });
  const { batch_id: batchId } = batchCreatedSchema.parse(await answer.json());
  await visitor.ended(batchId);
  const enhanced = await hashTree(folder);
  const { operation_id: rollbackId } = await visitor.rollBack(batchId);
  await untilOneIsBack(paths);
  await house.signal('worker', 'SIGKILL');
  const back = paths.filter(isBack).length;
  const { undo } = await waitFor('the end of the rollback', WITHIN_MS, async () => {
    const operation = await visitor.operation(rollbackId).catch(() => undefined);
    return operation?.state === 'completed' ? operation : undefined;
  });
  const remark = `killed with ${back} of ${paths.length} originals back; ${undo?.counts.undone} undone in the end`;
  return { name: 'rollback in place, killed half-way', before, enhanced, after: await hashTree(folder), remark };
}

async function fill(folder: string, photos: readonly Photo[]): Promise<string[]> {
  await mkdir(join(folder, 'sub'), { recursive: true });
  await writeFile(join(folder, 'notes.txt'), 'not a photo');
  const paths = photos.map(({ name }, index) => join(folder, index % 2 === 0 ? '' : 'sub', name));
  for (const [index, path] of paths.entries()) {
    await writeFile(path, photos[index]?.bytes ?? Buffer.alloc(0));
    await chmod(path, index % 3 === 0 ? 0o640 : 0o604);
    await utimes(path, OLD_SECONDS, OLD_SECONDS + index);
  }
  return paths;
}

const isBack = (path: string): boolean => statSync(path).mtimeMs < (OLD_SECONDS + 1000) * 1000;

async function untilOneIsBack(paths: readonly string[]): Promise<void> {
  const until = performance.now() + WITHIN_MS;
  while (!paths.some(isBack)) {
    if (performance.now() > until) throw new Error('no original came back');
    await sleep(1);
  }
}

/** Names, content, mode and modification time (to the microsecond) of every file below a folder. */
async function hashTree(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of await filesBelow(folder)) {
    const { mode, mtimeNs } = await stat(join(folder, name), { bigint: true });
    hash.update(`${name} ${mode} ${mtimeNs / 1000n} `).update(await readFile(join(folder, name)));
  }
  return hash.digest('hex');
}
