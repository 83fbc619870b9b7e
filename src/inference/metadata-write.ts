import { rename, stat } from 'node:fs/promises';
import { crc32, deflateSync } from 'node:zlib';
import type { ResultFormat } from '../contracts/result-format.ts';
import type { CarriedMetadata } from './decode.ts';
import { photoshopBlock } from './metadata-iptc.ts';
import { readStart, splice } from './metadata-splice.ts';
import { addToTiff } from './metadata-tiff-write.ts';

/**
 * Puts metadata and the colour profile into a finished file, byte for byte as they are. (libvips writes them too, but lays
 * EXIF out anew and drops tags it does not know; AVIF alone is left to it.)
 */

export interface FileMetadata extends CarriedMetadata {
  readonly profile?: Buffer;
}

export interface Finished {
  /** Without metadata; replaced. */
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly hasAlpha: boolean;
}

export async function writeMetadata(format: ResultFormat, file: Finished, metadata: FileMetadata): Promise<void> {
  if (Object.keys(metadata).length === 0 || format.name === 'avif') return;
  if (format.name === 'tiff') return await addToTiff(file.path, metadata);
  const whole = `${file.path}.whole`;
  if (format.name === 'jpeg') await intoJpeg(file.path, whole, metadata);
  else if (format.name === 'png') await intoPng(file.path, whole, metadata);
  else await intoWebp(file, whole, metadata);
  await rename(whole, file.path);
}

const ICC_MARK = Buffer.from('ICC_PROFILE\0', 'latin1');
const ICC_CHUNK_BYTES = 65_519;

async function intoJpeg(from: string, to: string, { exif, xmp, iptc, profile }: FileMetadata): Promise<void> {
  const start = await readStart(from, 6);
  // The mark that it is JFIF stays first, as readers of JFIF expect it.
  const afterMark = start.readUInt16BE(2) === 0xffe0 ? 4 + start.readUInt16BE(4) : 2;
  const segments = [await readStart(from, afterMark)];
  const segment = (marker: number, ...content: Buffer[]): void => {
    const bytes = content.reduce((sum, part) => sum + part.length, 0);
    segments.push(Buffer.from([0xff, marker, (bytes + 2) >> 8, (bytes + 2) & 0xff]), ...content);
  };
  if (exif !== undefined) segment(0xe1, Buffer.from('Exif\0\0', 'latin1'), exif);
  if (xmp !== undefined) segment(0xe1, Buffer.from('http://ns.adobe.com/xap/1.0/\0', 'latin1'), xmp);
  if (iptc !== undefined) segment(0xed, photoshopBlock(iptc));
  for (const [index, part, parts] of profileParts(profile)) {
    segment(0xe2, ICC_MARK, Buffer.from([index + 1, parts]), part);
  }
  await splice(from, to, { head: Buffer.concat(segments), from: afterMark });
}

/** A segment of a JPEG holds 64 kB: a longer profile is numbered parts. */
function profileParts(profile: Buffer | undefined): (readonly [index: number, part: Buffer, parts: number])[] {
  if (profile === undefined) return [];
  const parts = Math.ceil(profile.length / ICC_CHUNK_BYTES);
  return Array.from({ length: parts }, (_, index) => {
    const part = profile.subarray(index * ICC_CHUNK_BYTES, (index + 1) * ICC_CHUNK_BYTES);
    return [index, part, parts] as const;
  });
}

/** Signature and header: what everything else follows. */
const PNG_HEAD_BYTES = 8 + 25;

async function intoPng(from: string, to: string, { exif, xmp, profile }: FileMetadata): Promise<void> {
  const chunks = [await readStart(from, PNG_HEAD_BYTES)];
  const chunk = (type: string, ...content: Buffer[]): void => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), ...content]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(body.length - 4, 0);
    frame.writeUInt32BE(crc32(body), 4);
    chunks.push(frame.subarray(0, 4), body, frame.subarray(4));
  };
  if (profile !== undefined) chunk('iCCP', Buffer.from('icc\0\0', 'latin1'), deflateSync(profile));
  if (xmp !== undefined) chunk('iTXt', Buffer.from('XML:com.adobe.xmp\0\0\0\0\0', 'latin1'), xmp);
  if (exif !== undefined) chunk('eXIf', exif);
  await splice(from, to, { head: Buffer.concat(chunks), from: PNG_HEAD_BYTES });
}

const WEBP_FLAGS = { profile: 0x20, alpha: 0x10, exif: 0x08, xmp: 0x04 } as const;
const RIFF_HEAD_BYTES = 12;
const EXTENDED_BYTES = 18;

async function intoWebp(file: Finished, to: string, { exif, xmp, profile }: FileMetadata): Promise<void> {
  const start = await readStart(file.path, RIFF_HEAD_BYTES + EXTENDED_BYTES);
  const isExtended = start.toString('latin1', 12, 16) === 'VP8X';
  const from = RIFF_HEAD_BYTES + (isExtended ? EXTENDED_BYTES : 0);
  const extended = Buffer.alloc(10);
  extended[0] =
    (file.hasAlpha ? WEBP_FLAGS.alpha : 0) |
    (profile === undefined ? 0 : WEBP_FLAGS.profile) |
    (exif === undefined ? 0 : WEBP_FLAGS.exif) |
    (xmp === undefined ? 0 : WEBP_FLAGS.xmp);
  extended.writeUIntLE(file.width - 1, 4, 3);
  extended.writeUIntLE(file.height - 1, 7, 3);
  const head = Buffer.concat([
    start.subarray(0, RIFF_HEAD_BYTES),
    ...riffChunk('VP8X', extended),
    ...riffChunk('ICCP', profile),
  ]);
  const tail = Buffer.concat([...riffChunk('EXIF', exif), ...riffChunk('XMP ', xmp)]);
  head.writeUInt32LE(head.length + (await stat(file.path)).size - from + tail.length - 8, 4);
  await splice(file.path, to, { head, from, tail });
}

/** A chunk of RIFF, padded to an even length; nothing for nothing. */
function riffChunk(type: string, content: Buffer | undefined): Buffer[] {
  if (content === undefined) return [];
  const frame = Buffer.alloc(8);
  frame.write(type, 'latin1');
  frame.writeUInt32LE(content.length, 4);
  return [frame, content, Buffer.alloc(content.length % 2)];
}
