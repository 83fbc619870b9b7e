import { open, type FileHandle } from 'node:fs/promises';
import { sampleBytes, type Depth, type Samples } from './tiles.ts';

/**
 * The result before it is encoded: an uncompressed BigTIFF in stripes, written from top to bottom. The encoder reads it
 * sequentially, so that memory does not grow with the photo (192 megapixels: 100 MB instead of 1.7 GB).
 */

const ROWS_PER_STRIP = 16;
/** Rows that are put together at a time: what composing holds in memory. */
const BAND_BYTES = 8 * 1024 * 1024;
const HEADER_BYTES = 16;
const ENTRY_BYTES = 20;

const SHORT = 3;
const LONG = 4;
const LONG8 = 16;

interface Entry {
  readonly tag: number;
  readonly type: typeof SHORT | typeof LONG | typeof LONG8;
  readonly values: readonly number[];
}

/** Something that a picture's rows are appended to, from top to bottom. */
export interface Canvas {
  /** How many it wants at a time, but for the last ones. */
  readonly rowsAtATime: number;
  append(rows: Samples): Promise<void>;
  close(): Promise<void>;
}

/** @param channels - 3 is RGB, 4 is RGB and alpha that is not multiplied into the colours. */
export async function openCanvas(
  path: string,
  width: number,
  height: number,
  channels: 3 | 4,
  depth: Depth,
): Promise<Canvas> {
  const file = await open(path, 'w');
  try {
    await writeAll(file, header(width, height, channels, depth));
  } catch (error) {
    await file.close();
    throw error;
  }
  return {
    rowsAtATime: Math.max(ROWS_PER_STRIP, Math.floor(BAND_BYTES / (width * channels * sampleBytes(depth)))),
    append: (rows) => writeAll(file, bytesOf(rows)),
    close: () => file.close(),
  };
}

/** Samples of 16 bits lie in memory as in the file: little-endian. */
const bytesOf = (rows: Samples): Uint8Array => new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += (await file.write(bytes, written, bytes.length - written)).bytesWritten;
  }
}

/** Header, directory and stripe tables; pixels follow right behind. */
function header(width: number, height: number, channels: 3 | 4, depth: Depth): Buffer {
  const strips = Math.ceil(height / ROWS_PER_STRIP);
  const rowBytes = width * channels * sampleBytes(depth);
  const entriesBefore = (offsets: number[]): Entry[] => [
    { tag: 256, type: LONG, values: [width] },
    { tag: 257, type: LONG, values: [height] },
    { tag: 258, type: SHORT, values: Array.from({ length: channels }, () => depth) },
    { tag: 259, type: SHORT, values: [1] }, // not compressed
    { tag: 262, type: SHORT, values: [2] }, // RGB
    { tag: 273, type: LONG8, values: offsets },
    { tag: 277, type: SHORT, values: [channels] },
    { tag: 278, type: LONG, values: [ROWS_PER_STRIP] },
    { tag: 279, type: LONG8, values: offsets.map((_, strip) => stripRows(height, strip) * rowBytes) },
    { tag: 284, type: SHORT, values: [1] }, // samples of a pixel lie together
    ...(channels === 4 ? [{ tag: 338, type: SHORT, values: [2] } satisfies Entry] : []),
  ];
  const blank = Array.from({ length: strips }, () => 0);
  const start = serialise(entriesBefore(blank)).length;
  return serialise(entriesBefore(blank.map((_, strip) => start + strip * ROWS_PER_STRIP * rowBytes)));
}

const stripRows = (height: number, strip: number): number => Math.min(ROWS_PER_STRIP, height - strip * ROWS_PER_STRIP);

function serialise(entries: readonly Entry[]): Buffer {
  const directoryBytes = 8 + entries.length * ENTRY_BYTES + 8;
  const head = Buffer.alloc(HEADER_BYTES + directoryBytes);
  head.write('II', 'latin1');
  head.writeUInt16LE(43, 2); // BigTIFF
  head.writeUInt16LE(8, 4);
  head.writeBigUInt64LE(BigInt(HEADER_BYTES), 8);
  head.writeBigUInt64LE(BigInt(entries.length), HEADER_BYTES);
  const tables: Buffer[] = [];
  let tableOffset = head.length;
  for (const [index, { tag, type, values }] of entries.entries()) {
    const at = HEADER_BYTES + 8 + index * ENTRY_BYTES;
    head.writeUInt16LE(tag, at);
    head.writeUInt16LE(type, at + 2);
    head.writeBigUInt64LE(BigInt(values.length), at + 4);
    const packed = pack(type, values);
    if (packed.length <= 8) packed.copy(head, at + 12);
    else {
      head.writeBigUInt64LE(BigInt(tableOffset), at + 12);
      tables.push(packed);
      tableOffset += packed.length;
    }
  }
  return Buffer.concat([head, ...tables]);
}

function pack(type: Entry['type'], values: readonly number[]): Buffer {
  const size = type === SHORT ? 2 : type === LONG ? 4 : 8;
  const packed = Buffer.alloc(values.length * size);
  for (const [index, value] of values.entries()) {
    if (type === SHORT) packed.writeUInt16LE(value, index * size);
    else if (type === LONG) packed.writeUInt32LE(value, index * size);
    else packed.writeBigUInt64LE(BigInt(value), index * size);
  }
  return packed;
}
