import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';

/** Share of processor and memory in use on this host, or in the container that bounds us. Percent. */
export interface HostReading {
  readonly cpuUsage: number | null;
  readonly memoryUsage: number;
}

interface CpuTimes {
  /** Milliseconds of processor time, over all processors. */
  readonly busy: number;
  readonly possible: number;
}

/** Where a container finds what bounds it (cgroup v2). On a host without bounds the files do not exist or say `max`. */
const CGROUP = '/sys/fs/cgroup';

/** Each call answers for the time since the call before; the first one has no processor reading yet. */
export function createHostReader(clock: () => number): () => Promise<HostReading> {
  let before: CpuTimes | undefined;
  return async () => {
    const now = (await cgroupCpu(clock())) ?? hostCpu();
    const cpuUsage =
      before && now.possible > before.possible ? percent(now.busy - before.busy, now.possible - before.possible) : null;
    before = now;
    return { cpuUsage, memoryUsage: await memoryUsage() };
  };
}

function hostCpu(): CpuTimes {
  let busy = 0;
  let possible = 0;
  for (const { times } of cpus()) {
    const all = times.user + times.nice + times.sys + times.irq + times.idle;
    possible += all;
    busy += all - times.idle;
  }
  return { busy, possible };
}

async function cgroupCpu(now: number): Promise<CpuTimes | undefined> {
  const [quota, period] = (await readText('cpu.max'))?.split(' ').map(Number) ?? [];
  const usage = /^usage_usec (\d+)/m.exec((await readText('cpu.stat')) ?? '')?.[1];
  if (!quota || !period || usage === undefined) return undefined;
  const processors = Math.min(quota / period, availableParallelism());
  return { busy: Number(usage) / 1000, possible: now * processors };
}

async function memoryUsage(): Promise<number> {
  const limit = Number((await readText('memory.max')) ?? Number.NaN);
  const used = Number((await readText('memory.current')) ?? Number.NaN);
  const bounded = limit > 0 && limit < totalmem() && used >= 0;
  return bounded ? percent(used, limit) : percent(totalmem() - freemem(), totalmem());
}

async function readText(name: string): Promise<string | undefined> {
  try {
    return (await readFile(`${CGROUP}/${name}`, 'utf8')).trim();
  } catch {
    return undefined;
  }
}

const percent = (part: number, whole: number): number => Math.round(Math.min(1, Math.max(0, part / whole)) * 1000) / 10;
