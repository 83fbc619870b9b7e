/** A prefix is read as a folder whatever slashes are around it, and however long a text somebody sends, it is read at once. */
import { expect, it } from 'vitest';
import { newBatchSchema } from '../../src/contracts/http-batch-requests.ts';
import { asFolder } from '../../src/contracts/s3-place.ts';

it('a folder is what stands between the slashes', () => {
  const folders = ['', '/', '///', 'a', '/a/b/', '//a/b///'].map(asFolder);
  expect(folders).toEqual(['', '', '', 'a', 'a/b', 'a/b']);
  expect(['a//b', '../a', 'a/.', 'a\0'].map(asFolder)).toEqual(Array(4).fill(undefined));
});

it('slashes without end cost nothing, and are no prefix', () => {
  const long = `a${'/'.repeat(400_000)}b`;
  const before = performance.now();
  expect(asFolder(long)).toBeUndefined();
  const source = (prefix: string) => ({ source: { kind: 's3', bucket: 'photos', prefix } });
  expect(newBatchSchema.safeParse(source(long)).error?.issues[0]?.message).toBe('must be 1024 characters at most');
  expect(performance.now() - before).toBeLessThan(1000);
  expect(newBatchSchema.safeParse(source('a'.repeat(1024))).success).toBe(true);
});
