import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** What this machine, or the container around us, allows. */

const CGROUP_ROOT = '/sys/fs/cgroup';

/** `undefined` for files that this system has not got. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Directories of our control group and those above it; a limit of any of them binds us. */
function cgroupDirectories(): string[] {
  const own = /^0::(.*)$/m.exec(readText('/proc/self/cgroup') ?? '')?.[1] ?? '/';
  const directories = [CGROUP_ROOT];
  for (let path = own; path !== '/' && path !== '.'; path = dirname(path)) directories.push(join(CGROUP_ROOT, path));
  return directories;
}

/** Cores that may be used: affinity, and the processor quota of control groups (versions 2 and 1), rounded up. */
export function availableCores(): number {
  const quotas = cgroupDirectories().map((directory) => {
    const [quota, period] = (readText(join(directory, 'cpu.max')) ?? '').trim().split(' ').map(Number);
    return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : Infinity;
  });
  const oldQuota = Number(readText(join(CGROUP_ROOT, 'cpu/cpu.cfs_quota_us')) ?? -1);
  const oldPeriod = Number(readText(join(CGROUP_ROOT, 'cpu/cpu.cfs_period_us')) ?? 100_000);
  if (oldQuota > 0) quotas.push(oldQuota / oldPeriod);
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(Math.min(...quotas))));
}

/** Memory that may be used, in bytes. */
export function availableMemory(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

/** @returns tells whether the kernel has killed any process for want of memory since this call; false where that is not told. */
export function watchForMemoryKills(): () => boolean {
  const before = countOutOfMemoryKills();
  return () => {
    const now = countOutOfMemoryKills();
    return now !== undefined && before !== undefined && now > before;
  };
}

/** `undefined` where that is not told. */
function countOutOfMemoryKills(): number | undefined {
  const counter = /^oom_kill (\d+)$/m.exec(readText('/proc/vmstat') ?? '')?.[1];
  return counter === undefined ? undefined : Number(counter);
}

/**
 * Memory of this process in bytes, without pages of files: those the kernel takes back when it needs them, and a large
 * canvas being read would look like a leak.
 */
export function readMemory(): number {
  const anonymous = /^RssAnon:\s+(\d+) kB$/m.exec(readText('/proc/self/status') ?? '')?.[1];
  return anonymous === undefined ? process.memoryUsage.rss() : Number(anonymous) * 1024;
}

/** Memory of an NVIDIA device in bytes, as its driver's own tool tells it; null where there is none. */
export async function readDeviceMemory(deviceId: number): Promise<number | null> {
  const query = ['--query-gpu=memory.total', '--format=csv,noheader,nounits', `--id=${deviceId}`];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 10_000 });
    const mebibytes = Number(stdout.trim());
    return mebibytes > 0 ? mebibytes * 1024 * 1024 : null;
  } catch {
    return null;
  }
}
