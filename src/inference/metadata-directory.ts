/**
 * Directories of tags, as TIFF and EXIF have them: written little-endian, classic or BigTIFF. Values are kept as bytes.
 */

export interface Tag {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  /** Little-endian. */
  readonly value: Buffer;
}

export interface Directory {
  readonly tags: readonly Tag[];
  /** Directories that a tag points to. */
  readonly children: readonly { readonly tag: number; readonly directory: Directory }[];
}

export const EXIF_POINTER = 0x8769;
export const GPS_POINTER = 0x8825;
export const INTEROP_POINTER = 0xa005;

/** Bytes of one value of each type: BYTE, ASCII, SHORT, LONG, RATIONAL, …, and those of BigTIFF and EXIF 3. */
export const VALUE_BYTES: Readonly<Record<number, number>> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 1,
  8: 2,
  9: 4,
  10: 8,
  11: 4,
  12: 8,
  13: 4,
  16: 8,
  17: 8,
  18: 8,
  129: 1,
};

const RATIONALS = new Set([5, 10]);

/** The same value with its bytes turned round, where it comes from a big-endian file. */
export function littleEndianOf(value: Buffer, type: number, isLittleEndian: boolean): Buffer {
  const copy = Buffer.from(value);
  if (isLittleEndian) return copy;
  const bytes = RATIONALS.has(type) ? 4 : (VALUE_BYTES[type] ?? 1);
  const whole = copy.subarray(0, copy.length - (copy.length % bytes));
  if (bytes === 2) whole.swap16();
  if (bytes === 4) whole.swap32();
  if (bytes === 8) whole.swap64();
  return copy;
}

/** A directory and all it points to, to be put at `at` of its file. */
export function packDirectory(directory: Directory, at: number, big: boolean): Buffer {
  const children = new Map(directory.children.map((child) => [child.tag, child.directory]));
  const pointers = [...children.keys()].map((tag) => ({ tag, type: big ? 16 : 4, count: 1, value: Buffer.alloc(0) }));
  const tags = [...directory.tags.filter(({ tag }) => !children.has(tag)), ...pointers].sort((a, b) => a.tag - b.tag);
  const [countBytes, entryBytes, inlineBytes] = big ? [8, 20, 8] : [2, 12, 4];
  const head = Buffer.alloc(countBytes + tags.length * entryBytes + inlineBytes);
  const parts: Buffer[] = [head];
  let end = at + head.length;
  const place = (content: Buffer): number => {
    const start = end;
    parts.push(content, Buffer.alloc(content.length % 2));
    end += content.length + (content.length % 2);
    return start;
  };
  writeOffset(head, 0, tags.length, countBytes);
  for (const [index, { tag, type, count, value }] of tags.entries()) {
    const entry = countBytes + index * entryBytes;
    const child = children.get(tag);
    head.writeUInt16LE(tag, entry);
    head.writeUInt16LE(type, entry + 2);
    writeOffset(head, entry + 4, count, inlineBytes);
    if (child !== undefined)
      writeOffset(head, entry + 4 + inlineBytes, place(packDirectory(child, end, big)), inlineBytes);
    else if (value.length <= inlineBytes) value.copy(head, entry + 4 + inlineBytes);
    else writeOffset(head, entry + 4 + inlineBytes, place(value), inlineBytes);
  }
  return Buffer.concat(parts);
}

export function writeOffset(target: Buffer, at: number, value: number, bytes: number): void {
  if (bytes === 8) target.writeBigUInt64LE(BigInt(value), at);
  else target.writeUIntLE(value, at, bytes);
}
