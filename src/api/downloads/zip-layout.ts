/**
 * A ZIP whose every byte is known before the first is sent: members are stored as they are (photos are compressed already), so
 * sizes and checksums from the journal say where everything lies, and reading may begin anywhere. PKWARE's APPNOTE 6.3,
 * with ZIP64 for what does not fit into 32 bits.
 */

export interface ZipMember {
  /** Unique and safe; `/` is not in it. */
  readonly name: string;
  readonly bytes: number;
  readonly crc32: number;
  /** Epoch milliseconds. */
  readonly modifiedAt: number;
}

const MAX_32 = 0xffff_ffff;
const MAX_16 = 0xffff;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
/** The moment in seconds since 1970, besides the two-second local time that DOS knew. */
const TIME_EXTRA_BYTES = 9;
const LOCAL_ZIP64_BYTES = 20;
const VERSION = 20;
const VERSION_ZIP64 = 45;
const UNIX = 3 << 8;
const UTF8_NAMES = 0x0800;
const READABLE = (0o100644 << 16) >>> 0;

/** Where each part of a ZIP lies. */
export class ZipLayout {
  readonly members: readonly ZipMember[];
  /** Whole length of the file. */
  readonly bytes: number;
  readonly directoryAt: number;
  readonly #starts: Float64Array;
  readonly #entryStarts: Float64Array;

  constructor(members: readonly ZipMember[]) {
    this.members = members;
    this.#starts = new Float64Array(members.length + 1);
    this.#entryStarts = new Float64Array(members.length + 1);
    let at = 0;
    for (const [index, member] of members.entries()) {
      this.#starts[index] = at;
      at += localSize(member) + member.bytes;
    }
    this.#starts[members.length] = at;
    this.directoryAt = at;
    for (const [index, member] of members.entries()) {
      this.#entryStarts[index] = at;
      at += entrySize(member, this.startOf(index));
    }
    this.#entryStarts[members.length] = at;
    this.bytes = at + this.end().length;
  }

  /** Where the header of a member begins; of the one after the last, where the directory does. */
  startOf(index: number): number {
    return this.#starts[index] ?? this.directoryAt;
  }

  entryStartOf(index: number): number {
    return this.#entryStarts[index] ?? this.bytes;
  }

