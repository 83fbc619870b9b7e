import { open, type FileHandle } from 'node:fs/promises';
import type { PixelSource } from './pixel-source.ts';
import { sampleBytes, samplesLike, spanLength, type Depth, type OwnSamples, type Samples, type Span } from './tiles.ts';

/**
 * Reads pixels of an uncompressed BigTIFF in stripes, as `canvas.ts` and libvips write it, where they are asked for: what is
 * read is all that is in memory.
 */

const TAG = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  offsets: 273,
  channels: 277,
  rowsPerStrip: 278,
} as const;
const HEAD_BYTES = 16;
const ENTRY_BYTES = 20;
/** Bytes of a value of TIFF's types SHORT, LONG and LONG8. */
const VALUE_BYTES: Readonly<Record<number, 2 | 4 | 8>> = { 3: 2, 4: 4, 16: 8 };

interface Layout {
  readonly width: number;
  readonly height: number;
  readonly depth: Depth;
  readonly channels: number;
  readonly rowsPerStrip: number;
  readonly offsets: readonly number[];
}

export class CanvasFile implements PixelSource {
  readonly #file: FileHandle;
  readonly #layout: Layout;

  private constructor(file: FileHandle, layout: Layout) {
    this.#file = file;
    this.#layout = layout;
  }

  /** @throws TypeError when the file is of another kind. */
  static async open(path: string, access: 'r' | 'r+' = 'r'): Promise<CanvasFile> {
    const file = await open(path, access);
    try {
      return new CanvasFile(file, await readLayout(file));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get width(): number {
    return this.#layout.width;
  }
  get height(): number {
    return this.#layout.height;
  }
  get depth(): Depth {
    return this.#layout.depth;
  }
  get channels(): number {
    return this.#layout.channels;
  }

  async cut(columns: Span, rows: Span): Promise<OwnSamples> {
    const { channels, depth } = this.#layout;
    const rowSamples = spanLength(columns) * channels;
    const cut = samplesLike(depth, rowSamples * spanLength(rows));
    const bytes = new Uint8Array(cut.buffer);
    const rowBytes = rowSamples * sampleBytes(depth);
    for (let y = rows.start; y < rows.end; y += 1) {
      const target = bytes.subarray((y - rows.start) * rowBytes, (y - rows.start + 1) * rowBytes);
      await fill(this.#file, target, this.#rowAt(y) + columns.start * channels * sampleBytes(depth));
    }
    return cut;
  }

  /** Puts back what {@link cut} took; the file must be open for writing. */
  async paste(columns: Span, rows: Span, samples: Samples): Promise<void> {
    const { channels, depth } = this.#layout;
    const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    const rowBytes = spanLength(columns) * channels * sampleBytes(depth);
    for (let y = rows.start; y < rows.end; y += 1) {
      const at = this.#rowAt(y) + columns.start * channels * sampleBytes(depth);
      const from = (y - rows.start) * rowBytes;
      for (let done = 0; done < rowBytes;) {
        done += (await this.#file.write(bytes, from + done, rowBytes - done, at + done)).bytesWritten;
      }
    }
  }

  /** Whole rows `[start, end)`. */
  rows(start: number, end: number): Promise<OwnSamples> {
    return this.cut({ start: 0, end: this.width }, { start, end });
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #rowAt(y: number): number {
    const { rowsPerStrip, offsets, width, channels, depth } = this.#layout;
    const offset = offsets[Math.floor(y / rowsPerStrip)];
    if (offset === undefined) throw new RangeError(`Expected a row below ${this.height} but received ${y}`);
    return offset + (y % rowsPerStrip) * width * channels * sampleBytes(depth);
  }
}

async function readLayout(file: FileHandle): Promise<Layout> {
  const head = await fill(file, Buffer.alloc(HEAD_BYTES), 0);
  if (head.toString('latin1', 0, 2) !== 'II' || head.readUInt16LE(2) !== 43)
    throw unexpected('a little-endian BigTIFF');
  const directoryAt = Number(head.readBigUInt64LE(8));
  const entries = Number((await fill(file, Buffer.alloc(8), directoryAt)).readBigUInt64LE(0));
  const directory = await fill(file, Buffer.alloc(entries * ENTRY_BYTES), directoryAt + 8);
  const values = new Map<number, number[]>();
  for (let at = 0; at < directory.length; at += ENTRY_BYTES) {
    const size = VALUE_BYTES[directory.readUInt16LE(at + 2)];
    if (size === undefined) continue;
    const count = Number(directory.readBigUInt64LE(at + 4));
    const inline = directory.subarray(at + 12, at + 20);
    const elsewhere = (): Promise<Buffer> => fill(file, Buffer.alloc(count * size), Number(inline.readBigUInt64LE(0)));
    const packed = count * size <= 8 ? inline : await elsewhere();
    values.set(directory.readUInt16LE(at), unpack(packed, size, count));
  }
  const first = (tag: number, otherwise: number): number => values.get(tag)?.[0] ?? otherwise;
  if (first(TAG.compression, 1) !== 1) throw unexpected('one without compression');
  const height = first(TAG.height, 0);
  return {
    width: first(TAG.width, 0),
    height,
    depth: first(TAG.bits, 8) === 16 ? 16 : 8,
    channels: first(TAG.channels, 1),
    rowsPerStrip: first(TAG.rowsPerStrip, height),
    offsets: values.get(TAG.offsets) ?? [],
  };
}

const unexpected = (what: string): TypeError =>
  new TypeError(`Expected ${what} for a canvas but received another file`);

const unpack = (packed: Buffer, size: 2 | 4 | 8, count: number): number[] =>
  Array.from({ length: count }, (_, index) => {
    if (size === 8) return Number(packed.readBigUInt64LE(index * size));
    return size === 4 ? packed.readUInt32LE(index * size) : packed.readUInt16LE(index * size);
  });

async function fill<Bytes extends Uint8Array>(file: FileHandle, bytes: Bytes, position: number): Promise<Bytes> {
  for (let filled = 0; filled < bytes.length;) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, position + filled);
    if (bytesRead === 0) throw new RangeError(`Expected ${bytes.length} bytes at ${position} of the canvas`);
    filled += bytesRead;
  }
  return bytes;
}
