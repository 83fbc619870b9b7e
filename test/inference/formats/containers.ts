import { crc32, deflateSync } from 'node:zlib';

/** Puts metadata into files by hand, independently of how Darkroom does it. */

export function pngChunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(content.length, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}

const afterHeader = (png: Buffer, ...chunks: Buffer[]): Buffer =>
  Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]);

export const withPngProfile = (png: Buffer, profile: Buffer): Buffer =>
  afterHeader(png, pngChunk('iCCP', Buffer.concat([Buffer.from('p\0\0', 'latin1'), deflateSync(profile)])));

export const withPngExif = (png: Buffer, exif: Buffer): Buffer => afterHeader(png, pngChunk('eXIf', exif));

/** Segments right behind the start of a JPEG. */
export function withJpegSegments(jpeg: Buffer, segments: readonly (readonly [number, Buffer])[]): Buffer {
  const made = segments.map(([marker, content]) => {
    const head = Buffer.from([0xff, marker, 0, 0]);
    head.writeUInt16BE(content.length + 2, 2);
    return Buffer.concat([head, content]);
  });
  return Buffer.concat([jpeg.subarray(0, 2), ...made, jpeg.subarray(2)]);
}

export const exifSegment = (exif: Buffer): readonly [number, Buffer] => [
  0xe1,
  Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), exif]),
];

export const xmpSegment = (xmp: string): readonly [number, Buffer] => [
  0xe1,
  Buffer.from(`http://ns.adobe.com/xap/1.0/\0${xmp}`),
];

/** Datasets of record 2 as Photoshop writes them into a JPEG. */
export function iptcSegment(datasets: readonly (readonly [number, string])[]): readonly [number, Buffer] {
  const content = iptcDatasets(datasets);
  const resource = Buffer.from('Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\0', 'latin1');
  resource.writeUInt32BE(content.length, resource.length - 4);
  return [0xed, Buffer.concat([resource, content, Buffer.alloc(content.length % 2)])];
}

export const iptcDatasets = (datasets: readonly (readonly [number, string])[]): Buffer =>
  Buffer.concat(
    datasets.map(([dataset, text]) => {
      const head = Buffer.from([0x1c, 2, dataset, 0, 0]);
      head.writeUInt16BE(Buffer.byteLength(text), 3);
      return Buffer.concat([head, Buffer.from(text)]);
    }),
  );

export interface ExifTag {
  readonly tag: number;
  /** Text, a number (SHORT), a pair (RATIONAL) or bytes (UNDEFINED). */
  readonly value: string | number | readonly [number, number] | Buffer;
}

export interface ExifContent {
  readonly image: readonly ExifTag[];
  readonly exif?: readonly ExifTag[];
  readonly gps?: readonly ExifTag[];
  /** A thumbnail, as JPEG. */
  readonly thumbnail?: Buffer;
}

/** An EXIF block, in either byte order. */
export function makeExif(content: ExifContent, littleEndian = true): Buffer {
  const writer = new Writer(littleEndian);
  const head = Buffer.from(littleEndian ? 'II*\0' : 'MM\0*', 'latin1');
  const exifAt = 8 + writer.directory(8, content.image, [0, 0], 0).length;
  const exif = writer.directory(exifAt, content.exif ?? [], undefined, 0);
  const gps = writer.directory(exifAt + exif.length, content.gps ?? [], undefined, 0);
  const gpsAt = content.gps === undefined ? 0 : exifAt + exif.length;
  const thumbnailAt = content.thumbnail === undefined ? 0 : exifAt + exif.length + gps.length;
  const image = writer.directory(8, content.image, [exifAt, gpsAt], thumbnailAt);
  const { thumbnail = Buffer.alloc(0) } = content;
  const pointers = thumbnailAt === 0 ? [] : writer.thumbnail(thumbnailAt, thumbnail);
  return Buffer.concat([head, writer.long(8), image, exif, gps, ...pointers]);
}

class Writer {
  readonly #littleEndian: boolean;

  constructor(littleEndian: boolean) {
    this.#littleEndian = littleEndian;
  }

