import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { main, root, say, Trouble } from '../../scripts/command.mjs';
import { Client } from '../cluster/client.mjs';
import { makePhotos } from '../cluster/photos.mjs';
import { startHouse } from './house.mjs';

/**
 * `npm run test:memory`: the runbook "Memory runs out" of docs/operations.md with the kernel itself. Worker and engine are put into a
 * control group with too little memory for one photo's tile: the kernel ends engines until the tiles are small enough, and the
 * other photos do not suffer. Needs root on Linux.
 */

/** More than worker and engine have when they are warm, and less than the photo takes in one tile. */
const ROOM_BYTES = 80 * 2 ** 20;
const SIDE = 400;
const WITHIN_MS = 600_000;

/** A control group of its own, version 1 or 2. */
function openGroup(name) {
  const old = existsSync('/sys/fs/cgroup/memory');
  const folder = join(old ? '/sys/fs/cgroup/memory' : '/sys/fs/cgroup', name);
  try {
    mkdirSync(folder);
  } catch (cause) {
    throw new Trouble(`No control group can be made (${cause.message}): this needs root on Linux.`);
  }
  return {
    bytes: () => Number(readFileSync(join(folder, old ? 'memory.usage_in_bytes' : 'memory.current'), 'utf8')),
    limit: (bytes) => writeFileSync(join(folder, old ? 'memory.limit_in_bytes' : 'memory.max'), String(bytes)),
    add: (pid) => writeFileSync(join(folder, 'cgroup.procs'), String(pid)),
    /** Processes that the kernel ended in it. */
    kills: () => {
      const text = readFileSync(join(folder, old ? 'memory.oom_control' : 'memory.events'), 'utf8');
      return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
    },
    close: () => rmdirSync(folder),
  };
}

/** Networks are made ready one after the other: until nothing comes any more. */
async function untilSettled(group) {
  for (let before = 0; group.bytes() > before + 2 ** 20; await sleep(15_000)) before = group.bytes();
  return group.bytes();
}

async function large() {
  const picture = sharp(join(root, 'samples/astronaut.jpg')).resize(SIDE, SIDE, { fit: 'cover' });
  return { name: 'large.png', bytes: await picture.png().toBuffer() };
}

await main(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'darkroom-memory-'));
  const key = randomBytes(24).toString('hex');
  const house = await startHouse(folder, key);
  let group;
  try {
    const { worker, engine } = house.processes();
    group = openGroup(`darkroom-${process.pid}`);
    group.add(worker);
    process.kill(engine, 'SIGKILL'); // the next one is born into the group
    await sleep(10_000);
    const limit = (await untilSettled(group)) + ROOM_BYTES;
    group.limit(limit);
    say(
      `Worker and engine have ${Math.round(limit / 2 ** 20)} MiB together, ${ROOM_BYTES / 2 ** 20} more than they use.`,
    );
    const client = new Client({ urls: [house.url], key });
    const body = new FormData();
    const { name, bytes } = await large();
    body.append('file', new Blob([bytes]), name);
    const { task_id: task } = await client.json('/api/v1/enhance?quality_level=fast', { method: 'POST', body });
    const others = await client.enhance(await makePhotos(6), 'others');
    const { status, completed_files: completed } = await client.ended(others, WITHIN_MS);
    let photo;
    for (const since = performance.now(); performance.now() - since < WITHIN_MS; await sleep(500)) {
      photo = await client.json(`/api/v1/status/${task}`);
      if (photo.status === 'completed' || photo.status === 'failed') break;
    }
    const kills = group.kills();
    console.log(
      `the kernel ended ${kills} processes for memory; the large photo: ${photo.status} ${photo.error_code ?? ''} ${photo.warnings.join(' ')}`,
    );
    console.log(
      `the six others: ${status}, ${completed} completed; the worker is the same: ${house.processes().worker === worker}`,
    );
    const settled =
      photo.warnings.some((warning) => /Memory ran short/.test(warning)) || photo.error_code === 'out_of_memory';
    const good = kills > 0 && settled && completed === 6;
    console.log(good ? '1 passed, 0 failed' : '0 passed, 1 failed');
    return good ? 0 : 1;
  } finally {
    await house.end();
    await sleep(500);
    group?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});
