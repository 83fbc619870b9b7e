import { open } from 'node:fs/promises';
import { packDirectory, VALUE_BYTES, writeOffset, type Directory, type Tag } from './metadata-directory.ts';
import { directoryOf } from './metadata-exif.ts';
import type { FileMetadata } from './metadata-write.ts';

/**
 * Adds metadata to a TIFF file that libvips wrote: a new directory at its end, which takes over from the first. libvips
 * writes no EXIF into TIFF at all.
 */

const TAGS = { orientation: 0x112, xmp: 0x2bc, iptc: 0x83bb, profile: 0x8773 } as const;

/** Tags of EXIF's first directory that describe pixels: those of the file itself are the true ones. */
const OF_PIXELS = new Set([
  0xfe, 0xff, 0x100, 0x101, 0x102, 0x103, 0x106, 0x10a, 0x111, 0x112, 0x115, 0x116, 0x117, 0x11c, 0x13d, 0x140, 0x142,
  0x143, 0x144, 0x145, 0x14a, 0x152, 0x153, 0x201, 0x202, 0x211, 0x212, 0x213, 0x214, 0x2bc, 0x83bb, 0x8773,
]);

export async function addToTiff(path: string, { exif, xmp, iptc, profile }: FileMetadata): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const read = async (at: number, bytes: number): Promise<Buffer> => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, at);
      if (bytesRead < bytes) throw new RangeError(`Expected ${bytes} bytes at ${at} of the result`);
      return buffer;
    };
    const head = await read(0, 16);
    const big = head.readUInt16LE(2) === 43;
    if (head.toString('latin1', 0, 2) !== 'II') throw new TypeError('Expected a little-endian TIFF');
    const own = await pixelTags(read, big ? Number(head.readBigUInt64LE(8)) : head.readUInt32LE(4), big);
    const described = exif && directoryOf(exif);
    const added: Tag[] = [
      ...(described?.tags ?? []).filter(({ tag }) => !OF_PIXELS.has(tag)),
      ...blobTag(TAGS.xmp, 1, xmp),
      ...blobTag(TAGS.iptc, 7, iptc),
      ...blobTag(TAGS.profile, 7, profile),
    ];
    const replaced = new Set(added.map(({ tag }) => tag));
    const tags = [...own.filter(({ tag }) => !replaced.has(tag)), ...added];
    await append(file, { tags, children: described?.children ?? [] }, big);
  } finally {
    await file.close();
  }
}

async function append(file: Awaited<ReturnType<typeof open>>, directory: Directory, big: boolean): Promise<void> {
  const { size } = await file.stat();
  const at = size + (size % 2);
  const content = packDirectory(directory, at, big);
  // Directories that come later in the file are not reached any more; libvips writes one picture.
  await file.write(content, 0, content.length, at);
  const pointer = Buffer.alloc(big ? 8 : 4);
  writeOffset(pointer, 0, at, pointer.length);
  await file.write(pointer, 0, pointer.length, big ? 8 : 4);
}

const blobTag = (tag: number, type: number, value: Buffer | undefined): Tag[] =>
  value === undefined ? [] : [{ tag, type, count: value.length, value }];

const readNumber = (from: Buffer, offset: number, bytes: number): number =>
  bytes === 8 ? Number(from.readBigUInt64LE(offset)) : from.readUIntLE(offset, bytes);

/** The tags that are there already; their values stay in bytes. */
async function pixelTags(
  read: (at: number, bytes: number) => Promise<Buffer>,
  at: number,
  big: boolean,
): Promise<Tag[]> {
  const [countBytes, entryBytes, inlineBytes] = big ? [8, 20, 8] : [2, 12, 4];
  const count = readNumber(await read(at, countBytes), 0, countBytes);
  const entries = await read(at + countBytes, count * entryBytes);
  const tags: Tag[] = [];
  for (let index = 0; index < count; index += 1) {
    const entry = entries.subarray(index * entryBytes, (index + 1) * entryBytes);
    const type = entry.readUInt16LE(2);
    const values = readNumber(entry, 4, inlineBytes);
    const bytes = values * (VALUE_BYTES[type] ?? 1);
    const inline = entry.subarray(4 + inlineBytes);
    const value =
      bytes <= inlineBytes ? inline.subarray(0, bytes) : await read(readNumber(inline, 0, inlineBytes), bytes);
    tags.push({ tag: entry.readUInt16LE(0), type, count: values, value });
  }
  return tags;
}
