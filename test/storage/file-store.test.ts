/** A file store passes the suite of all stores, follows no planted link, and leaves no temporary file behind. */
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileStore } from '../../src/storage/file-store.ts';
import { storeSuite } from './store-suite.ts';

storeSuite('file store', async () => {
  const root = await mkdtemp(join(tmpdir(), 'darkroom-file-store-'));
  const store = await FileStore.open(root, randomUUID);
  return {
    store,
    close: async () => {
      expect(await readdir(join(root, '.incoming'))).toEqual([]);
      await rm(root, { recursive: true });
    },
  };
});

describe('[19] planted links and left-over files', () => {
  let root: string;
  let outside: string;
  let store: FileStore;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'darkroom-file-store-'));
    outside = await mkdtemp(join(tmpdir(), 'darkroom-outside-'));
    store = await FileStore.open(root, randomUUID);
    await writeFile(join(outside, 'secret'), 'secret');
  });
  afterEach(async () => {
    await rm(root, { recursive: true });
    await rm(outside, { recursive: true });
  });

  it('refuses a directory that is a link', async () => {
    await symlink(outside, join(root, 'batches'));
    await expect(store.read('batches/secret')).rejects.toMatchObject({ code: 'storage_unavailable' });
    await expect(store.write('batches/new', Buffer.from('x'))).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(await readdir(outside)).toEqual(['secret']);
  });

  it('refuses an object that is a link', async () => {
    await mkdir(join(root, 'batches'));
    await symlink(join(outside, 'secret'), join(root, 'batches', 'photo'));
    await expect(store.read('batches/photo')).rejects.toThrow();
    await expect(store.open('batches/photo')).rejects.toThrow();
  });

  it('removes, as it is opened, what killed processes of this host had not finished, and only that', async () => {
    const child = spawnSync(process.execPath, ['-e', '']);
    const host = hostname().replaceAll(/[^A-Za-z0-9_-]/g, '-');
    const names = [`${host}~${child.pid}~x`, `${host}~${process.pid}~x`, `elsewhere~${child.pid}~x`];
    for (const name of names) await writeFile(join(root, '.incoming', name), 'half');
    await FileStore.open(root, randomUUID);
    expect((await readdir(join(root, '.incoming'))).sort()).toEqual(names.slice(1).sort());
  });

  it('keeps no file open that it was given to read and could not begin to write', async () => {
    const content = createReadStream(join(outside, 'secret'));
    await rm(join(root, '.incoming'), { recursive: true });
    await expect(store.write('photo', content)).rejects.toThrow();
    expect(content.destroyed).toBe(true);
  });

  it('sweeps what a crash left behind, and only that', async () => {
    await writeFile(join(root, '.incoming', 'old'), 'x');
    await writeFile(join(root, '.incoming', 'new'), 'x');
    await utimes(join(root, '.incoming', 'old'), 1, 1);
    expect(await store.sweep(Date.now() - 3_600_000)).toBe(1);
    expect(await readdir(join(root, '.incoming'))).toEqual(['new']);
  });
});
