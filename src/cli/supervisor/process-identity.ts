import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** Tells a process from a later one that was given the same number. */

const run = promisify(execFile);

/**
 * What only this process of this number has: when it began, by the clock of this boot.
 * @returns `undefined` when no such process is alive.
 */
export async function identifyProcess(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    ]);
    // The name in brackets may hold spaces and brackets: fields are counted from behind it.
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, started] = [fields?.[0], fields?.[19]];
    return started === undefined || state === 'Z' ? undefined : `${boot.trim()}:${started}`;
  }
  const began = await psField(pid, 'lstart');
  return began === '' ? undefined : began;
}

/** The command line as one string; empty when it is not known. */
export async function commandLineOf(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    const raw = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return raw.replaceAll('\0', ' ').trim();
  }
  return (await psField(pid, 'command')) ?? '';
}

async function psField(pid: number, field: string): Promise<string | undefined> {
  try {
    const { stdout } = await run('ps', ['-o', `${field}=`, '-p', String(pid)]);
    return stdout.trim();
  } catch {
    return undefined; // ps answers 1 when there is no such process
  }
}
