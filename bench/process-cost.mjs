/** What processes cost, as Linux counts it. */
import { readFile } from 'node:fs/promises';

/** `sysconf(_SC_CLK_TCK)`, a hundred on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Seconds of CPU a process has used since it began, its own and the kernel's for it. */
export async function cpuSeconds(pid) {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The second field, the name, may hold spaces: the rest is counted from its closing bracket.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Bytes of memory a process holds. */
export async function residentBytes(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}

/** CPU of named processes (`{ name: pid }`) from here on: the function answers seconds by name. */
export async function startCounting(processes) {
  const read = () => Promise.all(Object.values(processes).map(cpuSeconds));
  const before = await read();
  return async () => {
    const now = await read();
    return Object.fromEntries(Object.keys(processes).map((name, at) => [name, now[at] - before[at]]));
  };
}

export const megabytes = (bytes) => `${Math.round(bytes / 2 ** 20)} MB`;
