import type { Messages } from './en.ts';

/** The word for a state of the API; one that this page does not know yet is shown as it came. */
export const wordFor = (words: Record<string, string>, state: string): string =>
  Object.hasOwn(words, state) ? (words[state] ?? state) : state;

/** A reason in words for people: by its code where the page knows it, else in the server's own sentence. */
export function reasonFor(t: Messages, code: string | null, sentence: string | null): string {
  return code !== null && Object.hasOwn(t.errors, code) ? (t.errors[code] ?? '') : (sentence ?? '');
}
