// Property: at most one holder of a data directory; a dead holder never keeps the next one out, a living one is named.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockDataDir } from '../../src/cli/supervisor/data-lock.ts';
import { identifyProcess } from '../../src/cli/supervisor/process-identity.ts';

let folder: string;
const lockFile = (): string => join(folder, 'run/lock.json');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'darkroom-lock-'));
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

async function leaveLock(lock: { pid: number; identity: string; host?: string }): Promise<void> {
  await mkdir(join(folder, 'run'), { recursive: true });
  await writeFile(lockFile(), JSON.stringify({ host: hostname(), token: 'theirs', ...lock }));
}

it('has one winner among many at once, and is free after the release', async () => {
  const tries = await Promise.allSettled(Array.from({ length: 8 }, async () => await lockDataDir(folder)));
  const winners = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  expect(winners).toHaveLength(1);
  await winners[0]?.release();
  expect(await readdir(join(folder, 'run'))).toEqual([]);
  await (await lockDataDir(folder)).release();
});

it('names a holder that lives', async () => {
  const holder = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  try {
    await leaveLock({ pid: holder.pid ?? 0, identity: (await identifyProcess(holder.pid ?? 0)) ?? '' });
    await expect(lockDataDir(folder)).rejects.toMatchObject({
      code: 'already_running',
      message: `Darkroom is already running (process ${holder.pid}) on ${folder}.`,
    });
  } finally {
    holder.kill('SIGKILL');
  }
});

it('takes over from a holder that was killed, even if its number lives on in another process', async () => {
  const holder = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const identity = (await identifyProcess(holder.pid ?? 0)) ?? '';
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await leaveLock({ pid: holder.pid ?? 0, identity });
  const first = await lockDataDir(folder);
  expect(first.takenOverFrom).toBe(holder.pid);
  await first.release();
  await leaveLock({ pid: process.pid, identity: 'of an earlier boot' });
  const second = await lockDataDir(folder);
  expect(second.takenOverFrom).toBe(process.pid);
  await second.release();
});

it('has one winner when many take over a dead lock', async () => {
  await leaveLock({ pid: process.pid, identity: 'long gone' });
  const tries = await Promise.allSettled(Array.from({ length: 8 }, async () => await lockDataDir(folder)));
  const winners = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  expect(winners).toHaveLength(1);
  await winners[0]?.release();
});

it('believes the lock of another host while it is touched', async () => {
  await leaveLock({ pid: 1, identity: 'x', host: 'another-container' });
  await expect(lockDataDir(folder)).rejects.toMatchObject({ code: 'already_running' });
  const longAgo = new Date(Date.now() - 3_600_000);
  await utimes(lockFile(), longAgo, longAgo);
  await (await lockDataDir(folder)).release();
});

it('takes over a lock that cannot be read', async () => {
  await mkdir(join(folder, 'run'), { recursive: true });
  await writeFile(lockFile(), '{"pid":');
  await (await lockDataDir(folder)).release();
});
