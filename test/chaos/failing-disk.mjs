// Loaded into every process of a house before its own code: while a file is there, nothing can be flushed to the disk any
// more, which is where a disk that is breaking tells of it.
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';

const probe = await open(process.execPath, 'r');
const handle = Object.getPrototypeOf(probe);
await probe.close();
const { sync } = handle;

handle.sync = async function syncOrFail() {
  if (existsSync(process.env.CHAOS_DISK)) {
    throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO', errno: -5, syscall: 'fsync' });
  }
  return await sync.call(this);
};
