/** What every store must hold: whole or not at all, inside its root, one winner of a conditional write. */
import { createHash, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { writeFile, mkdtemp, rm, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../src/storage/store.ts';

export function storeSuite(name: string, open: () => Promise<{ store: Store; close(): Promise<void> }>): void {
  describe(name, () => {
    let store: Store;
    let close: () => Promise<void>;
    let outside: string;
    beforeAll(async () => {
      ({ store, close } = await open());
      outside = await mkdtemp(join(tmpdir(), 'darkroom-store-'));
    });
    afterAll(async () => {
      await close();
      await rm(outside, { recursive: true, force: true });
    });

    it('gives back what was written, with its size and checksum', async () => {
      const content = randomBytes(300_000);
      const written = await store.write('a/b/photo.jpg', content);
      expect(written).toEqual({ bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') });
      expect(await store.read('a/b/photo.jpg')).toEqual(content);
      expect(await buffer(await store.open('a/b/photo.jpg'))).toEqual(content);
      expect((await store.stat('a/b/photo.jpg'))?.bytes).toBe(content.length);
    });

    it('reads ranges, ends included', async () => {
      await store.write('range', Buffer.from('0123456789'));
      expect((await buffer(await store.open('range', { start: 2, end: 4 }))).toString()).toBe('234');
    });

    it('writes streams, and nothing of a stream that breaks', async () => {
      async function* broken() {
        yield Buffer.from('half');
        throw new Error('cut');
      }
      await expect(store.write('broken', broken())).rejects.toThrow();
      expect(await store.read('broken')).toBeUndefined();
    });

    it('stops a write when its signal is aborted', async () => {
      const controller = new AbortController();
      async function* slow() {
        yield Buffer.from('half');
        controller.abort(new Error('enough'));
        yield Buffer.from('other half');
      }
      await expect(store.write('aborted', slow(), { signal: controller.signal })).rejects.toThrow('enough');
      expect(await store.stat('aborted')).toBeUndefined();
    });

    it('has exactly one winner of a conditional write', async () => {
      const writers = Array.from({ length: 20 }, (_, index) =>
        store.write('contested', Buffer.from(`writer ${index}`), { onlyIfAbsent: true }),
      );
      const winners = (await Promise.all(writers)).filter((written) => written !== undefined);
      expect(winners).toHaveLength(1);
      expect((await store.read('contested'))?.toString()).toMatch(/^writer \d+$/);
    });

    it('takes over a file, which is gone from where it was', async () => {
      const path = join(outside, 'finished');
      await writeFile(path, 'result');
      await store.adopt('adopted/result', path);
      expect((await store.read('adopted/result'))?.toString()).toBe('result');
      await expect(readFile(path)).rejects.toThrow();
    });

    it('shares files, which stay where they are and may go without the objects', async () => {
      const files = [];
      for (const index of [0, 1, 2]) {
        const path = join(outside, `shared-${index}`);
        await writeFile(path, `photo ${index}`);
        files.push({ path, key: `shared/00000/00${index}` });
      }
      await store.share(files);
      for (const { path } of files) await rm(path);
      expect((await store.read('shared/00000/001'))?.toString()).toBe('photo 1');
      expect(await store.list('shared/00000')).toEqual(['000', '001', '002']);
      await expect(store.share([{ path: join(outside, 'absent'), key: 'shared/absent' }])).rejects.toThrow();
    });

    it('lists names below a prefix, sorted, and nothing of what is absent', async () => {
      for (const key of ['list/b', 'list/a', 'list/c/d']) await store.write(key, Buffer.from('x'));
      expect(await store.list('list')).toEqual(['a', 'b', 'c']);
      expect(await store.list('nowhere')).toEqual([]);
    });

    it('removes what is there and does not mind what is not', async () => {
      await store.write('gone/one', Buffer.from('x'));
      await store.write('gone/two', Buffer.from('x'));
      await store.remove('gone/one');
      await store.remove('gone/one');
      expect(await store.list('gone')).toEqual(['two']);
      await store.removeAll('gone');
      expect(await store.list('gone')).toEqual([]);
    });

    it.each(['../outside', 'a/../../b', '/etc/passwd', 'a//b', '', '.hidden', 'a\0b', 'ünicode'])(
      'refuses the key %j',
      async (key) => {
        await expect(store.write(key, Buffer.from('x'))).rejects.toThrow(TypeError);
        await expect(store.read(key)).rejects.toThrow(TypeError);
      },
    );

    it('lends an object to local programs', async () => {
      await store.write('lent', Buffer.from('content'));
      const copy = await store.localCopy('lent');
      expect(await readFile(copy.path, 'utf8')).toBe('content');
      await copy.release();
      expect((await store.read('lent'))?.toString()).toBe('content');
      await expect(store.localCopy('absent')).rejects.toMatchObject({ code: 'source_missing' });
    });
  });
}