  /** The member that a byte before the directory belongs to. */
  memberAt(position: number): number {
    return lastNotAfter(this.#starts, this.members.length, position);
  }

  entryAt(position: number): number {
    return lastNotAfter(this.#entryStarts, this.members.length, position);
  }

  /** What comes before the bytes of a member. */
  header({ name, bytes, crc32, modifiedAt }: ZipMember): Buffer {
    const large = bytes >= MAX_32;
    const text = Buffer.from(name);
    const extra = Buffer.concat([timeExtra(modifiedAt), large ? zip64Extra([bytes, bytes]) : EMPTY]);
    const fixed = Buffer.alloc(LOCAL_BYTES);
    fixed.writeUInt32LE(0x0403_4b50, 0);
    fixed.writeUInt16LE(large ? VERSION_ZIP64 : VERSION, 4);
    writeCommon(fixed, 6, { modifiedAt, crc32, sizes: large ? MAX_32 : bytes });
    fixed.writeUInt16LE(text.length, 26);
    fixed.writeUInt16LE(extra.length, 28);
    return Buffer.concat([fixed, text, extra]);
  }

  /** The line of the directory that a member has. */
  entry(index: number): Buffer {
    const member = this.members[index];
    if (!member) throw new RangeError(`Expected one of ${this.members.length} members but received ${index}`);
    const { name, bytes, crc32, modifiedAt } = member;
    const start = this.startOf(index);
    const large = bytes >= MAX_32;
    const far = start >= MAX_32;
    const wide = [...(large ? [bytes, bytes] : []), ...(far ? [start] : [])];
    const text = Buffer.from(name);
    const extra = Buffer.concat([timeExtra(modifiedAt), wide.length > 0 ? zip64Extra(wide) : EMPTY]);
    const fixed = Buffer.alloc(CENTRAL_BYTES);
    const version = large || far ? VERSION_ZIP64 : VERSION;
    fixed.writeUInt32LE(0x0201_4b50, 0);
    fixed.writeUInt16LE(UNIX | version, 4);
    fixed.writeUInt16LE(version, 6);
    writeCommon(fixed, 8, { modifiedAt, crc32, sizes: large ? MAX_32 : bytes });
    fixed.writeUInt16LE(text.length, 28);
    fixed.writeUInt16LE(extra.length, 30);
    fixed.writeUInt32LE(READABLE, 38);
    fixed.writeUInt32LE(far ? MAX_32 : start, 42);
    return Buffer.concat([fixed, text, extra]);
  }

  /** What comes after the last line of the directory. */
  end(): Buffer {
    const count = this.members.length;
    const endAt = this.entryStartOf(count);
    const size = endAt - this.directoryAt;
    const wide = count >= MAX_16 || size >= MAX_32 || this.directoryAt >= MAX_32;
    const end = Buffer.alloc(22);
    end.writeUInt32LE(0x0605_4b50, 0);
    end.writeUInt16LE(wide ? MAX_16 : count, 8);
    end.writeUInt16LE(wide ? MAX_16 : count, 10);
    end.writeUInt32LE(wide ? MAX_32 : size, 12);
    end.writeUInt32LE(wide ? MAX_32 : this.directoryAt, 16);
    return wide ? Buffer.concat([zip64End(count, size, this.directoryAt, endAt), end]) : end;
  }
}

const EMPTY = Buffer.alloc(0);
const localSize = ({ name, bytes }: ZipMember): number =>
  LOCAL_BYTES + Buffer.byteLength(name) + TIME_EXTRA_BYTES + (bytes >= MAX_32 ? LOCAL_ZIP64_BYTES : 0);

function entrySize({ name, bytes }: ZipMember, start: number): number {
  const wide = (bytes >= MAX_32 ? 2 : 0) + (start >= MAX_32 ? 1 : 0);
  return CENTRAL_BYTES + Buffer.byteLength(name) + TIME_EXTRA_BYTES + (wide > 0 ? 4 + 8 * wide : 0);
}

/** Flags, method (stored), time and date, checksum and both sizes: the same in header and directory. */
function writeCommon(into: Buffer, at: number, member: { modifiedAt: number; crc32: number; sizes: number }): void {
  const { time, date } = dosTime(member.modifiedAt);
  into.writeUInt16LE(UTF8_NAMES, at);
  into.writeUInt16LE(0, at + 2);
  into.writeUInt16LE(time, at + 4);
  into.writeUInt16LE(date, at + 6);
  into.writeUInt32LE(member.crc32, at + 8);
  into.writeUInt32LE(member.sizes, at + 12);
  into.writeUInt32LE(member.sizes, at + 16);
}

/** In UTC, so that the same archive is made wherever it is made. */
function dosTime(modifiedAt: number): { time: number; date: number } {
  const moment = new Date(modifiedAt);
  const year = Math.min(Math.max(moment.getUTCFullYear() - 1980, 0), 127);
  return {
    time: (moment.getUTCHours() << 11) | (moment.getUTCMinutes() << 5) | (moment.getUTCSeconds() >> 1),
    date: (year << 9) | ((moment.getUTCMonth() + 1) << 5) | moment.getUTCDate(),
  };
}

function timeExtra(modifiedAt: number): Buffer {
  const extra = Buffer.alloc(TIME_EXTRA_BYTES);
  extra.writeUInt16LE(0x5455, 0);
  extra.writeUInt16LE(5, 2);
  extra.writeUInt8(1, 4);
  extra.writeUInt32LE(Math.min(Math.max(Math.floor(modifiedAt / 1000), 0), MAX_32), 5);
  return extra;
}

function zip64Extra(values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * values.length);
  extra.writeUInt16LE(0x0001, 0);
  extra.writeUInt16LE(8 * values.length, 2);
  for (const [place, value] of values.entries()) extra.writeBigUInt64LE(BigInt(value), 4 + 8 * place);
  return extra;
}

function zip64End(count: number, size: number, directoryAt: number, endAt: number): Buffer {
  const record = Buffer.alloc(56 + 20);
  record.writeUInt32LE(0x0606_4b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeUInt16LE(UNIX | VERSION_ZIP64, 12);
  record.writeUInt16LE(VERSION_ZIP64, 14);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(size), 40);
  record.writeBigUInt64LE(BigInt(directoryAt), 48);
  record.writeUInt32LE(0x0706_4b50, 56);
  record.writeBigUInt64LE(BigInt(endAt), 64);
  record.writeUInt32LE(1, 72);
  return record;
}

/** Index of the last of `count` ascending starts that is not after a position. */
function lastNotAfter(starts: Float64Array, count: number, position: number): number {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? Number.POSITIVE_INFINITY) <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}
