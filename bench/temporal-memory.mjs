/**
 * `node bench/temporal-memory.mjs [thousands]`: what the Temporal server of a house takes in memory while batches of one photo
 * begin and end, by thousand of them. It is to stop growing.
 */
import { readFileSync } from 'node:fs';
import { openStage } from './stage.mjs';

const AT_ONCE = 32;
const [thousands = '8'] = process.argv.slice(2);

const megabytesOf = (pid) =>
  Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);

const stage = await openStage({ lanes: 2, serviceMs: 0 });
try {
  const pid = stage.processes.server;
  console.log(`at the start: ${megabytesOf(pid)} MiB`);
  for (let thousand = 1; thousand <= Number(thousands); thousand += 1) {
    let left = 1000;
    const oneAfterTheOther = async () => {
      for (; left > 0;) {
        left -= 1;
        const batchId = await stage.submit(1);
        await stage.client.workflow.getHandle(batchId).result();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, oneAfterTheOther));
    console.log(`after ${thousand},000 batches: ${megabytesOf(pid)} MiB`);
  }
} finally {
  await stage.close();
}
