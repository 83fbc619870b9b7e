/**
 * Property: a process that shares the uploads' folder with one that lives takes nothing that the other has claimed; what one that
 * died had claimed comes back at the next start.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { UploadRoom } from '../../src/api/uploads/upload-room.ts';
import { makeUploadId } from '../../src/contracts/http-uploads.ts';
import { Neighbours } from '../../src/storage/neighbours.ts';
import { newBatchId } from '../support/journal-fixtures.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'darkroom-uploads-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const openRoom = (): UploadRoom =>
  new UploadRoom({
    directory: root,
    maxConcurrent: 4,
    expiryMs: 86_400_000,
    clock: Date.now,
    logger: pino({ level: 'silent' }),
    isTaken: () => Promise.resolve(false),
  });

const isAlone = async (): Promise<boolean> => {
  const own = new Neighbours(join(root, 'users'));
  try {
    return await own.join((error) => expect(error).toBeUndefined());
  } finally {
    await own.leave();
  }
};

it('gives back no claim of a process that lives, and those of one that has died', async () => {
  const first = openRoom();
  const other = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)']);
  await first.start();
  await writeFile(join(root, 'users', `${other.pid}@${hostname()}`), '.');
  const id = makeUploadId(Date.now(), new Uint8Array(26));
  await first.shelf.create({ id, tenant: 'one', name: 'a', metadata: {}, length: 1, createdAt: Date.now() });
  await first.shelf.claim([id], { batchId: newBatchId() });
  await first.stop();
  const second = openRoom();
  await second.start();
  expect(await second.shelf.read(id)).toBeUndefined();
  await second.stop();
  const died = once(other, 'exit');
  other.kill('SIGKILL');
  await died;
  const third = openRoom();
  await third.start();
  expect(await third.shelf.read(id)).toMatchObject({ id });
  await third.stop();
  expect(await readdir(join(root, 'users'))).toEqual([]);
});

it('believes that a process of another host lives while it says so now and then', async () => {
  expect(await isAlone()).toBe(true);
  const path = join(root, 'users', '1@elsewhere');
  await writeFile(path, '.');
  expect(await isAlone()).toBe(false);
  const before = new Date(Date.now() - 60_000);
  await utimes(path, before, before);
  expect(await isAlone()).toBe(true);
});
