import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { DarkroomError } from '../../contracts/errors.ts';
import { commandLineOf } from './process-identity.ts';

const NEXT_PORTS = 50;

/** Whether something could listen there now. */
export async function isFree(host: string, port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

export interface WantedPort {
  /** The setting that chooses it, for the sentence. */
  readonly setting: 'PORT' | 'TEMPORAL_PORT' | 'TEMPORAL_UI_PORT';
  readonly host: string;
  readonly port: number;
  /** True when a person chose it: then another port would be a surprise. */
  readonly fixed: boolean;
}

/**
 * The wanted port, or the next free one when it is taken and nobody insisted.
 * @throws DarkroomError `port_taken`, naming the program that has it when that can be known.
 */
export async function choosePort(wanted: WantedPort, avoid: readonly number[] = []): Promise<number> {
  if (wanted.port === 0) return await anyFreePort(wanted.host);
  for (let port = wanted.port; port <= Math.min(wanted.port + NEXT_PORTS, 65_535); port += 1) {
    if (!avoid.includes(port) && (await isFree(wanted.host, port))) return port;
    if (wanted.fixed) break;
  }
  throw await portTaken(wanted.setting, wanted.port);
}

export async function portTaken(setting: WantedPort['setting'], port: number): Promise<DarkroomError> {
  const owner = await whoListens(port);
  const by = owner === undefined ? 'another program' : `process ${owner.pid} (${owner.command})`;
  return new DarkroomError('port_taken', `Port ${port} (${setting}) is in use by ${by}.`);
}

/**
 * Some port that nothing listens on. It lies below those that systems give to outgoing connections (32768 and up on Linux,
 * 49152 elsewhere): from there a client, even one that asks for the very server that is away, could take it before the
 * server listens or while it is started again.
 */
export async function anyFreePort(host: string): Promise<number> {
  for (let attempt = 0; attempt < NEXT_PORTS; attempt += 1) {
    const port = randomInt(10_000, 32_000);
    if (await isFree(host, port)) return port;
  }
  throw new DarkroomError('port_taken', `Of ${NEXT_PORTS} ports that were tried on ${host} none was free.`);
}

/** The process that listens on a port; `undefined` when it is another user's or cannot be found out. */
export async function whoListens(port: number): Promise<{ pid: number; command: string } | undefined> {
  const pid = process.platform === 'linux' ? await listenerByProc(port) : await listenerByLsof(port);
  if (pid === undefined) return undefined;
  const command = await commandLineOf(pid);
  return { pid, command: command.length > 60 ? `${command.slice(0, 59)}…` : command };
}

async function listenerByLsof(port: number): Promise<number | undefined> {
  try {
    const { stdout } = await promisify(execFile)('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fp']);
    const pid = Number(/^p(\d+)/m.exec(stdout)?.[1]);
    return Number.isInteger(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

async function listenerByProc(port: number): Promise<number | undefined> {
  const sockets = await listeningSockets(port);
  if (sockets.size === 0) return undefined;
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const folder = `/proc/${pid}/fd`;
    const descriptors = await readdir(folder).catch(() => []);
    const targets = await Promise.all(descriptors.map((fd) => readlink(`${folder}/${fd}`).catch(() => '')));
    if (targets.some((target) => sockets.has(target))) return Number(pid);
  }
  return undefined;
}

async function listeningSockets(port: number): Promise<Set<string>> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'utf8').catch(() => '')),
  );
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, '0');
  const listening = tables
    .flatMap((table) => table.split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .filter((field) => field[1]?.endsWith(`:${hexadecimal}`) && field[3] === '0A');
  return new Set(listening.map((field) => `socket:[${field[9]}]`));
}
