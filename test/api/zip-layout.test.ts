/**
 * Property: a ZIP that was never written is one that others read: beyond 65,535 members, beyond 4 GiB, with the names of any
 * language; and reading it in pieces gives the bytes of reading it whole.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { expect, it } from 'vitest';
import type { ByteRange } from '../../src/api/downloads/byte-ranges.ts';
import { readZip, type ReadContent } from '../../src/api/downloads/read-zip.ts';
import { ZipLayout, type ZipMember } from '../../src/api/downloads/zip-layout.ts';
import { openZipBuffer } from './support/zip-files.ts';

const run = promisify(execFile);
const modifiedAt = Date.UTC(2026, 10, 22, 12, 34, 56);
const memberOf = (name: string, content: Buffer): ZipMember => ({
  name,
  bytes: content.length,
  crc32: crc32(content),
  modifiedAt,
});

const reading = (contents: readonly Buffer[]): ReadContent =>
  async function* (index, { start, end }) {
    yield (contents[index] ?? Buffer.alloc(0)).subarray(start, end + 1);
  };

async function collect(layout: ZipLayout, read: ReadContent, range: ByteRange): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readZip(layout, read, range)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
const all = ({ bytes }: ZipLayout): ByteRange => ({ start: 0, end: bytes - 1 });

it('has any number of members', async () => {
  const contents = Array.from({ length: 70_000 }, (_, index) => Buffer.from(String(index)));
  const layout = new ZipLayout(contents.map((content, index) => memberOf(`${index}.txt`, content)));
  const bytes = await collect(layout, reading(contents), all(layout));
  expect(bytes.length).toBe(layout.bytes);
  const zip = await openZipBuffer(bytes);
  expect(zip.entries).toHaveLength(70_000);
  for (const index of [0, 12_345, 65_535, 69_999]) expect(String(await zip.content(index))).toBe(String(index));
});

it('is the same at every cut', async () => {
  const contents = [Buffer.from('first'), Buffer.alloc(0), Buffer.from('third, a little longer')];
  const layout = new ZipLayout(contents.map((content, index) => memberOf(`é${index}.txt`, content)));
  const bytes = await collect(layout, reading(contents), all(layout));
  for (let start = 0; start < bytes.length; start += 1) {
    for (const end of [start, start + 1, start + 40, bytes.length - 1]) {
      const last = Math.min(end, bytes.length - 1);
      const part = await collect(layout, reading(contents), { start, end: last });
      expect(part.equals(bytes.subarray(start, last + 1)), `${start}-${last}`).toBe(true);
    }
  }
});

it('breaks off when a member is not as long as it was', async () => {
  const layout = new ZipLayout([memberOf('a', Buffer.from('four')), memberOf('b', Buffer.from('more'))]);
  for (const content of ['fou', 'fours']) {
    const read = reading([Buffer.from(content), Buffer.from('more')]);
    const whole: ReadContent = (index, range) => read(index, { ...range, end: 99 });
    await expect(collect(layout, whole, all(layout))).rejects.toThrow('another length');
  }
});

it('describes members of more than four gigabytes, and what lies behind them', async () => {
  const large = 5 * 1024 ** 3;
  const layout = new ZipLayout([
    { name: 'large', bytes: large, crc32: 1, modifiedAt },
    memberOf('small', Buffer.from('x')),
  ]);
  const tail = await collect(layout, reading([]), { start: layout.directoryAt, end: layout.bytes - 1 });
  expect(layout.bytes).toBe(layout.directoryAt + tail.length);
  const header = layout.header({ name: 'large', bytes: large, crc32: 1, modifiedAt });
  expect(layout.startOf(1)).toBe(header.length + large);
  // Both lines of the directory carry 64-bit values: sizes of the first, place of the second.
  expect(tail.readBigUInt64LE(46 + 5 + 9 + 4)).toBe(BigInt(large));
  const second = layout.entryStartOf(1) - layout.directoryAt;
  expect(tail.readBigUInt64LE(second + 46 + 5 + 9 + 4)).toBe(BigInt(layout.startOf(1)));
});

const hasPython = await run('python3', ['--version']).then(
  () => true,
  () => false,
);
it.skipIf(!hasPython)('is read by Python, names, times and checksums', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'darkroom-zip-'));
  try {
    const contents = [Buffer.from('one'), Buffer.alloc(100_000, 'x')];
    const layout = new ZipLayout([
      memberOf('été 🏖️.jpg', contents[0] as Buffer),
      memberOf('b.jpg', contents[1] as Buffer),
    ]);
    await writeFile(join(folder, 'a.zip'), await collect(layout, reading(contents), all(layout)));
    const script =
      'import sys,zipfile;z=zipfile.ZipFile(sys.argv[1]);assert z.testzip() is None;' +
      'print([(i.filename,i.date_time[:5],i.file_size) for i in z.infolist()])';
    const { stdout } = await run('python3', ['-c', script, join(folder, 'a.zip')], {
      env: { ...process.env, PYTHONIOENCODING: 'utf8' },
    });
    expect(stdout.trim()).toBe(
      "[('été 🏖️.jpg', (2026, 11, 22, 12, 34), 3), ('b.jpg', (2026, 11, 22, 12, 34), 100000)]",
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
