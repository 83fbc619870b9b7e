import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { DarkroomError } from '../../contracts/errors.ts';
import { identifyProcess } from './process-identity.ts';
import { readRunFile } from './run-file.ts';

/** One supervisor for one data directory: the lock is a file that names its holder, so that a dead holder is seen to be dead. */

const lockSchema = z.object({ pid: z.int(), identity: z.string(), host: z.string(), token: z.string() });
type Lock = z.infer<typeof lockSchema>;

export interface DataLock {
  /** Who held it before and never gave it back; `undefined` when it was free. */
  readonly takenOverFrom: number | undefined;
  release(): Promise<void>;
}

const SIGN_OF_LIFE_MS = 5_000;
/** Processes of another host (or container) cannot be looked up: their lock counts as theirs while it is touched. */
const SILENT_MS = 30_000;
const ATTEMPTS = 5;

/** @throws DarkroomError `already_running`, naming the holder and where it answers. */
export async function lockDataDir(dataDir: string): Promise<DataLock> {
  const path = join(dataDir, 'run', 'lock.json');
  await mkdir(join(dataDir, 'run'), { recursive: true });
  const mine: Lock = {
    pid: process.pid,
    identity: (await identifyProcess(process.pid)) ?? '',
    host: hostname(),
    token: randomUUID(),
  };
  let takenOverFrom: number | undefined;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (await createLock(path, mine)) return hold(path, mine, takenOverFrom);
    const content = await readFile(path, 'utf8').catch(() => undefined);
    if (content === undefined) continue;
    const holder = parseLock(content);
    if (holder !== undefined && (await isAlive(path, holder))) throw await describeHolder(dataDir, holder);
    if (await setAside(path, content)) takenOverFrom = holder?.pid ?? 0;
  }
  throw new DarkroomError('already_running', 'Several programs are starting on this data directory at once.');
}

/** Writes the lock under another name and links it, so that it is never seen half written. */
async function createLock(path: string, lock: Lock): Promise<boolean> {
  const draft = `${path}.${lock.token}`;
  const file = await open(draft, 'wx');
  try {
    await file.writeFile(JSON.stringify(lock));
  } finally {
    await file.close();
  }
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Moves a dead lock away; if another took it over in between, theirs is put back. */
async function setAside(path: string, dead: string): Promise<boolean> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return false;
  }
  try {
    if ((await readFile(aside, 'utf8')) === dead) return true;
    await link(aside, path).catch(() => undefined);
    return false;
  } finally {
    await rm(aside, { force: true });
  }
}

function parseLock(content: string): Lock | undefined {
  try {
    return lockSchema.safeParse(JSON.parse(content)).data;
  } catch {
    return undefined;
  }
}

async function isAlive(path: string, holder: Lock): Promise<boolean> {
  if (holder.host === hostname()) return (await identifyProcess(holder.pid)) === holder.identity;
  const touched = (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
  return Date.now() - touched < SILENT_MS;
}

async function describeHolder(dataDir: string, holder: Lock): Promise<DarkroomError> {
  const running = await readRunFile(dataDir);
  const where = running?.pid === holder.pid && running.apiUrl !== undefined ? ` at ${running.apiUrl}` : '';
  const host = holder.host === hostname() ? '' : ` on ${holder.host}`;
  return new DarkroomError(
    'already_running',
    `Darkroom is already running${where} (process ${holder.pid}${host}) on ${dataDir}.`,
  );
}

function hold(path: string, mine: Lock, takenOverFrom: number | undefined): DataLock {
  const sign = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, SIGN_OF_LIFE_MS);
  sign.unref();
  return {
    takenOverFrom,
    async release() {
      clearInterval(sign);
      const content = await readFile(path, 'utf8').catch(() => undefined);
      if (content !== undefined && parseLock(content)?.token === mine.token) await rm(path, { force: true });
    },
  };
}
