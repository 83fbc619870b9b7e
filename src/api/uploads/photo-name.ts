/** The client's name of a photo, kept as text for people; it never becomes a path of ours. */

const LONGEST = 255;
/** C0 and C1 controls, NUL among them, and the marks that turn the direction of text around. */
const INVISIBLE = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** The last component of whatever was sent, without control characters, in composed form, at most 255 characters. */
export function photoName(sent: string): string {
  const last = sent.replaceAll('\\', '/').split('/').at(-1) ?? '';
  const clean = cleanText(last).trim();
  const name = clean === '' || clean === '.' || clean === '..' ? 'photo' : clean;
  return shorten(name);
}

/**
 * A name with folders, as it may be sent by anyone, as a path that leads down from wherever it is put: each part is a name a
 * file can have, and none is empty, `.` or `..`.
 */
export function fileName(sent: string): string {
  const parts = sent
    .split('/')
    .map((part) => cleanText(part).replaceAll('\\', '_').trim())
    .filter((part) => part !== '' && part !== '.' && part !== '..');
  return parts.length === 0 ? 'photo' : parts.map(fit).join('/');
}

/** Cuts what no file system takes as one name. Room is left for a number and for temporary names beside it. */
function fit(part: string): string {
  if (Buffer.byteLength(part) <= FILE_NAME_BYTES) return part;
  const extension = /\.[^.]{1,10}$/u.exec(part)?.[0] ?? '';
  let stem = '';
  for (const character of part.slice(0, part.length - extension.length)) {
    if (Buffer.byteLength(stem + character + extension) > FILE_NAME_BYTES) break;
    stem += character;
  }
  return stem + extension;
}

const FILE_NAME_BYTES = 180;

/** In composed form, without characters that hide what a text is. */
export const cleanText = (text: string): string => text.normalize('NFC').replace(INVISIBLE, '');

/** Cuts the stem, so that the extension stays readable; never through a surrogate pair. */
function shorten(name: string): string {
  const characters = Array.from(name);
  if (characters.length <= LONGEST) return name;
  const extension = Array.from(/\.[^.]{1,10}$/u.exec(name)?.[0] ?? '');
  return [...characters.slice(0, LONGEST - extension.length), ...extension].join('');
}
