import { ApiProblem, ServerGone } from '../api.ts';
import type { KnownError } from './en/errors.ts';
import type { Messages } from './en/index.ts';

/** The word for a state of the API; one that this page does not know yet is shown as it came. */
export const wordFor = (words: Record<string, string>, state: string): string =>
  Object.hasOwn(words, state) ? (words[state] ?? state) : state;

/** A reason in words for people: by its code where the page knows it, else in the server's own sentence. */
export function reasonFor(t: Messages, code: string | null, sentence: string | null): string {
  return code !== null && isKnown(t, code) ? t.errors[code] : (sentence ?? '');
}

/** Why something that the person asked for was not done. */
export function reasonOf(t: Messages, thrown: unknown): string {
  if (thrown instanceof ServerGone) return t.server.goneTitle;
  if (thrown instanceof ApiProblem) return reasonFor(t, thrown.code, thrown.message);
  return thrown instanceof Error ? thrown.message : String(thrown);
}

const isKnown = (t: Messages, code: string): code is KnownError => Object.hasOwn(t.errors, code);
