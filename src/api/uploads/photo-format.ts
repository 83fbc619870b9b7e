/** Formats by content. Names and Content-Types of clients say nothing. */

export type PhotoFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff' | 'avif' | 'bmp';

/** Bytes of a file's beginning that {@link sniffFormat} wants to see. */
export const SNIFF_BYTES = 64;

const ascii = (head: Buffer, from: number, to: number): string => head.toString('latin1', from, to);

/**
 * Knows a photo by its signature; `undefined` for anything else. Only what is known here is ever opened by the image
 * library: its loaders for SVG, PDF and HEIC are never reached.
 */
export function sniffFormat(head: Buffer): PhotoFormat | undefined {
  if (ascii(head, 0, 3) === '\xff\xd8\xff') return 'jpeg';
  if (ascii(head, 0, 8) === '\x89PNG\r\n\x1a\n') return 'png';
  if (/^GIF8[79]a/.test(ascii(head, 0, 6))) return 'gif';
  if (ascii(head, 0, 4) === 'RIFF' && ascii(head, 8, 12) === 'WEBP') return 'webp';
  if (/^(?:II[*+]\0|MM\0[*+])/.test(ascii(head, 0, 4))) return 'tiff';
  if (ascii(head, 4, 8) === 'ftyp' && brandsOf(head).some((brand) => brand === 'avif' || brand === 'avis'))
    return 'avif';
  if (ascii(head, 0, 2) === 'BM' && head.length >= 26) return 'bmp';
  return undefined;
}

/** The major brand of an ISO media file and the compatible ones. */
function brandsOf(head: Buffer): string[] {
  const end = Math.min(head.readUInt32BE(0), head.length);
  const brands = [ascii(head, 8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(ascii(head, at, at + 4));
  return brands;
}

/** Width and height of a BMP out of its header; sharp does not read the format. `undefined` when they make no sense. */
export function bmpSize(head: Buffer): { width: number; height: number } | undefined {
  const headerBytes = head.readUInt32LE(14);
  if (headerBytes < 40 || headerBytes > 124) return undefined;
  const width = head.readInt32LE(18);
  const height = Math.abs(head.readInt32LE(22)); // negative: rows from top to bottom
  return width > 0 && height > 0 ? { width, height } : undefined;
}
