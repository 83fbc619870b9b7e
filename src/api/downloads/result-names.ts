import { UniqueStems } from '../unique-stems.ts';

/** Names under which results leave the house: whatever the original was called, safe on every system. */

const LONGEST_STEM = 120;
/** Not allowed in names on some system, or able to hide what a name really is. */
const UNSAFE = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069<>:"/\\|?*]/gu;
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)$/i;

/** `holiday.JPG` → `holiday_enhanced.png`, when the result is a PNG. */
export const resultName = (original: string, extension: string): string => `${safeStem(original)}_enhanced${extension}`;

function safeStem(original: string): string {
  const stem = original.replace(/\.[^.]{1,10}$/u, '');
  const clean = stem
    .normalize('NFC')
    .replace(UNSAFE, '_')
    .replace(/^[-.=+@\s]+/, ''); // hidden files, options of commands, formulas of spreadsheets
  const short = Array.from(withoutEnd(clean)).slice(0, LONGEST_STEM).join('');
  if (short === '') return 'photo';
  return RESERVED.test(short.split('.', 1)[0] ?? '') ? `_${short}` : short;
}

/** Without dots and spaces at its end; `/[.\s]+$/` would begin anew at each of those inside a long name. */
function withoutEnd(text: string): string {
  let end = text.length;
  while (end > 0 && /[.\s]/.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** Gives each result of an archive a name that no other one has, capital letters not counted. */
export class UniqueNames {
  readonly #stems = new UniqueStems();

  take(name: string): string {
    const dot = name.lastIndexOf('.');
    const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
    return `${this.#stems.take(stem, extension, (number) => ` (${number})`)}${extension}`;
  }
}