  short(value: number): Buffer {
    const bytes = Buffer.alloc(2);
    if (this.#littleEndian) bytes.writeUInt16LE(value);
    else bytes.writeUInt16BE(value);
    return bytes;
  }

  long(value: number): Buffer {
    const bytes = Buffer.alloc(4);
    if (this.#littleEndian) bytes.writeUInt32LE(value);
    else bytes.writeUInt32BE(value);
    return bytes;
  }

  thumbnail(at: number, jpeg: Buffer): Buffer[] {
    const entry = (tag: number, value: number): Buffer =>
      Buffer.concat([this.short(tag), this.short(4), this.long(1), this.long(value)]);
    return [this.short(2), entry(0x201, at + 30), entry(0x202, jpeg.length), this.long(0), jpeg];
  }

  directory(
    at: number,
    tags: readonly ExifTag[],
    pointers: readonly [number, number] | undefined,
    next: number,
  ): Buffer {
    const packed = tags.map(({ tag, value }) => ({ tag, ...this.#pack(value) }));
    for (const [index, tag] of [0x8769, 0x8825].entries()) {
      if (pointers !== undefined) packed.push({ tag, type: 4, count: 1, bytes: this.long(pointers[index] ?? 0) });
    }
    packed.sort((a, b) => a.tag - b.tag);
    let dataAt = at + 2 + packed.length * 12 + 4;
    const data: Buffer[] = [];
    const entries = packed.map(({ tag, type, count, bytes }) => {
      const start = Buffer.concat([this.short(tag), this.short(type), this.long(count)]);
      if (bytes.length <= 4) return Buffer.concat([start, bytes, Buffer.alloc(4 - bytes.length)]);
      data.push(bytes, Buffer.alloc(bytes.length % 2));
      const place = this.long(dataAt);
      dataAt += bytes.length + (bytes.length % 2);
      return Buffer.concat([start, place]);
    });
    return Buffer.concat([this.short(packed.length), ...entries, this.long(next), ...data]);
  }

  #pack(value: ExifTag['value']): { type: number; count: number; bytes: Buffer } {
    if (typeof value === 'string')
      return { type: 2, count: value.length + 1, bytes: Buffer.from(`${value}\0`, 'latin1') };
    if (typeof value === 'number') return { type: 3, count: 1, bytes: this.short(value) };
    if (Buffer.isBuffer(value)) return { type: 7, count: value.length, bytes: value };
    const [above, below] = value;
    return { type: 5, count: 1, bytes: Buffer.concat([this.long(above), this.long(below)]) };
  }
}

/** Tags of a block as `room:tag` → bytes; a reader that shares nothing with Darkroom's. */
export function readExifTags(block: Buffer): Map<string, Buffer> {
  const start = block.toString('latin1', 0, 4) === 'Exif' ? 6 : 0;
  const body = block.subarray(start);
  const isLittle = body.toString('latin1', 0, 2) === 'II';
  const short = (at: number): number => (isLittle ? body.readUInt16LE(at) : body.readUInt16BE(at));
  const long = (at: number): number => (isLittle ? body.readUInt32LE(at) : body.readUInt32BE(at));
  const sizes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];
  const found = new Map<string, Buffer>();
  const walk = (at: number, room: string): void => {
    const count = short(at);
    for (let index = 0; index < count; index += 1) {
      const entry = at + 2 + index * 12;
      const bytes = (sizes[short(entry + 2)] ?? 0) * long(entry + 4);
      const valueAt = bytes > 4 ? long(entry + 8) : entry + 8;
      found.set(`${room}:${short(entry).toString(16)}`, body.subarray(valueAt, valueAt + bytes));
      if (short(entry) === 0x8769) walk(long(entry + 8), 'exif');
      if (short(entry) === 0x8825 && long(entry + 8) > 0) walk(long(entry + 8), 'gps');
    }
    const next = long(at + 2 + count * 12);
    if (room === 'image' && next > 0) walk(next, 'thumbnail');
  };
  walk(long(4), 'image');
  return found;
}
