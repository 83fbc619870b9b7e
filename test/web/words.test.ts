/** Property: whatever the page can say it says in both languages, and it has words for every error that a person can meet. */
import { describe, expect, test } from 'vitest';
import { ERRORS } from '../../src/contracts/errors.ts';
import { en } from '../../web/src/i18n/en/index.ts';
import { zh } from '../../web/src/i18n/zh/index.ts';

/** Every path to a word, with how many figures go into it. */
function pathsOf(words: object, under = ''): string[] {
  return Object.entries(words).flatMap(([name, word]: [string, unknown]) => {
    const path = `${under}.${name}`;
    if (typeof word === 'object' && word !== null) return pathsOf(word, path);
    return typeof word === 'function' ? `${path}()` : path;
  });
}

/** These are answers to programs, or faults of a program that the page is not: a person in front of it never causes one. */
const FOR_PROGRAMS =
  `invalid_request malformed_multipart no_files too_many_files too_many_parts headers_too_large unsupported_media_type
  range_not_satisfiable precondition_failed method_not_allowed tus_version not_completed idempotency_key_reused too_many_keys
  download_failed download_corrupt python_missing already_running port_taken`.split(/\s+/);

describe('the words of the page', () => {
  test('are the same in both languages, and none is empty', () => {
    expect(pathsOf(zh).toSorted()).toEqual(pathsOf(en).toSorted());
    expect(JSON.stringify([en, zh])).not.toContain('""');
  });

  test('are Chinese in Chinese', () => {
    const latin = Object.entries(zh.errors).filter(([, word]) => !/\p{Script=Han}/u.test(word));
    expect(latin).toEqual([]);
  });

  test('tell every error that a person can meet, and no other', () => {
    const told = [...Object.keys(en.errors), ...FOR_PROGRAMS];
    expect(told.toSorted()).toEqual(Object.keys(ERRORS).toSorted());
  });
});
