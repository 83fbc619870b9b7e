import { open, type FileHandle } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import type { Canvas } from './canvas.ts';
import type { Samples } from './tiles.ts';

/**
 * A baseline JPEG that is encoded while its rows are still being made. A whole number of rows of blocks is encoded as a picture of
 * its own, and its compressed data become one restart interval (ITU-T T.81, E.1.4) of the file: what is decoded is the same, bit for
 * bit, as if all of it had been encoded at once.
 */

const BLOCK = 8;
/** Of a restart interval, in blocks of all channels: a field of 16 bits. */
const MOST_UNITS = 0xff_ff;
/** Opening a picture costs the encoder a millisecond, as long as it takes for a quarter of a megapixel. */
const STRIP_PIXELS = 2_500_000;

const END_OF_IMAGE = Buffer.from([0xff, 0xd9]);
const FIRST_RESTART = 0xd0;
const RESTARTS = 8;

export interface JpegShape {
  readonly width: number;
  readonly height: number;
  /** Of the rows that come. */
  readonly channels: 3 | 4;
}

/** Rows of a strip: as many as an interval may have, in whole blocks. */
export function stripRows({ width }: Pick<JpegShape, 'width'>): number {
  const blocksAcross = Math.ceil(width / BLOCK);
  const blocksDown = Math.min(Math.round(STRIP_PIXELS / width / BLOCK), Math.floor(MOST_UNITS / blocksAcross));
  return Math.max(1, blocksDown) * BLOCK;
}

/**
 * @param encode - makes of a strip's samples a baseline JPEG with the usual Huffman tables and without subsampling: always the same
 *   tables, or the strips cannot be one picture.
 * @returns takes rows of 8 bits a channel; after the last the file is whole.
 */
export async function openJpegStrips(path: string, shape: JpegShape, encode: (strip: Sharp) => Sharp): Promise<Canvas> {
  return new JpegStrips(await open(path, 'w'), shape, encode);
}

class JpegStrips implements Canvas {
  readonly rowsAtATime: number;
  readonly #file: FileHandle;
  readonly #shape: JpegShape;
  readonly #encode: (strip: Sharp) => Sharp;
  #head: Buffer | undefined;
  #rows = 0;
  #strips = 0;

  constructor(file: FileHandle, shape: JpegShape, encode: (strip: Sharp) => Sharp) {
    this.#file = file;
    this.#shape = shape;
    this.#encode = encode;
    this.rowsAtATime = stripRows(shape);
  }

  async append(samples: Samples): Promise<void> {
    const { width, height, channels } = this.#shape;
    const rows = samples.length / (width * channels);
    const last = this.#rows + rows === height;
    if (rows !== this.rowsAtATime && !(last && rows < this.rowsAtATime))
      throw new RangeError(`Expected ${this.rowsAtATime} rows from ${this.#rows} of ${height} but received ${rows}`);
    const strip = await this.#encode(sharp(samples, { raw: { width, height: rows, channels } })).toBuffer();
    const { tables, scan, data } = partsOf(strip, height);
    const head = Buffer.concat([tables, this.#interval(), scan]);
    this.#head ??= head;
    if (!head.equals(this.#head)) throw new TypeError('Expected strips of a JPEG with the same tables');
    const restart = Buffer.from([0xff, FIRST_RESTART + ((this.#strips - 1) % RESTARTS)]);
    await this.#file.appendFile(
      Buffer.concat([this.#strips === 0 ? head : restart, data, last ? END_OF_IMAGE : Buffer.alloc(0)]),
    );
    this.#rows += rows;
    this.#strips += 1;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** Says after how many blocks, those of all channels counted once, the data start anew. */
  #interval(): Buffer {
    const units = Math.ceil(this.#shape.width / BLOCK) * (this.rowsAtATime / BLOCK);
    return Buffer.from([0xff, MARKER.interval, 0, 4, units >> 8, units & 0xff]);
  }
}

const MARKER = { frame: 0xc0, scan: 0xda, interval: 0xdd } as const;

/** A strip's head up to its scan, with the picture's height in place of its own; the scan's head; its compressed data. */
function partsOf(strip: Buffer, height: number): { tables: Buffer; scan: Buffer; data: Buffer } {
  let frame: number | undefined;
  for (let at = 2; at + 4 <= strip.length; at += 2 + strip.readUInt16BE(at + 2)) {
    const marker = strip.readUInt16BE(at) & 0xff;
    if (marker === MARKER.frame) frame = at;
    if (marker !== MARKER.scan) continue;
    if (frame === undefined) break;
    const tables = Buffer.from(strip.subarray(0, at));
    tables.writeUInt16BE(height, frame + 5);
    const dataAt = at + 2 + strip.readUInt16BE(at + 2);
    return { tables, scan: strip.subarray(at, dataAt), data: strip.subarray(dataAt, -END_OF_IMAGE.length) };
  }
  throw new TypeError('Expected a baseline JPEG');
}
