import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';

/** A folder in which one piece of work makes its files; what is finished and checked is moved out of it. */
export interface Workshop {
  readonly folder: string;
  /** Throws the folder away; half-fetched `.part` files in it are left for whoever opens the next one. */
  close(): Promise<void>;
}

const LEFT = 'left-';
const WORK = 'work-';
const ABANDONED_AFTER_MS = 24 * 3_600_000;

/**
 * Opens a workshop below `directory`, so that two processes never write into one file, and takes over the `.part` files
 * that interrupted work left. Taking over is a rename: of two processes only one gets a file.
 */
export async function openWorkshop(directory: string): Promise<Workshop> {
  await mkdir(directory, { recursive: true });
  const folder = await mkdtemp(join(directory, `${WORK}${hostname()}-${process.pid}-`));
  const { mtimeMs: now } = await stat(folder);
  for (const name of await readdir(directory)) {
    const other = join(directory, name);
    if (other === folder || !(await isAbandoned(other, name, now))) continue;
    for (const part of await partsIn(other)) {
      await rename(join(other, part), join(folder, part)).catch(() => undefined);
    }
    await rm(other, { recursive: true, force: true });
  }
  return {
    folder,
    async close() {
      if ((await partsIn(folder)).length > 0) await rename(folder, join(directory, `${LEFT}${basename(folder)}`));
      else await rm(folder, { recursive: true, force: true });
    },
  };
}

const partsIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.part'));

/** Closed, or of a process of this host that is gone; another host's only after a day, as we cannot look there. */
async function isAbandoned(folder: string, name: string, now: number): Promise<boolean> {
  if (name.startsWith(LEFT)) return true;
  const [, host, pid] = /^work-(.*)-(\d+)-[^-]*$/.exec(name) ?? [];
  if (host === undefined) return false;
  if (host === hostname()) return !isAlive(Number(pid));
  const found = await stat(folder).catch(() => undefined);
  return found !== undefined && now - found.mtimeMs > ABANDONED_AFTER_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
