import { open, type FileHandle } from 'node:fs/promises';
import {
  EXIF_POINTER,
  GPS_POINTER,
  INTEROP_POINTER,
  littleEndianOf,
  VALUE_BYTES,
  type Directory,
  type Tag,
} from './metadata-directory.ts';
import { exifOf } from './metadata-exif.ts';

/** EXIF out of a TIFF file, where it is spread over the file. Nothing is believed, and little is read. */

const MAX_TAGS = 512;
const MAX_VALUE_BYTES = 1024 * 1024;
const MAX_TOTAL_BYTES = 4 * MAX_VALUE_BYTES;

/** Tags of the picture's own directory that say something about the photo rather than about its pixels. */
const DESCRIPTIVE = new Set([
  0x10d, 0x10e, 0x10f, 0x110, 0x11a, 0x11b, 0x11d, 0x128, 0x131, 0x132, 0x13b, 0x13c, 0x4746, 0x4749, 0x8298, 0x9c9b,
  0x9c9c, 0x9c9d, 0x9c9e, 0x9c9f, 0xc62f,
]);
const POINTERS = new Set([EXIF_POINTER, GPS_POINTER, INTEROP_POINTER]);

/** An EXIF block, or nothing where the file has none, or none that can be read. */
export async function readTiffMetadata(path: string): Promise<Buffer | undefined> {
  const file = await open(path, 'r');
  try {
    const tiff = await openTiff(file);
    if (tiff === undefined) return undefined;
    const image = await tiff.directory(tiff.first, [EXIF_POINTER, GPS_POINTER]);
    const tags = image.tags.filter(({ tag }) => DESCRIPTIVE.has(tag));
    return tags.length === 0 && image.children.length === 0 ? undefined : exifOf({ ...image, tags });
  } catch (error) {
    if (error instanceof RangeError) return undefined; // an offset that leads out of the file
    throw error;
  } finally {
    await file.close();
  }
}

async function openTiff(file: FileHandle): Promise<TiffReader | undefined> {
  const head = await readAt(file, 0, 16);
  const littleEndian = head.toString('latin1', 0, 2) === 'II';
  const big = (littleEndian ? head.readUInt16LE(2) : head.readUInt16BE(2)) === 43;
  return new TiffReader(file, littleEndian, big, head);
}

async function readAt(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, at);
  if (bytesRead < bytes) throw new RangeError(`Expected ${bytes} bytes at ${at}`);
  return buffer;
}

class TiffReader {
  readonly first: number;
  readonly #file: FileHandle;
  readonly #littleEndian: boolean;
  readonly #big: boolean;
  readonly #seen = new Set<number>();
  #total = 0;

  constructor(file: FileHandle, littleEndian: boolean, big: boolean, head: Buffer) {
    this.#file = file;
    this.#littleEndian = littleEndian;
    this.#big = big;
    this.first = this.#number(head, big ? 8 : 4, big ? 8 : 4);
  }

  /** @param pointers - tags whose directories are read as well. */
  async directory(at: number, pointers: readonly number[]): Promise<Directory> {
    if (this.#seen.has(at)) return { tags: [], children: [] };
    this.#seen.add(at);
    const [countBytes, entryBytes] = this.#big ? [8, 20] : [2, 12];
    const count = this.#number(await readAt(this.#file, at, countBytes), 0, countBytes);
    if (count > MAX_TAGS) throw new RangeError('Expected fewer tags');
    const entries = await readAt(this.#file, at + countBytes, count * entryBytes);
    const tags: Tag[] = [];
    const children: { tag: number; directory: Directory }[] = [];
    for (let index = 0; index < count; index += 1) {
      const entry = entries.subarray(index * entryBytes, (index + 1) * entryBytes);
      const tag = this.#number(entry, 0, 2);
      const wanted = at !== this.first || DESCRIPTIVE.has(tag) || pointers.includes(tag);
      const found = wanted ? await this.#tag(entry, tag) : undefined;
      if (found === undefined) continue;
      if (!POINTERS.has(tag)) tags.push(found);
      else if (pointers.includes(tag) && found.value.length >= 4) {
        const inner = tag === EXIF_POINTER ? [INTEROP_POINTER] : [];
        const place = found.value.length === 8 ? Number(found.value.readBigUInt64LE(0)) : found.value.readUInt32LE(0);
        const directory = await this.directory(place, inner);
        if (directory.tags.length > 0) children.push({ tag, directory });
      }
    }
    return { tags, children };
  }

  /** `undefined` for a value that is too large or of a type that EXIF does not have. */
  async #tag(entry: Buffer, tag: number): Promise<Tag | undefined> {
    const offsetBytes = this.#big ? 8 : 4;
    const type = this.#number(entry, 2, 2);
    const count = this.#number(entry, 4, offsetBytes);
    const bytes = (VALUE_BYTES[type] ?? Infinity) * count;
    this.#total += bytes;
    if (bytes > MAX_VALUE_BYTES || this.#total > MAX_TOTAL_BYTES) return undefined;
    const inline = entry.subarray(4 + offsetBytes);
    const value =
      bytes <= offsetBytes
        ? inline.subarray(0, bytes)
        : await readAt(this.#file, this.#number(inline, 0, offsetBytes), bytes);
    return { tag, type, count, value: littleEndianOf(value, type, this.#littleEndian) };
  }

  #number(from: Buffer, at: number, bytes: number): number {
    if (bytes === 8) return Number(this.#littleEndian ? from.readBigUInt64LE(at) : from.readBigUInt64BE(at));
    return this.#littleEndian ? from.readUIntLE(at, bytes) : from.readUIntBE(at, bytes);
  }
}
