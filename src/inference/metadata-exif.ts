import {
  EXIF_POINTER,
  GPS_POINTER,
  INTEROP_POINTER,
  littleEndianOf,
  packDirectory,
  VALUE_BYTES,
  type Directory,
} from './metadata-directory.ts';

/**
 * EXIF blocks. They are changed where they lie, never laid out anew: what cameras write into their maker notes points to
 * places in the block. Nothing in a block is believed: every offset and count is checked, no directory is read twice, and
 * what does not hold is left out.
 */

interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  /** Where its twelve bytes are. */
  readonly at: number;
  readonly valueAt: number;
  readonly bytes: number;
}

type Room = 'image' | 'exif' | 'gps' | 'interop' | 'thumbnail';

interface Listing {
  readonly room: Room;
  readonly at: number;
  /** As many as its count says; those that do not hold are not among `entries`. */
  readonly claimed: number;
  readonly entries: readonly Entry[];
}

interface Exif {
  readonly littleEndian: boolean;
  readonly listings: readonly Listing[];
}

const ENTRY_BYTES = 12;
const ROOMS: Readonly<Record<number, Room>> = {
  [EXIF_POINTER]: 'exif',
  [GPS_POINTER]: 'gps',
  [INTEROP_POINTER]: 'interop',
};

export const TAG = {
  imageWidth: 0x100,
  imageLength: 0x101,
  orientation: 0x112,
  thumbnailAt: 0x201,
  thumbnailBytes: 0x202,
  pixelWidth: 0xa002,
  pixelHeight: 0xa003,
} as const;

/** Tags that tell who and where: serial numbers, owners, identifiers, and blocks that may hold any of them. */
const PRIVATE_TAGS = new Set([
  GPS_POINTER,
  0x013c, // host computer: often "Anna's iPhone"
  0x02bc, // XMP
  0x83bb, // IPTC
  0x8649, // Photoshop's resources
  0x927c, // maker note
  0xa420, // unique number of the picture
  0xa430, // owner of the camera
  0xa431, // serial number of the body
  0xa435, // serial number of the lens
  0xc62f, // serial number of the camera
  0xc634, // private data of DNG: the maker note
  0xc65d, // unique number of the raw data
]);

/** Reads what holds of a block; `undefined` when it is no EXIF at all. */
function readExif(block: Buffer): Exif | undefined {
  const order = block.toString('latin1', 0, 4);
  if (block.length < 14 || (order !== 'II*\0' && order !== 'MM\0*')) return undefined;
  const littleEndian = order.startsWith('II');
  const reader = new Reader(block, littleEndian);
  const listings: Listing[] = [];
  const seen = new Set<number>();
  const visit = (at: number, room: Room): void => {
    const listing = seen.has(at) ? undefined : listingAt(reader, at, room);
    if (listing === undefined) return;
    seen.add(at);
    listings.push(listing);
    for (const { tag, valueAt, bytes } of listing.entries) {
      const child = ROOMS[tag];
      if (child !== undefined && bytes === 4) visit(reader.long(valueAt), child);
    }
    if (room === 'image') visit(reader.long(nextAt(listing)), 'thumbnail');
  };
  visit(reader.long(4), 'image');
  return listings.length === 0 ? undefined : { littleEndian, listings };
}

const nextAt = ({ at, claimed }: Listing): number => at + 2 + claimed * ENTRY_BYTES;

function listingAt(reader: Reader, at: number, room: Room): Listing | undefined {
  if (at < 8 || at + 6 > reader.length) return undefined;
  const claimed = reader.short(at);
  if (claimed === 0 || at + 2 + claimed * ENTRY_BYTES + 4 > reader.length) return undefined;
  const entries: Entry[] = [];
  for (let index = 0; index < claimed; index += 1) {
    const entry = at + 2 + index * ENTRY_BYTES;
    const [tag, type, count] = [reader.short(entry), reader.short(entry + 2), reader.long(entry + 4)];
    const bytes = (VALUE_BYTES[type] ?? 0) * count;
    const valueAt = bytes > 4 ? reader.long(entry + 8) : entry + 8;
    const holds = VALUE_BYTES[type] !== undefined && valueAt + bytes <= reader.length;
    if (holds) entries.push({ tag, type, count, at: entry, valueAt, bytes });
  }
  return { room, at, claimed, entries };
}

class Reader {
  readonly #block: Buffer;
  readonly #littleEndian: boolean;

  constructor(block: Buffer, littleEndian: boolean) {
    this.#block = block;
    this.#littleEndian = littleEndian;
  }

  get length(): number {
    return this.#block.length;
  }

  short(at: number): number {
    return this.#littleEndian ? this.#block.readUInt16LE(at) : this.#block.readUInt16BE(at);
  }

  long(at: number): number {
    return this.#littleEndian ? this.#block.readUInt32LE(at) : this.#block.readUInt32BE(at);
  }

