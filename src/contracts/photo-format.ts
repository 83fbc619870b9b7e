import { DarkroomError } from './errors.ts';

/** What kind of file it is, judged by its first bytes alone: names and headers that came with it prove nothing. */

export type PhotoFormat = 'jpeg' | 'png' | 'webp' | 'tiff' | 'avif' | 'gif' | 'bmp';

/** As many first bytes as {@link recogniseFormat} wants to see. */
export const HEAD_BYTES = 512;

const text = (head: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...head.subarray(from, Math.min(to, head.length)));

const startsWith = (head: Uint8Array, start: string, offset = 0): boolean =>
  text(head, offset, offset + start.length) === start;

const SIGNATURES: readonly (readonly [PhotoFormat, (head: Uint8Array) => boolean])[] = [
  ['jpeg', (head) => startsWith(head, '\xff\xd8\xff')],
  ['png', (head) => startsWith(head, '\x89PNG\r\n\x1a\n')],
  ['webp', (head) => startsWith(head, 'RIFF') && startsWith(head, 'WEBP', 8)],
  ['gif', (head) => startsWith(head, 'GIF87a') || startsWith(head, 'GIF89a')],
  ['tiff', (head) => ['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].some((magic) => startsWith(head, magic))],
  ['avif', (head) => brands(head).some((brand) => brand === 'avif' || brand === 'avis')],
  ['bmp', (head) => startsWith(head, 'BM')],
];

export const PHOTO_FORMATS: readonly PhotoFormat[] = SIGNATURES.map(([format]) => format);

/** Formats people do send, refused by name so that they know what to do. */
const KNOWN_BUT_REFUSED: readonly (readonly [string, (head: Uint8Array) => boolean])[] = [
  ['HEIC', (head) => brands(head).some((brand) => /^(?:he[iv][cmsx]|mif1|msf1)$/.test(brand))],
  ['PDF', (head) => startsWith(head, '%PDF')],
  ['SVG', (head) => /<svg[\s>]/i.test(text(head, 0, HEAD_BYTES))],
  ['Photoshop', (head) => startsWith(head, '8BPS')],
  ['JPEG 2000', (head) => startsWith(head, '\0\0\0\x0cjP  ') || startsWith(head, '\xff\x4f\xff\x51')],
  ['JPEG XL', (head) => startsWith(head, '\xff\x0a') || startsWith(head, 'JXL ', 4)],
];

/**
 * Loaders of the image library that read other files, run programs or know formats nobody sends: `sharp.block` in every
 * process that opens photos. Content decides what is decoded; this wall stands even if that one had a hole.
 */
export const BLOCKED_LOADERS = [
  'VipsForeignLoadSvg',
  'VipsForeignLoadPdf',
  'VipsForeignLoadMagick',
  'VipsForeignLoadOpenslide',
];

/** Brands of an ISO media file (`ftyp` box): the major one and those it is compatible with. */
function brands(head: Uint8Array): string[] {
  if (!startsWith(head, 'ftyp', 4)) return [];
  const boxBytes = new DataView(head.buffer, head.byteOffset, head.byteLength).getUint32(0);
  const end = Math.min(boxBytes, head.length);
  const names: string[] = [];
  for (let at = 8; at + 4 <= end; at += 4) if (at !== 12) names.push(text(head, at, at + 4));
  return names;
}

/**
 * Only what is known here is ever opened by the image library: its loaders for SVG, PDF and HEIC are never reached.
 * @param head - the first {@link HEAD_BYTES} of the file, or all of a shorter one.
 * @throws DarkroomError `empty_file` or `unsupported_format`.
 */
export function recogniseFormat(head: Uint8Array): PhotoFormat {
  if (head.length === 0) throw new DarkroomError('empty_file');
  const found = SIGNATURES.find(([, matches]) => matches(head));
  if (found !== undefined) return found[0];
  const refused = KNOWN_BUT_REFUSED.find(([, matches]) => matches(head));
  if (refused === undefined) throw new DarkroomError('unsupported_format');
  throw new DarkroomError(
    'unsupported_format',
    `This is a ${refused[0]} file, which Darkroom does not read. Send JPEG, PNG, WebP, AVIF, TIFF, GIF or BMP.`,
  );
}
