/**
 * Who asks for a flush gets one that began after their name was in the directory: never one that was under way already,
 * and one for all who asked meanwhile.
 */
import { describe, expect, it } from 'vitest';
import { DirectoryFlusher } from '../../src/storage/directory-flusher.ts';

/** A disk on which flushes end when the test says so. */
function slowDisk() {
  const begun: { directory: string; end(): void; fail(error: Error): void }[] = [];
  const flusher = new DirectoryFlusher(
    (directory) =>
      new Promise((resolve, reject) => {
        begun.push({ directory, end: resolve, fail: reject });
      }),
  );
  return { begun, flusher };
}

/** Lets everything run that waits for nothing but promises. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('directory flusher', () => {
  it('begins one further flush, after the one under way, for all who come meanwhile', async () => {
    const { begun, flusher } = slowDisk();
    const first = flusher.flush('a');
    const ended: number[] = [];
    const late = [1, 2, 3].map((who) => flusher.flush('a').then(() => ended.push(who)));
    await settle();
    expect(begun).toHaveLength(1);
    begun[0]?.end();
    await first;
    await settle();
    expect(begun).toHaveLength(2);
    expect(ended).toEqual([]);
    begun[1]?.end();
    await Promise.all(late);
    expect(ended).toEqual([1, 2, 3]);
  });

  it('flushes different directories side by side, and the same one again once it has ended', async () => {
    const { begun, flusher } = slowDisk();
    const flushes = [flusher.flush('a'), flusher.flush('b')];
    expect(begun.map(({ directory }) => directory)).toEqual(['a', 'b']);
    for (const each of begun) each.end();
    await Promise.all(flushes);
    void flusher.flush('a');
    expect(begun).toHaveLength(3);
  });

  it('tells those whose flush failed, and tries again for those who came later', async () => {
    const { begun, flusher } = slowDisk();
    const first = flusher.flush('a');
    const second = flusher.flush('a');
    begun[0]?.fail(new Error('the disk is away'));
    await expect(first).rejects.toThrow('away');
    await settle();
    begun[1]?.end();
    await expect(second).resolves.toBeUndefined();
  });
});