  writeShort(value: number, at: number): void {
    if (this.#littleEndian) this.#block.writeUInt16LE(value, at);
    else this.#block.writeUInt16BE(value, at);
  }

  writeLong(value: number, at: number): void {
    if (this.#littleEndian) this.#block.writeUInt32LE(value, at);
    else this.#block.writeUInt32BE(value, at);
  }
}

export interface ExifChanges {
  /** Of the result. */
  readonly width: number;
  readonly height: number;
  /** Takes out what tells who and where. */
  readonly privacy: boolean;
}

/**
 * The block for the result: upright, with its size, and without the thumbnail, which shows the photo as it was.
 * @returns a copy; `undefined` when the block cannot be read.
 */
export function changeExif(source: Buffer, { width, height, privacy }: ExifChanges): Buffer | undefined {
  const block = Buffer.from(source);
  const exif = readExif(block);
  if (exif === undefined) return undefined;
  const writer = new Reader(block, exif.littleEndian);
  const isPrivate = ({ tag }: Entry): boolean => privacy && PRIVATE_TAGS.has(tag);
  for (const listing of exif.listings) {
    const gone = listing.room === 'thumbnail' || (privacy && listing.room === 'gps');
    if (listing.room === 'thumbnail') wipeThumbnail(block, writer, listing);
    const wiped = listing.entries.filter((entry) => gone || isPrivate(entry));
    for (const { valueAt, bytes } of wiped) block.fill(0, valueAt, valueAt + bytes);
    keepEntries(block, writer, listing, gone ? [] : listing.entries.filter((entry) => !isPrivate(entry)));
  }
  correct(block, exif.littleEndian, { width, height });
  return block;
}

function wipeThumbnail(block: Buffer, reader: Reader, { entries }: Listing): void {
  const value = (tag: number): number => {
    const entry = entries.find((candidate) => candidate.tag === tag && candidate.bytes === 4);
    return entry === undefined ? 0 : reader.long(entry.valueAt);
  };
  const [start, bytes] = [value(TAG.thumbnailAt), value(TAG.thumbnailBytes)];
  const isJpeg = start + 2 <= block.length && block.readUInt16BE(start) === 0xffd8;
  if (isJpeg) block.fill(0, start, Math.min(block.length, start + bytes));
}

/** Writes the directory anew with these entries; what follows it in the chain, the thumbnail, is cut off. */
function keepEntries(block: Buffer, writer: Reader, listing: Listing, kept: readonly Entry[]): void {
  const entries = kept.map(({ at }) => Buffer.from(block.subarray(at, at + ENTRY_BYTES)));
  const start = listing.at + 2;
  writer.writeShort(entries.length, listing.at);
  block.fill(0, start, nextAt(listing) + 4);
  for (const [index, entry] of entries.entries()) entry.copy(block, start + index * ENTRY_BYTES);
}

function correct(block: Buffer, littleEndian: boolean, { width, height }: { width: number; height: number }): void {
  const writer = new Reader(block, littleEndian);
  const wanted = new Map<number, number>([
    [TAG.orientation, 1],
    [TAG.imageWidth, width],
    [TAG.imageLength, height],
    [TAG.pixelWidth, width],
    [TAG.pixelHeight, height],
  ]);
  for (const { entries } of readExif(block)?.listings ?? []) {
    for (const { tag, at } of entries) {
      const value = wanted.get(tag);
      if (value === undefined) continue;
      const isShort = tag === TAG.orientation;
      writer.writeShort(isShort ? 3 : 4, at + 2); // the larger size may not fit into a SHORT
      writer.writeLong(1, at + 4);
      writer.writeLong(0, at + 8);
      if (isShort) writer.writeShort(value, at + 8);
      else writer.writeLong(value, at + 8);
    }
  }
}

/** A block as directories, for a TIFF file; `undefined` when it cannot be read. */
export function directoryOf(block: Buffer): Directory | undefined {
  const exif = readExif(block);
  if (exif === undefined) return undefined;
  const listed = (room: Room): Listing | undefined => exif.listings.find((listing) => listing.room === room);
  const build = (room: Room, pointers: readonly (readonly [number, Room])[]): Directory => ({
    tags: (listed(room)?.entries ?? [])
      .filter(({ tag }) => ROOMS[tag] === undefined)
      .map(({ tag, type, count, valueAt, bytes }) => {
        const value = littleEndianOf(block.subarray(valueAt, valueAt + bytes), type, exif.littleEndian);
        return { tag, type, count, value };
      }),
    children: pointers
      .filter(([, child]) => (listed(child)?.entries.length ?? 0) > 0)
      .map(([tag, child]) => ({
        tag,
        directory: build(child, child === 'exif' ? [[INTEROP_POINTER, 'interop']] : []),
      })),
  });
  return build('image', [
    [EXIF_POINTER, 'exif'],
    [GPS_POINTER, 'gps'],
  ]);
}

/** Directories as a block; little-endian. */
export const exifOf = (directory: Directory): Buffer =>
  Buffer.concat([Buffer.from('II*\0\x08\0\0\0', 'latin1'), packDirectory(directory, 8, false)]);
