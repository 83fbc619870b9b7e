import { z } from 'zod';
import { DarkroomError, type FieldFault } from '../contracts/errors.ts';

export type InputPart = 'query' | 'form' | 'body';

/** Texts of clients are quoted no longer than this in an answer. */
const QUOTE_LENGTH = 60;

/**
 * Parses a part of a request.
 * @throws DarkroomError `invalid_request` that names every faulty field and what it holds, in one sentence each.
 */
export function checkInput<T>(schema: z.ZodType<T>, given: unknown, part: InputPart): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.flatMap((issue) => faultsOf(issue, given, part));
  throw new DarkroomError('invalid_request', fields.map((fault) => fault.detail).join(' '), { fields });
}

function faultsOf(issue: z.core.$ZodIssue, given: unknown, part: InputPart): FieldFault[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: pointerTo([...issue.path, key], part),
      detail: `${quote(key)} is not a field of this ${part === 'body' ? 'request' : part}.`,
    }));
  }
  const value = valueAt(given, issue.path);
  const name = issue.path.length > 0 ? issue.path.join('.') : `the ${part}`;
  const held = value === undefined ? 'is missing' : `is ${quote(value)}`;
  return [{ pointer: pointerTo(issue.path, part), detail: `${name} ${held} but ${sentenceOf(issue)}.` }];
}

/** Of the branches of a union the one that tells most is quoted: not "expected number" when a text was not a number. */
function sentenceOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union' && issue.message === 'Invalid input') {
    const branches = issue.errors.flat();
    const best = branches.find((inner) => inner.code !== 'invalid_type') ?? branches[0];
    if (best) return sentenceOf(best);
  }
  if (issue.code === 'invalid_type') return `must be of type ${issue.expected}`;
  if (issue.code === 'invalid_value' && !issue.message.startsWith('must')) {
    return `must be one of ${issue.values.map(String).join(', ')}`;
  }
  return issue.message.startsWith('must ') ? issue.message : `must fit: ${issue.message}`;
}

function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  let value = given;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

const pointerTo = (path: readonly PropertyKey[], part: InputPart): string =>
  part === 'body'
    ? path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
    : path.map(String).join('.');

/** A value as JSON, shortened; control characters leave as escapes. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > QUOTE_LENGTH ? `${text.slice(0, QUOTE_LENGTH)}…` : text;
}
