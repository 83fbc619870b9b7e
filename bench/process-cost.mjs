/** What processes cost, as Linux counts it. */
import { readdir, readFile } from 'node:fs/promises';

/** `sysconf(_SC_CLK_TCK)`, a hundred on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Parent, ticks of its own, and ticks of its children that have ended. */
async function readStat(pid) {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The second field, the name, may hold spaces: the rest is counted from its closing bracket.
  const fields = line
    .slice(line.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return { parent: fields[1], own: fields[11] + fields[12], ended: fields[13] + fields[14] };
}

/** Seconds of CPU a process has used since it began, its own and the kernel's for it. */
export const cpuSeconds = async (pid) => (await readStat(pid)).own / TICKS_PER_SECOND;

/** Process IDs of a process and of all that it started, and they in turn. */
async function familyOf(pid) {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const all = new Map();
  for (const one of pids)
    await readStat(one).then(
      (stat) => all.set(one, stat),
      () => undefined,
    ); // one that just ended
  const family = [pid];
  for (const member of family)
    family.push(...[...all].flatMap(([one, { parent }]) => (parent === member ? [one] : [])));
  return family.flatMap((member) => all.get(member) ?? []);
}

/** Seconds of CPU of a process and of all below it, those that have ended included. */
export async function familyCpuSeconds(pid) {
  const family = await familyOf(pid);
  return family.reduce((sum, { own, ended }) => sum + own + ended, 0) / TICKS_PER_SECOND;
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
