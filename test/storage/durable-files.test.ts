/** What is said of a finished file is true of its bytes, whatever its size, and a move leaves one file, also across file systems. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { flushAndChecksum, moveFlushed } from '../../src/storage/durable-files.ts';

const READ_AT_ONCE = 256 * 1024;
/** A file system in memory, where there is one besides that of the temporary files. */
const ELSEWHERE = ['/dev/shm'].find((path) => existsSync(path) && statSync(path).dev !== statSync(tmpdir()).dev);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'darkroom-durable-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('flushAndChecksum', () => {
  it.each([0, 1, READ_AT_ONCE - 1, READ_AT_ONCE, READ_AT_ONCE + 1, 3 * READ_AT_ONCE])('%i bytes', async (size) => {
    const content = randomBytes(size);
    const path = join(folder, 'finished');
    await writeFile(path, content);
    expect(await flushAndChecksum(path)).toEqual({
      bytes: size,
      sha256: createHash('sha256').update(content).digest('hex'),
      crc32: crc32(content),
    });
  });
});

describe('moveFlushed', () => {
  const move = async (from: string): Promise<void> => {
    await writeFile(from, 'new');
    await writeFile(join(folder, 'there'), 'old');
    await moveFlushed(from, join(folder, 'there'), join(folder, 'half'));
    expect(await readFile(join(folder, 'there'), 'utf8')).toBe('new');
    expect(await readdir(folder)).toEqual(['there']);
    expect(existsSync(from)).toBe(false);
  };

  it('takes the place of what was there', () => move(join(folder, 'here')));

  it.skipIf(ELSEWHERE === undefined)('does so across file systems', async () => {
    const other = await mkdtemp(join(ELSEWHERE ?? '', 'darkroom-durable-'));
    try {
      await move(join(other, 'here'));
    } finally {
      await rm(other, { recursive: true, force: true });
    }
  });

  it('leaves the file where it is when its new place does not exist', async () => {
    const from = join(folder, 'here');
    await writeFile(from, 'new');
    await expect(moveFlushed(from, join(folder, 'nowhere', 'there'), join(folder, 'half'))).rejects.toThrow('ENOENT');
    expect(await readdir(folder)).toEqual(['here']);
  });
});
